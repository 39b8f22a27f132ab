"""What ended long ago is deleted, and what it adds up to stays."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Row, select

from app.offload.callbacks import retries
from app.offload.database.clock import after
from app.offload.database.engines import get_engine, read, transact
from app.offload.database.tables import Status, callbacks, statistics
from app.offload.files import store
from app.offload.queue import ends, retention
from app.offload.queue.statistics import AT_ONCE, BEHIND, roll_up
from app.offload.running.janitor import Janitor
from offload.rows.making import (
    ON_SERVER,
    add,
    change,
    fill,
    in_status,
    lease,
    now,
    number_of_jobs,
    row,
    running,
)

DAY = timedelta(days=1)

pytestmark = pytest.mark.usefixtures("database")


def ended_ago(ago: timedelta, status: Status = Status.SUCCEEDED, **options: Any) -> UUID:
    job = in_status(status)
    change(job.id, finished_at=now() - ago, **options)
    return job.id


def expired(at: datetime | None = None) -> Sequence[UUID]:
    return read(retention.expired, at or now())


def test_what_ended_longer_ago_than_it_is_kept_expires() -> None:
    old = {ended_ago(31 * DAY, status) for status in (Status.SUCCEEDED, Status.FAILED)}
    ended_ago(29 * DAY)
    for status in (Status.DELAYED, Status.QUEUED, Status.RUNNING):
        change(in_status(status).id, created_at=now() - 90 * DAY)
    assert set(expired()) == old
    assert expired(now() - 2 * DAY) == []  # by a time that is believed


def test_an_end_that_is_still_to_be_told_is_kept_for_a_day() -> None:
    job_id = add(callback_url="https://example.org/")
    transact(ends.cancel, job_id)
    change(job_id, finished_at=now() - 31 * DAY)
    assert expired() == [job_id]  # its tries are over
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retention, "GIVE_UP_AFTER", 32 * DAY)
        assert expired() == []
        delivery = transact(retries.take, [job_id])
        assert len(delivery) == 1
        transact(retries.note, delivery[0], retries.Outcome(204))
        assert expired() == [job_id]


def test_a_job_that_is_tried_again_after_it_was_found_is_kept() -> None:
    job_id, at = ended_ago(31 * DAY, Status.FAILED), now()
    assert expired(at) == [job_id]
    transact(ends.retry, job_id)
    assert not transact(retention.delete_expired, job_id, at)
    assert row(job_id).status == Status.QUEUED


def test_what_belongs_to_a_job_goes_with_it() -> None:
    job_id = add(callback_url="https://example.org/")
    transact(ends.cancel, job_id)
    change(job_id, finished_at=now() - 31 * DAY)
    assert transact(retention.delete_expired, job_id, now())
    assert number_of_jobs() == 0
    assert read(lambda connection: connection.execute(select(callbacks)).all()) == []
    assert not transact(retention.delete_expired, job_id, now())


def test_the_janitor_deletes_rows_and_files_but_not_before_it_knows_the_time(
    database: Path, write_jobs: object
) -> None:
    job_id, kept_id = ended_ago(31 * DAY), ended_ago(DAY)
    for each in (job_id, kept_id):
        (database / "made").write_text("content")
        store.put_file(f"{each}/out/t/0", database / "made", "text/plain", "made")
    janitor = Janitor()
    janitor.expire()
    assert number_of_jobs() == 2
    janitor.sweep()
    janitor.expire()
    assert number_of_jobs() == 1
    assert store.list_jobs() == [str(kept_id)]


def test_ids_without_a_row_are_found() -> None:
    there, gone = add(), UUID(int=1)
    assert read(retention.without_a_row, [there, gone]) == [gone]


def totals() -> dict[tuple[str, Status, float], tuple[int, int, float]]:
    found: Sequence[Row[Any]] = read(lambda c: c.execute(select(statistics)).all())
    return {
        (each.kind, each.status, each.up_to_seconds): (each.jobs, each.attempts, each.seconds)
        for each in found
    }


def test_ends_are_summed_by_kind_status_and_run_time_once() -> None:
    at = now()
    for seconds, status in ((0.2, Status.SUCCEEDED), (0.2, Status.SUCCEEDED), (700, Status.FAILED)):
        job = running()
        ended = at - BEHIND - timedelta(seconds=5)
        began = ended - timedelta(seconds=seconds)
        change(job.id, status=status, started_at=began, finished_at=ended, attempts=2)
    waited = in_status(Status.QUEUED).id
    transact(ends.cancel, waited)
    change(waited, finished_at=at - BEHIND - timedelta(seconds=4))
    for number in (4, 0):
        assert transact(roll_up, at) == number
        assert totals() == {
            ("probe", Status.SUCCEEDED, 0.25): (2, 4, pytest.approx(0.4)),
            ("probe", Status.FAILED, 1e308): (1, 2, pytest.approx(700)),
            ("probe", Status.CANCELLED, 0.1): (1, 0, 0.0),
        }
    later = running(status=Status.SUCCEEDED, started_at=at, finished_at=at)
    assert transact(roll_up, at) == 0  # it may not be alone: others of this time may come yet
    assert transact(roll_up, at + BEHIND) == 1
    change(later.id, finished_at=at - DAY)
    assert transact(roll_up, at + BEHIND) == 0


def test_those_of_one_instant_are_not_cut_apart_by_a_batch() -> None:
    first, last = now() - 3 * BEHIND, now() - 2 * BEHIND
    fill(AT_ONCE - 2, Status.SUCCEEDED, finished_at=first)
    fill(4, Status.SUCCEEDED, finished_at=last)  # two within the batch, two behind it
    assert transact(roll_up, now()) == AT_ONCE - 2
    assert transact(roll_up, now()) == 4
    assert [jobs for jobs, _, _ in totals().values()] == [AT_ONCE + 2]


def test_two_janitors_count_each_end_once() -> None:
    fill(1000, Status.SUCCEEDED, finished_at=now() - 2 * BEHIND)
    begin = Barrier(2)

    def count(_number: int) -> int:
        begin.wait()
        return transact(roll_up, now())

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(count, range(2))) == [0, 1000]
    assert [jobs for jobs, _, _ in totals().values()] == [1000]


def test_an_end_is_counted_however_late_it_is_committed() -> None:
    if not ON_SERVER:
        pytest.skip("whoever writes to SQLite is alone: no end is open while another is counted")
    before, slow = in_status(Status.SUCCEEDED).id, running()
    change(before, finished_at=now() - DAY)
    with get_engine().begin() as connection:
        ends.succeed(connection, lease(slow), {"number": 1})
        in_status(Status.SUCCEEDED)
        assert transact(roll_up, now() + 2 * BEHIND) == 1
    assert transact(roll_up, now() + 2 * BEHIND) == 2
    assert transact(roll_up, now() + 2 * BEHIND) == 0


def test_an_end_by_the_databases_clock_is_behind_the_watermark_when_it_is_counted() -> None:
    change(in_status(Status.SUCCEEDED).id, finished_at=after(0))
    assert transact(roll_up, now() + timedelta(seconds=59)) == 0
    assert transact(roll_up, now() + timedelta(seconds=62)) == 1
