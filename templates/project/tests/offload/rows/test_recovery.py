"""What the janitor puts in order, and when it believes what it sees."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from threading import Barrier
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from app.offload.database.clock import after
from app.offload.database.engines import read, transact
from app.offload.database.tables import Status, watermarks
from app.offload.queue import ends, sweep
from app.offload.running import janitor, steady_clock
from app.offload.running.janitor import LONGEST_INTERVAL_SECONDS, Notifications, Recovery
from app.offload.running.steady_clock import SteadyClock
from app.offload.settings import get_settings
from offload.rows.making import (
    LONG_AGO,
    add,
    change,
    fill,
    in_status,
    now,
    row,
    running,
    take,
)

pytestmark = pytest.mark.usefixtures("database")

LEASE = 60.0  # JOB_LEASE_SECONDS where nothing is set


class Monotonic:
    """The clock that nobody sets, in the test's hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """Seconds."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Monotonic:
    """What the janitor takes for this process's clock."""
    clock = Monotonic()
    for module in (steady_clock, janitor):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


def statuses(*ids: object) -> list[Status]:
    return [row(job_id).status for job_id in ids]  # type: ignore[arg-type]


def test_what_is_due_is_promoted_and_nothing_else() -> None:
    due, later = in_status(Status.DELAYED).id, in_status(Status.DELAYED).id
    add()  # waits already
    assert not read(sweep.work).has_due
    change(due, run_at=after(-0.1), queue="slow")
    assert read(sweep.work).has_due
    assert list(transact(sweep.promote_due)) == ["slow"]
    assert statuses(due, later) == [Status.QUEUED, Status.DELAYED]


def test_a_sweep_promotes_a_batch_that_was_due_first() -> None:
    fill(sweep.AT_ONCE, Status.DELAYED)
    last = in_status(Status.DELAYED).id
    change(last, run_at=after(0))
    assert len(transact(sweep.promote_due)) == sweep.AT_ONCE
    assert statuses(last) == [Status.DELAYED]
    assert len(transact(sweep.promote_due)) == 1


def test_a_probe_of_what_can_be_written_moves_no_other_mark() -> None:
    transact(sweep.write)
    moved = select(watermarks.c.name).where(watermarks.c.at > LONG_AGO)
    assert read(lambda connection: connection.execute(moved).scalars().all()) == [sweep.PROBE]


def test_a_lapsed_lease_and_one_that_is_not_believed_are_given_back() -> None:
    lapsed = running(lease_expires_at=after(-0.1))
    assert read(sweep.work).lapsed_seconds == LEASE
    held = running(lease_expires_at=after(1))
    freshest = running(lease_expires_at=after(1.9 * LEASE))
    from_the_future = running(lease_expires_at=after(2 * LEASE + 5))  # the clock was set back
    given = transact(sweep.recover_lapsed, LEASE)
    assert {job.id for job in given} == {lapsed.id, from_the_future.id}
    assert statuses(held.id, freshest.id) == [Status.RUNNING] * 2
    assert statuses(lapsed.id, from_the_future.id) == [Status.QUEUED] * 2
    assert read(sweep.work).lapsed_seconds is None
    told = row(lapsed.id)
    assert (told.attempts, told.history[0]["outcome"]) == (1, "worker_lost")
    assert told.history[0]["worker"] == "host:1"


def test_a_lease_of_the_future_alone_is_noticed() -> None:
    running(lease_expires_at=after(2 * LEASE + 5))
    assert read(sweep.work).lapsed_seconds == LEASE


def test_a_lease_is_as_long_as_its_holder_says_not_as_who_looks(
    clock: Monotonic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_settings(), "job_lease_seconds", 600.0)
    long, lapsed = running(), running(lease_expires_at=after(-1))
    monkeypatch.setattr(get_settings(), "job_lease_seconds", LEASE)
    assert read(sweep.work).lapsed_seconds == 600  # the other ends in ten minutes, and is believed
    short, recovery = running(lease_expires_at=after(-1)), Recovery()
    for seconds, expected in (
        (0, [Status.RUNNING] * 3),
        (31, [Status.RUNNING, Status.RUNNING, Status.QUEUED]),  # half of the short one
        (268, [Status.RUNNING, Status.RUNNING, Status.QUEUED]),
        (2, [Status.RUNNING, Status.QUEUED, Status.QUEUED]),
    ):
        clock.now += seconds
        recovery.go_on(read(sweep.work).lapsed_seconds, True)
        assert statuses(long.id, lapsed.id, short.id) == expected


def test_a_job_that_kills_its_worker_waits_then_fails() -> None:
    job = running(lease_expires_at=after(-1))
    transact(sweep.recover_lapsed, LEASE)
    for expected in (Status.DELAYED, Status.FAILED):
        change(job.id, status=Status.QUEUED)
        assert take() is not None
        change(job.id, lease_expires_at=after(-1))
        transact(sweep.recover_lapsed, LEASE)
        assert row(job.id).status == expected
    assert row(job.id).error_code == ends.WORKER_LOST.code
    assert len(row(job.id).history) == 3


