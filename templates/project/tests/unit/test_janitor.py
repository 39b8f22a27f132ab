"""The janitor after an outage of the database, and at the end of the service."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest

from app import janitor, jobs, storage
from app.database import transact
from app.models import Dataset, Report, Status, now
from app.settings import get_settings
from service import database_away, wait_until
from unit.rows import add_report, change, load

LIMIT_SECONDS = 60
LEASE_SECONDS = 2.0
HOUR = timedelta(hours=1)


async def submit(_: UUID) -> None:
    """Ring for nothing."""


@pytest.fixture
def sweeper(database: str, monkeypatch: pytest.MonkeyPatch) -> janitor.Sweeper:
    """One that has swept for a while."""
    found = janitor.Sweeper()
    with monkeypatch.context() as at_once:
        at_once.setattr(janitor, "RENEW_SECONDS", 0)
        found.sweep()
    return found


def test_the_janitor_rings_for_what_it_gives_back(sweeper: janitor.Sweeper, report: Report) -> None:
    transact(jobs.claim, report.id, "a")
    change(report, lease_expires_at=now() - HOUR)
    assert sweeper.sweep() == [report.id]
    row = load(report)
    assert (row.status, row.attempts) == (Status.QUEUED, 1)


def test_a_report_that_nobody_ran_for_longer_than_its_deadline_is_run_again(
    sweeper: janitor.Sweeper, report: Report
) -> None:
    transact(jobs.claim, report.id, "a")
    change(report, lease_expires_at=now() - HOUR, deadline_at=now() - HOUR)
    assert sweeper.sweep() == [report.id]
    assert load(report).status == Status.QUEUED


def test_after_an_outage_runs_may_renew_their_leases_first(
    sweeper: janitor.Sweeper, report: Report, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_settings(), "sweep_seconds", 0.1)
    monkeypatch.setattr(get_settings(), "job_lease_seconds", LEASE_SECONDS)
    transact(jobs.claim, report.id, "a")
    sweeper.sweep()
    with ThreadPoolExecutor() as threads:
        with database_away(database):
            found = threads.submit(sweeper.sweep)  # it is under way when the database is back
            time.sleep(LEASE_SECONDS)
        assert found.result() == []
    assert load(report).status == Status.RUNNING
    transact(jobs.beat, "a", 0.5)
    assert sweeper.sweep() == []


def test_a_janitor_that_has_just_begun_lets_runs_renew_their_leases_first(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    transact(jobs.claim, report.id, "a")
    change(report, lease_expires_at=now() - HOUR, deadline_at=now() - HOUR)
    monkeypatch.setattr(janitor, "RENEW_SECONDS", 1)
    sweeper = janitor.Sweeper()
    assert sweeper.sweep() == []
    assert load(report).status == Status.RUNNING
    wait_until(sweeper.sweep, "the lease to be believed")
    assert load(report).status == Status.QUEUED


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
