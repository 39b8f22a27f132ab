"""The janitor after an outage of the database, and at the end of the service."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from app import janitor, jobs, storage
from app.database import transact
from app.models import Dataset, Report, Status, now
from app.settings import get_settings
from service import database_away, wait_until
from unit.rows import add_report, change, load

LIMIT_SECONDS = 60
LEASE_SECONDS = 2.0


async def submit(_: UUID) -> None:
    """Ring for nothing."""


@asynccontextmanager
async def at_work() -> AsyncIterator[None]:
    """The janitor, meanwhile."""
    works = asyncio.create_task(janitor.run(submit))
    yield
    works.cancel()
    await asyncio.wait([works])


def test_after_an_outage_runs_may_renew_their_leases_first(
    report: Report, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_settings(), "job_lease_seconds", LEASE_SECONDS)
    transact(jobs.claim, report.id, "a")

    async def be_away_for_longer_than_the_lease() -> None:
        async with at_work():
            with database_away(database):
                await asyncio.sleep(LEASE_SECONDS)
            await asyncio.to_thread(wait_until, is_back_or_given_back, "the janitor to be back")
            transact(jobs.beat, "a", 0.5)

    def is_back_or_given_back() -> bool:
        back = any(line["event"] == "database_was_away" for line in logs)
        return back or load(report).status == Status.QUEUED

    with capture_logs() as logs:
        asyncio.run(be_away_for_longer_than_the_lease())
    assert load(report).status == Status.RUNNING


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