def test_two_janitors_give_each_job_back_once() -> None:
    ids = [running(lease_expires_at=after(-1)).id for _ in range(30)]
    begin = Barrier(2)

    def give_back(_number: int) -> int:
        begin.wait()
        return len(transact(sweep.recover_lapsed, LEASE))

    with ThreadPoolExecutor(2) as threads:
        assert sum(threads.map(give_back, range(2))) == len(ids)
    assert {len(row(job_id).history) for job_id in ids} == {1}


def test_what_waits_is_counted_up_to_a_cap_and_the_next_one_is_named() -> None:
    assert read(sweep.waiting, "default") == (0, None)
    for_others = running().id, add()
    change(for_others[1], queue="slow")
    assert read(sweep.waiting, "default") == (0, None)
    ids = [add() for _ in range(sweep.MOST_NOTIFICATIONS + 2)]
    change(ids[-2], run_at=after(-60))
    assert read(sweep.waiting, "default") == (sweep.MOST_NOTIFICATIONS, str(ids[-2]))
    change(ids[-1], priority=1)
    assert read(sweep.waiting, "default") == (sweep.MOST_NOTIFICATIONS, str(ids[-1]))


def test_recovery_waits_until_each_living_run_could_have_renewed(clock: Monotonic) -> None:
    job, recovery = running(lease_expires_at=after(-1)), Recovery()
    half = LEASE / 2
    for is_even, seconds, expected in (
        (True, 0.0, Status.RUNNING),  # seen: written, and waited from here on
        (True, half - 1, Status.RUNNING),
        (False, 2, Status.RUNNING),  # the clock was set: from the beginning
        (True, half - 1, Status.RUNNING),
        (True, 2, Status.QUEUED),
    ):
        clock.now += seconds
        recovery.go_on(LEASE, is_even)
        assert row(job.id).status == expected


def test_recovery_begins_anew_when_nothing_had_lapsed_in_between(clock: Monotonic) -> None:
    job, recovery = running(lease_expires_at=after(-1)), Recovery()
    for lapsed_seconds in (LEASE, None, LEASE):
        recovery.go_on(lapsed_seconds, True)
        clock.now += LEASE
    assert row(job.id).status == Status.RUNNING
    recovery.go_on(LEASE, True)
    assert row(job.id).status == Status.QUEUED


def test_recovery_begins_anew_when_nobody_can_write(
    clock: Monotonic, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, recovery = running(lease_expires_at=after(-1)), Recovery()
    recovery.go_on(LEASE, True)
    clock.now += LEASE
    with monkeypatch.context() as patch:
        patch.setattr(janitor, "transact_once", _full)
        with pytest.raises(OSError, match="full"):
            recovery.go_on(LEASE, True)
    recovery.go_on(LEASE, True)
    assert row(job.id).status == Status.RUNNING


def _full(*_: object) -> None:
    raise OSError("full")


def test_a_clock_that_goes_on_as_this_process_does_is_even(clock: Monotonic) -> None:
    seen, at = SteadyClock(), now()
    assert not seen.has_been_seen
    assert not seen.see(at)  # there is nothing to compare it with
    clock.now += 2
    assert seen.see(at + timedelta(seconds=2.5))
    assert seen.has_been_seen


@pytest.mark.parametrize(
    ("passed", "by_the_clock"),
    [
        (2, 2 + 7200),  # set forward
        (2, 2 - 7200),  # set back
        (2, 2 + 16),  # by more than a quarter of a lease
        (300, 300),  # this process stood still
        (300, 2),  # and so did the database's machine
    ],
)
def test_a_step_or_a_gap_is_noticed_once(
    clock: Monotonic, passed: float, by_the_clock: float
) -> None:
    seen, at = SteadyClock(), now()
    seen.see(at)
    clock.now += passed
    at += timedelta(seconds=by_the_clock)
    assert not seen.see(at)
    clock.now += 2
    assert seen.see(at + timedelta(seconds=2))


def test_the_safe_time_is_never_ahead_of_the_time_that_has_passed(clock: Monotonic) -> None:
    seen, began = SteadyClock(), now()
    with pytest.raises(RuntimeError):
        _ = seen.safe_now
    seen.see(began)
    assert later(seen, clock, began + timedelta(days=31)) == began + timedelta(seconds=2)
    assert later(seen, clock, began + timedelta(seconds=4)) == began + timedelta(seconds=4)
    assert later(seen, clock, began - timedelta(days=1)) == began - timedelta(days=1)


def later(seen: SteadyClock, clock: Monotonic, at: datetime) -> datetime:
    clock.now += 2
    seen.see(at)
    return seen.safe_now


def test_what_waits_is_notified_of_once_an_interval_that_doubles(clock: Monotonic) -> None:
    notifications, sent = Notifications(), []
    for _ in range(200):
        if notifications.due("q", 3, "job"):
            sent.append(clock.now)
        clock.now += 1
    between = [late - early for early, late in pairwise(sent)]
    assert between[:5] == [2, 4, 8, 16, 32]
    assert set(between[5:]) == {LONGEST_INTERVAL_SECONDS}


def test_another_job_that_waits_is_notified_of_at_once(clock: Monotonic) -> None:
    notifications = Notifications()
    assert [notifications.due("q", 3, job) for job in ("a", "a", "b", "b")] == [3, 0, 3, 0]
    assert notifications.due("other", 5, "c") == 5  # each queue for itself
    assert notifications.due("q", 0, None) == 0
    assert notifications.due("q", 1, "b") == 1  # it was gone, and is back
