"""How runs end: once, under their own lease, with all that belongs to it or with nothing."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, text

from app.offload.database.clock import after
from app.offload.database.engines import transact, transact_once
from app.offload.database.outage import while_away
from app.offload.database.tables import Status, jobs
from app.offload.errors import Cancelled, LeaseLost
from app.offload.queue import ends, sweep
from app.offload.queue.ends import Attempt
from app.offload.settings import get_settings
from offload.rows.making import (
    add,
    change,
    kept,
    lease,
    lose_the_next_answer_of_commit,
    now,
    row,
    running,
    take,
)

STOPPED = Attempt("interrupted", "stopped")
FAILED = Attempt("transient_error", "no luck")
ARTIFACT = {"name": "a.txt", "key": "k", "media_type": "text/plain", "size": 1, "digest": "0" * 64}

pytestmark = pytest.mark.usefixtures("database")


class Ledger:
    """What the work wants written when its job ends: another table of the same database."""

    def __init__(self) -> None:
        transact(lambda c: c.execute(text("CREATE TABLE IF NOT EXISTS ledger (note integer)")))
        transact(lambda c: c.execute(text("DELETE FROM ledger")))

    def write(self, connection: Connection) -> None:
        """One row."""
        connection.execute(text("INSERT INTO ledger VALUES (1)"))

    def write_and_fail(self, connection: Connection) -> None:
        """One row, and an error."""
        self.write(connection)
        raise ArithmeticError

    @property
    def rows(self) -> int:
        """How many rows there are."""
        counted = text("SELECT count(*) FROM ledger")
        return transact(lambda c: int(c.execute(counted).scalar_one()))


def seconds_until(job_id: UUID) -> float:
    """Until the job is due."""
    return float((row(job_id).run_at - now()).total_seconds())


def test_a_job_succeeds_with_all_that_belongs_to_it() -> None:
    job, ledger = running(), Ledger()
    transact(ends.succeed, lease(job), {"number": 5}, [ARTIFACT], [ledger.write])
    ended = row(job.id)
    assert (ended.status, ended.result, ended.progress) == (Status.SUCCEEDED, {"number": 5}, 1.0)
    assert (ended.finished_at - now()) < timedelta(seconds=10)
    assert (ended.lease_expires_at, ended.version) == (None, job.version + 1)
    assert (kept(job.id), ledger.rows) == (["a.txt"], 1)


def test_what_at_end_raises_takes_everything_back() -> None:
    job, ledger = running(), Ledger()
    with pytest.raises(ArithmeticError):
        transact(ends.succeed, lease(job), {}, [ARTIFACT], [ledger.write_and_fail])
    assert row(job.id) == job
    assert (kept(job.id), ledger.rows) == ([], 0)
    transact(ends.fail, lease(job), ends.WORK_FAILED)
    assert (row(job.id).status, row(job.id).error_code) == (Status.FAILED, "work_failed")


def test_a_success_whose_answer_was_lost_is_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    job, ledger = running(), Ledger()
    lose_the_next_answer_of_commit(monkeypatch.setattr)
    transact(ends.succeed, lease(job), {"number": 5}, [ARTIFACT], [ledger.write])
    assert (row(job.id).status, row(job.id).version) == (Status.SUCCEEDED, job.version + 1)
    assert (kept(job.id), ledger.rows) == (["a.txt"], 1)


@pytest.mark.parametrize("write", [(ends.fail, ends.WORK_FAILED), (ends.end_cancelled,)])
def test_an_end_whose_answer_was_lost_is_written_once(
    monkeypatch: pytest.MonkeyPatch, write: tuple[Any, ...]
) -> None:
    job = running()
    lose_the_next_answer_of_commit(monkeypatch.setattr)
    transact(write[0], lease(job), *write[1:])
    assert row(job.id).version == job.version + 1


def test_a_run_that_lost_its_lease_changes_nothing() -> None:
    job, ledger = running("token-old", lease_expires_at=after(-1)), Ledger()
    transact(sweep.recover_lapsed, 60)
    again = take("token-new")
    assert again is not None
    assert again.id == job.id
    for write in (
        lambda c: ends.succeed(c, lease(job), {}, [ARTIFACT], [ledger.write]),
        lambda c: ends.fail(c, lease(job), ends.WORK_FAILED),
        lambda c: ends.end_cancelled(c, lease(job)),
        lambda c: ends.release(c, lease(job), STOPPED, failure=None),
    ):
        with pytest.raises(LeaseLost):
            transact(write)
    assert row(job.id) == again
    assert (kept(job.id), ledger.rows) == ([], 0)


def test_a_cancel_that_came_first_wins() -> None:
    job, ledger = running(), Ledger()
    asked = transact(ends.cancel, job.id)
    assert asked is not None
    assert (asked.status, asked.cancel_requested_at is not None) == (Status.RUNNING, True)
    with pytest.raises(Cancelled):
        transact(ends.succeed, lease(job), {}, [ARTIFACT], [ledger.write])
    assert (row(job.id).status, kept(job.id), ledger.rows) == (Status.RUNNING, [], 0)
    transact(ends.end_cancelled, lease(job))
    assert row(job.id).status == Status.CANCELLED


@pytest.mark.parametrize("failure", [None, ends.WORKER_LOST])
def test_a_job_that_is_to_be_cancelled_is_not_queued_again(failure: ends.Failure | None) -> None:
    job = running()
    transact(ends.cancel, job.id)
    status = transact(ends.release, lease(job), STOPPED, failure=failure)
    assert status == row(job.id).status == Status.CANCELLED


def test_a_stop_costs_no_attempt() -> None:
    job = running()
    for _ in range(ends.STOPS_AT_ONCE):
        transact(ends.release, lease(row(job.id)), STOPPED, failure=None)
        given = row(job.id)
        assert (given.status, given.attempts) == (Status.QUEUED, 0)
        assert (given.lease_token, given.lease_expires_at, given.worker) == (None, None, None)
        assert take() is not None
    assert row(job.id).attempts == 1
    assert transact(ends.release, lease(row(job.id)), STOPPED, failure=None) == Status.DELAYED
    assert seconds_until(job.id) == pytest.approx(2**ends.STOPS_AT_ONCE, abs=2)


def test_what_is_given_back_begins_anew_and_no_other_job_does() -> None:
    job, other = running(progress=0.5), running(progress=0.5)
    transact(ends.release, lease(job), FAILED, failure=ends.STILL_FAILING, wait_seconds=0.5)
    assert (row(job.id).status, row(job.id).progress) == (Status.DELAYED, 0.0)
    assert row(job.id).history[0]["started_at"] == job.started_at.isoformat()
    last = running(max_attempts=1)
    transact(ends.release, lease(last), FAILED, failure=ends.STILL_FAILING)
    assert row(last.id).status == Status.FAILED
    assert row(other.id) == other


def test_failures_count_and_the_last_attempt_that_may_be_made_ends_the_job() -> None:
    job = running()
    for attempt in (1, 2):
        transact(ends.release, lease(row(job.id)), FAILED, failure=ends.STILL_FAILING)
        assert (row(job.id).status, row(job.id).attempts) == (Status.QUEUED, attempt)
        assert take() is not None
    transact(ends.release, lease(row(job.id)), FAILED, failure=ends.STILL_FAILING)
    failed = row(job.id)
    assert (failed.status, failed.attempts) == (Status.FAILED, 3)
    assert failed.error_code == "transient_error"
    assert [told["outcome"] for told in failed.history] == ["transient_error"] * 3
    assert failed.history[0]["worker"] == "host:1"


def test_a_backoff_stands_in_the_row_and_doubles() -> None:
    job, waits = running(), []
    for _ in range(2):
        held = row(job.id)
        wait = ends.backoff_seconds(held)
        transact(ends.release, lease(held), FAILED, failure=ends.STILL_FAILING, wait_seconds=wait)
        assert row(job.id).status == Status.DELAYED
        waits.append(seconds_until(job.id))
        transact(sweep.promote_due)
        assert take() is None  # whoever looks, however often
        change(job.id, run_at=after(-1))
        transact(sweep.promote_due)
        assert take() is not None
    assert waits == pytest.approx([5, 10], abs=2)


def test_what_looks_like_an_outage_each_time_is_tried_less_and_less_often() -> None:
    job, waits = running(), []
    for _ in range(3):
        transact(
            ends.release,
            lease(row(job.id)),
            Attempt("outage", "its own doing"),
            failure=None,
            wait_seconds=5,
        )
        waits.append(seconds_until(job.id))
        change(job.id, run_at=after(-1))
        transact(sweep.promote_due)
        assert take() is not None
    assert waits == pytest.approx([5, 10, 20], abs=2)
    assert row(job.id).attempts == 1


def test_a_backoff_has_a_limit() -> None:
    job, most = running(attempts=60), get_settings().retry_max_seconds
    assert ends.backoff_seconds(job) == most
    outage = Attempt("outage", "it lasts")
    transact(ends.release, lease(job), outage, failure=None, wait_seconds=10 * most)
    assert seconds_until(job.id) == pytest.approx(most, abs=2)


def test_a_message_is_no_longer_than_its_column() -> None:
    job = running()
    transact(ends.fail, lease(job), ends.Failure("refused", "x" * 2000))
    assert len(row(job.id).error_message) == jobs.c.error_message.type.length


def test_the_history_is_bounded() -> None:
    job = running(max_attempts=100)
    for number in range(ends.MOST_HISTORY + 5):
        attempt = Attempt("transient_error", f"{number}" + "x" * 2000)
        transact(ends.release, lease(row(job.id)), attempt, failure=ends.STILL_FAILING)
        take()
    told = row(job.id).history
    assert [each["detail"].rstrip("x") for each in told] == [str(n) for n in range(5, 25)]
    assert max(len(each["detail"]) for each in told) == ends.LONGEST_MESSAGE


def test_a_retry_begins_anew() -> None:
    job = running(attempts=3, progress=0.5, run_at=after(3600))
    transact(ends.fail, lease(running()), ends.WORK_FAILED)  # another one
    transact(ends.cancel, job.id)
    transact(ends.fail, lease(job), ends.WORK_FAILED)
    again = transact(ends.retry, job.id)
    assert again is not None
    assert (again.status, again.attempts, again.progress) == (Status.QUEUED, 0, 0.0)
    assert again.run_at <= now()
    assert (again.started_at, again.finished_at, again.cancel_requested_at) == (None, None, None)
    assert (again.error_code, again.error_message, again.lease_token) == (None, None, None)
    claimed = take()
    assert claimed is not None
    assert (claimed.id, claimed.attempts) == (job.id, 1)
    with pytest.raises(LeaseLost):  # the run that failed it, once more
        transact(ends.fail, lease(job), ends.WORK_FAILED)


def test_a_second_cancel_keeps_the_time_of_the_first() -> None:
    job, first = running(), now() - timedelta(minutes=1)
    transact(ends.cancel, job.id)
    change(job.id, cancel_requested_at=first)
    assert transact(ends.cancel, job.id) is not None
    assert row(job.id).cancel_requested_at == first


def test_what_is_not_there_is_neither_cancelled_nor_tried_again() -> None:
    gone = add()
    change(gone, id=UUID(int=1))
    assert transact(ends.cancel, gone) is None
    assert transact(ends.retry, gone) is None


def test_an_end_is_not_tried_again_for_ever() -> None:
    """A programming error in what is written with the end is told at once."""
    job, tries = running(), []

    def write(connection: Connection) -> None:
        tries.append(1)
        connection.execute(text("INSERT INTO no_such_table VALUES (1)"))

    with pytest.raises(Exception, match="no_such_table"):
        while_away()(transact_once, ends.succeed, lease(job), {}, [], [write])
    assert (len(tries), row(job.id).status) == (1, Status.RUNNING)
