"""One real job in a service that runs: `python smoke.py URL`.

The service's SMTP_PORT is in the environment here too; the server on it is this one.
"""

import os
import sys

import httpx
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP, Envelope, Session

from app.offload.testing import wait_for

TAKEN: list[Envelope] = []


class Mailbox(Sink):
    """Where mails arrive."""

    async def handle_DATA(  # noqa: N802 (aiosmtpd's name)
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """The end of a mail."""
        TAKEN.append(envelope)
        return "250 OK"


def main(url: str) -> None:
    """Send a mail."""
    server = Controller(Mailbox(), hostname="127.0.0.1", port=int(os.environ["SMTP_PORT"]))
    server.start()
    with httpx.Client(trust_env=False, timeout=60) as client:
        mail = {"to": "ada@example.com", "subject": "Hello", "text": "Your report is ready."}
        answer = client.post(url, json=mail)
        assert answer.status_code == 202, answer.text
        job = wait_for(client.get, str(answer.url.join(answer.headers["Location"])), 120)
    server.stop()
    assert job["status"] == "succeeded", job
    (taken,) = TAKEN
    assert job["result"]["message_id"].encode() in taken.content
    print(f"1 mail to {taken.rcpt_tos[0]}")


main(sys.argv[1])
