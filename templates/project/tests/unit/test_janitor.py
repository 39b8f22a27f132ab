"""The janitor at the end of the service."""

import asyncio
import threading
from datetime import timedelta
from uuid import UUID

import pytest

from app import janitor, storage
from app.models import Dataset, Status, now
from unit.rows import add_report, change

LIMIT_SECONDS = 60


async def submit(_: UUID) -> None:
    """Ring for nothing."""


def test_a_service_that_stops_expires_no_further_reports(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        long_ago = now() - timedelta(days=1000)
        change(add_report(dataset), status=Status.FAILED, finished_at=long_ago)
    has_begun, may_end = threading.Event(), threading.Event()
    list_keys = storage.list_keys

    def list_slowly(report_id: UUID) -> list[str]:
        has_begun.set()
        assert may_end.wait(LIMIT_SECONDS)
        return list_keys(report_id)

    async def stop_in_the_first() -> None:
        works = asyncio.create_task(janitor.run(submit))
        assert await asyncio.to_thread(has_begun.wait, LIMIT_SECONDS)
        works.cancel()
        may_end.set()
        await asyncio.wait([works])

    monkeypatch.setattr(storage, "list_keys", list_slowly)
    before = set(threading.enumerate())
    asyncio.run(stop_in_the_first())
    for thread in set(threading.enumerate()) - before:
        thread.join(LIMIT_SECONDS)
    assert len(janitor.list_expired()) == 2
