"""What sending callbacks costs the event loop; on a real database."""

import asyncio
import ssl
import threading
from typing import Any

import certifi
import pytest

from app import callback_sender, jobs
from app.database import get_async_engine, transact
from app.models import Report
from app.settings import get_settings
from receiver import Receiver
from service import wait_until
from unit.rows import change, load


def test_the_certificates_are_loaded_once_and_not_on_the_loop(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded_by: list[threading.Thread] = []
    load_certificates = ssl.SSLContext.load_verify_locations

    def note(context: ssl.SSLContext, *args: Any, **options: Any) -> None:
        loaded_by.append(threading.current_thread())
        load_certificates(context, *args, **options)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", note)
    monkeypatch.setenv("SSL_CERT_FILE", certifi.where())
    monkeypatch.setenv("CALLBACK_SECRET", f"whsec_{'A' * 40}")
    monkeypatch.setenv("CALLBACK_RETRY_SECONDS", "0.1")
    monkeypatch.setenv("CALLBACK_ALLOWED_NETWORKS", "127.0.0.1")
    get_settings.cache_clear()
    with Receiver() as receiver:  # it speaks no TLS: each try fails, on a connection of its own
        change(report, callback_url=f"https://127.0.0.1:{receiver.port}/")
        transact(lambda session: jobs.cancel(session.get_one(Report, report.id)))
        asyncio.run(_send_until_tried_twice(report))
    assert "no answer" in (load(report).callback_error or "")
    (thread,) = loaded_by
    assert thread is not threading.main_thread()


async def _send_until_tried_twice(report: Report) -> None:
    async with callback_sender.running():
        await asyncio.to_thread(
            wait_until, lambda: load(report).callback_attempts > 2, "two tries that have ended"
        )
    await get_async_engine().dispose()
