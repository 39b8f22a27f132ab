"""Mails to a real SMTP server of the test's own, which can refuse and hang up."""

import socket
from collections.abc import Iterator
from smtplib import SMTPException, SMTPRecipientsRefused

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import ValidationError

from app.jobs.job_name.kind import (
    KIND,
    JobNameParams,
)
from app.offload import TransientError
from app.offload.testing import run_directly

MAIL = JobNameParams(
    to="ada@example.com",
    subject="Grüße",
    text="Your report is ready.\n.\nBye",
)
BASE = {"SMTP_HOST": "127.0.0.1", "SMTP_SECURITY": "none", "MAIL_FROM": "service@example.com"}


class Mailbox:
    """What the server has taken, and what it says to a recipient and to a mail."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []
        self.to_recipient = self.to_mail = "250 OK"

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """RCPT TO."""
        if self.to_recipient == "hang up":
            server.transport.abort()
        envelope.rcpt_tos.append(address)
        return self.to_recipient

    async def handle_DATA(  # noqa: N802 (aiosmtpd's name)
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """The end of DATA."""
        self.taken.append(envelope)
        return self.to_mail


@pytest.fixture
def mailbox() -> Mailbox:
    """Where mails arrive."""
    return Mailbox()


@pytest.fixture
def smtp(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Controller]:
    """The server, and the settings that lead to it."""
    server = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    server.start()
    use(monkeypatch, server)
    yield server
    server.stop()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def use(monkeypatch: pytest.MonkeyPatch, server: Controller, **settings: str) -> None:
    """Have mails go to a server."""
    for name, value in (BASE | {"SMTP_PORT": str(server.port)} | settings).items():
        monkeypatch.setenv(name, value)
    from app.jobs.job_name import work  # which reads them

    monkeypatch.setattr(work, "SETTINGS", work.MailSettings())


def test_the_mail_arrives_whole(smtp: Controller, mailbox: Mailbox) -> None:
    outcome = run_directly(KIND, MAIL)
    (mail,) = mailbox.taken
    assert (mail.mail_from, mail.rcpt_tos) == ("service@example.com", ["ada@example.com"])
    head, _, text = mail.content.partition(b"\r\n\r\n")
    assert text.decode().splitlines() == MAIL.text.splitlines()
    assert b"Subject: =?utf-8?" in head
    assert f"Message-ID: {outcome.result.message_id}".encode() in head


def test_a_second_attempt_sends_the_same_message_id(smtp: Controller, mailbox: Mailbox) -> None:
    from app.jobs.job_name import work

    one, two = (work.compose(job_id, MAIL)["Message-ID"] for job_id in (work.UUID(int=7),) * 2)
    assert one == two == "<00000000-0000-0000-0000-000000000007@example.com>"
    ids = {run_directly(KIND, MAIL).result.message_id for _ in range(2)}  # two jobs
    assert len(ids) == 2


@pytest.mark.parametrize("said", ["450 busy", "421 closing", "hang up"])
def test_what_passes_is_tried_again(smtp: Controller, mailbox: Mailbox, said: str) -> None:
    mailbox.to_recipient = said
    with pytest.raises(TransientError):
        run_directly(KIND, MAIL)
    assert mailbox.taken == []


def test_a_mail_that_is_refused_for_now_is_tried_again(smtp: Controller, mailbox: Mailbox) -> None:
    mailbox.to_mail = "452 full"
    with pytest.raises(TransientError, match="full"):
        run_directly(KIND, MAIL)


def test_a_refusal_for_good_fails_at_once(smtp: Controller, mailbox: Mailbox) -> None:
    mailbox.to_recipient = "550 no such person"
    with pytest.raises(SMTPRecipientsRefused, match="no such person"):
        run_directly(KIND, MAIL)
    mailbox.to_recipient, mailbox.to_mail = "250 OK", "554 spam"
    with pytest.raises(SMTPException, match="spam"):
        run_directly(KIND, MAIL)


def test_a_server_that_is_away_is_tried_again(
    smtp: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, smtp, SMTP_PORT=str(free_port()))
    with pytest.raises(TransientError, match="refused"):
        run_directly(KIND, MAIL)


def test_no_password_goes_out_in_the_clear(
    smtp: Controller, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, smtp, SMTP_SECURITY="starttls")
    with pytest.raises(SMTPException, match="STARTTLS"):  # which this server does not have
        run_directly(KIND, MAIL)
    with pytest.raises(ValidationError, match="in the clear"):
        use(monkeypatch, smtp, SMTP_USER="me", SMTP_PASSWORD="correct horse")
    with pytest.raises(ValidationError, match="go together"):
        use(monkeypatch, smtp, SMTP_USER="me", SMTP_PASSWORD="", SMTP_SECURITY="tls")
    assert mailbox.taken == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"to": "ada@example.com\r\nBcc: eve@example.com"},
        {"to": "ada@example.com, eve@example.com"},
        {"to": "nobody"},
        {"subject": "Hello\r\nBcc: eve@example.com"},
        {"subject": "Hello\u2028Bcc: eve@example.com"},
        {"subject": " "},
        {"text": ""},
        {"sender": "boss@example.com"},
    ],
)
def test_no_header_can_be_put_in(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        KIND.params.model_validate(MAIL.model_dump() | wrong)
