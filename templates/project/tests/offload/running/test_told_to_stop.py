"""What a run hears from outside while it is under way, and what is left when it came to nothing."""

from pathlib import Path
from uuid import uuid4

import pytest

from app.offload.database.tables import Status
from app.offload.errors import Cancelled, LeaseLost, RunStopped
from app.offload.running import runner
from app.offload.running.heartbeat import Watcher
from app.offload.running.signals import RunSignal
from app.offload.settings import get_settings
from offload.rows.making import WriteJobs, add, change, kept, lease, row, running
from offload.service import wait_until

KIND = """
from app.offload import Kind
from pydantic import BaseModel

class Nothing(BaseModel):
    pass

KIND = Kind("probe", Nothing, Nothing)
"""
KEEPS_AND_FAILS = """
from app.offload import Run
from .kind import KIND, Nothing

@KIND.work
def work(run: Run, params: Nothing) -> Nothing:
    run.keep("a.txt", b"kept", "text/plain")
    raise ArithmeticError
"""
RETURNS_MUCH = """
from app.offload import Run
from .kind import KIND, Nothing

class Much(Nothing):
    text: str = "x" * 2000

@KIND.work
def work(run: Run, params: Nothing) -> Nothing:
    return Much()
"""

pytestmark = pytest.mark.usefixtures("database")


def test_a_run_hears_that_its_lease_is_lost_or_that_it_is_cancelled() -> None:
    watcher = Watcher(lambda _signal, _reason: None, "watched-")
    expected: dict[str, type[RunStopped]] = {"watched-1": LeaseLost, "watched-2": Cancelled}
    jobs = [running(token) for token in expected]
    signals = [RunSignal(lease(job), 600, lambda: False) for job in jobs]
    with watcher.watching(signals[0]), watcher.watching(signals[1]):
        change(jobs[0].id, lease_token="another")
        change(jobs[1].id, cancel_requested_at=jobs[1].started_at)
        wait_until(lambda: all(signal.reason for signal in signals), "the reasons")
    assert [signal.reason for signal in signals] == list(expected.values())
    with pytest.raises(LeaseLost):
        signals[0].progress(0.5)


def look_for_jobs() -> None:
    """Run what waits, here."""
    watcher = Watcher(lambda _signal, _reason: None, "run-")
    place = runner.Workplace(("default",), "host:1", watcher, lambda: False, lambda: False)
    runner.look(f"run-{uuid4().hex[:8]}-", place)


def test_nothing_is_kept_of_a_run_that_came_to_nothing(
    database: Path, write_jobs: WriteJobs
) -> None:
    write_jobs({"probe/kind.py": KIND, "probe/work.py": KEEPS_AND_FAILS})
    job_id = add()
    look_for_jobs()
    assert (row(job_id).status, kept(job_id)) == (Status.FAILED, [])
    assert not [path for path in (database / "files").rglob(f"{job_id}/**/*") if path.is_file()]


def test_a_result_that_is_too_large_is_told_of(
    write_jobs: WriteJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_jobs({"probe/kind.py": KIND, "probe/work.py": RETURNS_MUCH})
    for most, expected in ((1500, Status.FAILED), (3000, Status.SUCCEEDED)):
        monkeypatch.setattr(get_settings(), "max_result_bytes", most)
        job_id = add()
        look_for_jobs()
        assert row(job_id).status == expected
        if expected == Status.FAILED:
            assert row(job_id).error_code == "result_too_large"
            assert "more than MAX_RESULT_BYTES (1,500)" in row(job_id).error_message
            assert "run.keep" in row(job_id).error_message
