"""Which server takes the mail, from the environment or from `.env`."""

import ssl
from smtplib import SMTP, SMTP_SSL
from typing import Literal

from pydantic import EmailStr, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings

from app.offload.settings import CONFIG

TIMEOUT_SECONDS = 20  # of each exchange with the server


class MailSettings(BaseSettings):
    """The password is a SecretStr: in no log and no traceback."""

    model_config = CONFIG

    smtp_host: str
    smtp_port: int = Field(default=587, gt=0, lt=65_536)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    mail_from: EmailStr

    @model_validator(mode="after")
    def _whole(self) -> "MailSettings":
        if (self.smtp_user is None) != (self.smtp_password is None):
            raise ValueError("SMTP_USER and SMTP_PASSWORD go together; set both, or none")
        if self.smtp_user and self.smtp_security == "none":
            raise ValueError("SMTP_SECURITY=none would send the password in the clear")
        return self

    def connect(self) -> SMTP:
        """A connection that is encrypted and logged in as the settings say.

        Raises SMTPException, OSError.
        """
        host, port, context = self.smtp_host, self.smtp_port, ssl.create_default_context()
        if self.smtp_security == "tls":
            smtp: SMTP = SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=context)
        else:
            smtp = SMTP(host, port, timeout=TIMEOUT_SECONDS)
        try:
            self._log_in(smtp, context)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _log_in(self, smtp: SMTP, context: ssl.SSLContext) -> None:
        if self.smtp_security == "starttls":
            smtp.starttls(context=context)
        if self.smtp_user and self.smtp_password:
            smtp.login(self.smtp_user, self.smtp_password.get_secret_value())
