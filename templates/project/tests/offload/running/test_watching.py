"""The watch over the runs of a process: it ends, and no run goes unwatched."""

import asyncio
import threading
import time
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from app.offload.errors import Cancelled, RunStopped
from app.offload.queue.ends import Lease
from app.offload.run import Run
from app.offload.running import heartbeat as watching
from app.offload.running.calling import call
from app.offload.running.heartbeat import Watcher
from app.offload.running.run_files import StoredFiles
from app.offload.running.signals import RunSignal
from app.offload.settings import get_settings
from offload.rows.making import LONG_AGO, change, lease, now, row, running
from offload.service import wait_until

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def short_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often."""
    monkeypatch.setattr(get_settings(), "job_lease_seconds", 1.0)


def make_signal(token: str, deadline_seconds: float = 600) -> RunSignal:
    """Of a run that nobody stops."""
    return RunSignal(Lease(uuid4(), token), deadline_seconds, lambda: False)


def test_a_run_that_begins_as_another_one_ends_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    due, begun, is_over = (threading.Event() for _ in range(3))
    second, job = make_signal("second"), running("second")

    class Slow(threading.Event):
        def clear(self) -> None:
            if due.is_set():
                due.clear()
                thread.start()
                begun.wait()
            super().clear()

    def run_the_second() -> None:
        with watcher.watching(second):
            begun.set()
            is_over.wait()

    monkeypatch.setattr(
        watching,
        "threading",
        SimpleNamespace(Event=Slow, Lock=threading.Lock, Thread=threading.Thread),
    )
    thread = threading.Thread(target=run_the_second)
    watcher = Watcher(lambda *_: None, "second")
    with watcher.watching(make_signal("first")):
        due.set()
    for _ in range(3):
        change(job.id, lease_expires_at=now())
        wait_until(lambda: row(job.id).lease_expires_at > now(), "the lease to be renewed")
    is_over.set()
    thread.join()


def test_after_a_run_that_was_short_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    is_over, idle, read = threading.Event(), threading.Semaphore(0), list[object]()

    class Noticed(threading.Event):
        def clear(self) -> None:
            super().clear()
            idle.release()

    kept = {"Event": Noticed, "Lock": threading.Lock, "Thread": threading.Thread}
    monkeypatch.setattr(watching, "threading", SimpleNamespace(**kept))
    until_over = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: is_over.wait())
    monkeypatch.setattr(watching, "time", until_over)
    monkeypatch.setattr(watching, "read_once", lambda *_: read.append(_) or [])
    watcher = Watcher(lambda *_: None)
    idle.acquire()
    with watcher.watching(make_signal("short")):
        pass
    is_over.set()
    idle.acquire()
    assert read == []


def test_what_cannot_be_ended_at_first_is_ended_later_and_all_are_watched_meanwhile() -> None:
    tried: list[type[RunStopped]] = []

    def give_up(_signal: RunSignal, reason: type[RunStopped]) -> None:
        tried.append(reason)
        if len(tried) == 1:
            raise RuntimeError("the database is away")

    job, watcher = running("hangs", cancel_requested_at=now()), Watcher(give_up)
    with watcher.watching(make_signal("hangs")):
        wait_until(lambda: watcher.unheeded, "the run to be given up")
        assert tried == [Cancelled, Cancelled]
        change(job.id, lease_expires_at=now())
        wait_until(lambda: row(job.id).lease_expires_at > now(), "the lease to be renewed")


def test_a_run_that_is_being_ended_by_force_is_followed_by_no_other() -> None:
    is_killing, may_kill, order = threading.Event(), threading.Event(), list[str]()

    def kill(_signal: RunSignal, _reason: type[RunStopped]) -> None:
        is_killing.set()
        may_kill.wait()
        order.append("killed")

    def run() -> None:
        with watcher.watching(make_signal("late", deadline_seconds=0)):
            is_killing.wait()
        order.append("next job")

    running("late")
    watcher = Watcher(kill)
    thread = threading.Thread(target=run)
    thread.start()
    wait_until(is_killing.is_set, "the run to be ended by force")
    thread.join(timeout=0.5)
    may_kill.set()
    thread.join()
    assert order == ["killed", "next job"]


def test_only_a_run_that_goes_on_in_spite_of_its_reason_is_ended_by_force_and_once() -> None:
    forced: list[str] = []
    watcher = Watcher(lambda signal, _reason: forced.append(signal.token))
    over, late, warned, calm = (make_signal(name) for name in ("over", "late", "warned", "calm"))
    for signal, seconds_ago in ((over, 60), (late, 60), (warned, -600)):
        signal.stop(Cancelled)
        signal.since_reason -= seconds_ago
    running("calm")
    with watcher.watching(late), watcher.watching(warned), watcher.watching(calm):
        wait_until(lambda: watcher.unheeded, "the run to be given up")
        watcher._force([over, late, warned, calm])
    assert forced == ["late"]


def test_a_lease_is_renewed_by_a_quarter_of_its_time_whatever_is_written_in_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(get_settings(), "job_lease_seconds", 40.0)
    watcher, job = Watcher(lambda *_: None), running("steady")
    signal = RunSignal(lease(job), 600, lambda: False)

    def is_renewed(seconds: float, progress: float) -> bool:
        monkeypatch.setattr(watching, "time", SimpleNamespace(monotonic=lambda: seconds))
        change(job.id, lease_expires_at=LONG_AGO)
        signal.progress(progress)
        watcher._beat([signal])
        assert row(job.id).progress == progress
        return bool(row(job.id).lease_expires_at > LONG_AGO)

    beats = [(1000, 0), (1009, 0.1), (1011, 0.1), (1020, 0.2), (1022, 0.3)]
    assert [is_renewed(*beat) for beat in beats] == [True, False, True, False, True]


def test_a_look_comes_more_often_than_a_renewal() -> None:
    watcher = Watcher(lambda *_: None)
    assert watcher._beat_seconds < watcher._renew_seconds


def test_a_job_whose_end_could_not_be_written_loses_its_lease() -> None:
    left, other = running("run.1"), running("run.2")
    watcher = Watcher(lambda *_: None, "run.")
    for job in (left, other):
        change(job.id, lease_expires_at=now())
    with watcher.watching(make_signal("run.2")):
        wait_until(lambda: row(other.id).lease_expires_at > now(), "the lease to be renewed")
    assert row(left.id).lease_expires_at < now()


def test_asynchronous_work_that_was_stopped_before_it_began_ends_where_it_waits() -> None:
    async def work(_run: Run, _params: Any) -> None:
        await asyncio.wait_for(asyncio.Event().wait(), 60)

    signal = make_signal("token")
    signal.stop(Cancelled)
    run = Run(uuid4(), 1, signal, StoredFiles(uuid4(), "token", {}))
    with pytest.raises(Cancelled):
        call(work, run, None, signal)
