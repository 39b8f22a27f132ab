"""The state machine: from each status, what each change makes of a job, and what it refuses."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Row

from app.offload.database.clock import after
from app.offload.database.engines import transact
from app.offload.database.tables import ENDED, Status
from app.offload.errors import LeaseLost
from app.offload.queue import ends, sweep
from app.offload.queue.ends import Attempt
from offload.rows.making import change, in_status, lease, row, take

STOPPED = Attempt("interrupted")
DELAYED, QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED = Status

Change = Callable[[Row[Any]], Any]

CHANGES: dict[str, tuple[Change, dict[Status, Status]]] = {
    "claim": (lambda job: take(), {QUEUED: RUNNING}),
    "promote": (lambda job: transact(sweep.promote_due), {DELAYED: QUEUED}),
    "give back": (lambda job: transact(sweep.recover_lapsed, 60), {RUNNING: QUEUED}),
    "succeed": (lambda job: transact(ends.succeed, lease(job), {}), {RUNNING: SUCCEEDED}),
    "fail": (lambda job: transact(ends.fail, lease(job), ends.WORK_FAILED), {RUNNING: FAILED}),
    "end cancelled": (lambda job: transact(ends.end_cancelled, lease(job)), {RUNNING: CANCELLED}),
    "release": (
        lambda job: transact(ends.release, lease(job), STOPPED, failure=None),
        {RUNNING: QUEUED},
    ),
    "release for later": (
        lambda job: transact(ends.release, lease(job), STOPPED, failure=None, wait_seconds=9.0),
        {RUNNING: DELAYED},
    ),
    "cancel": (
        lambda job: transact(ends.cancel, job.id),
        {DELAYED: CANCELLED, QUEUED: CANCELLED, RUNNING: RUNNING},
    ),
    "retry": (lambda job: transact(ends.retry, job.id), {FAILED: QUEUED, CANCELLED: QUEUED}),
}

pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_made_from_some_states_and_else_none(what: str, status: Status) -> None:
    make, allowed = CHANGES[what]
    job = in_status(status)
    change(job.id, run_at=after(-1), lease_expires_at=after(-1))  # due, and lapsed
    before = row(job.id)
    try:
        make(job)
    except LeaseLost:
        assert status not in allowed
    now_is = row(job.id)
    if status in allowed:
        assert (now_is.status, now_is.version) == (allowed[status], before.version + 1)
        assert (now_is.finished_at is not None) == (now_is.status in ENDED)
    else:
        assert now_is == before


@pytest.mark.parametrize("status", ENDED)
def test_an_ended_run_that_ends_otherwise_is_told_so(status: Status) -> None:
    job = in_status(status)
    if status == SUCCEEDED:
        transact(ends.succeed, lease(job), {})  # the answer was lost: once more, nothing
    else:
        with pytest.raises(LeaseLost):
            transact(ends.succeed, lease(job), {})
    assert row(job.id) == job
