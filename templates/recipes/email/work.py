"""How a mail is sent. Loaded where jobs run, and nowhere else."""

import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from smtplib import (
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
)
from uuid import UUID

from app.offload import Run, TransientError
from app.offload.settings import load

from .kind import (
    KIND,
    JobNameParams,
    JobNameResult,
)
from .server import MailSettings

# Where they are missing this module cannot be imported: jobs wait, with the reason in their
# history, and none of them fails.
SETTINGS = load(MailSettings)


@KIND.work
def job_name(
    run: Run,
    params: JobNameParams,
) -> JobNameResult:
    """Send the mail. A refusal for now, or a lost connection, is tried again later."""
    mail = compose(run.id, params)
    run.progress(0.1)  # the last place to stop: what the server has, it has
    try:
        send(mail)
    except (SMTPException, OSError) as error:
        if passes(error):
            raise TransientError(str(error)) from error
        raise
    return JobNameResult(message_id=mail["Message-ID"])


def compose(job_id: UUID, params: JobNameParams) -> EmailMessage:
    """The mail, the same for every attempt: its Message-ID is the job's."""
    mail = EmailMessage(SMTP_POLICY)  # which refuses line breaks in headers
    mail["From"], mail["To"] = SETTINGS.mail_from, params.to
    mail["Subject"] = params.subject
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = f"<{job_id}@{SETTINGS.mail_from.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies
    mail.set_content(params.text)
    return mail


def send(mail: EmailMessage) -> None:
    """Hand the mail to the server. Raises SMTPException, OSError."""
    smtp = SETTINGS.connect()
    try:
        smtp.send_message(mail)
    finally:
        smtp.close()  # without QUIT, which may fail when the mail has long been taken


def passes(error: SMTPException | OSError) -> bool:
    """Whether the same mail may be taken later (RFC 5321, 4.2.1: replies of 4xx)."""
    if isinstance(error, SMTPRecipientsRefused):
        return all(400 <= code < 500 for code, _ in error.recipients.values())
    if isinstance(error, SMTPResponseException):
        return 400 <= error.smtp_code < 500
    if isinstance(error, SMTPException):
        return isinstance(error, SMTPServerDisconnected)
    return not isinstance(error, ssl.SSLCertVerificationError)
