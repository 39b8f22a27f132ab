"""How a run ends, and what becomes of its job. Every write names the job and the run's lease token.

A run that lost its lease changes nothing. One whose answer of COMMIT was lost tries again under the
same token, and finds that the row has ended by it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, case, func, insert, select, update

from ..callbacks import retries
from ..database.clock import after, now_
from ..database.tables import ENDED, Status, artifacts, is_status, jobs
from ..errors import Cancelled, LeaseLost
from ..settings import get_settings

LONGEST_MESSAGE = 500
MOST_HISTORY = 20  # attempts that are told of
STOPS_AT_ONCE = 5  # stops in a row after which a job is queued again at once

AtEnd = Any


class Lease(NamedTuple):
    """What a run writes under."""

    of_id: UUID  # of the job
    token: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job has failed: a code for programs, and a message that its callers are shown."""

    code: str
    message: str


WORKER_LOST = Failure(
    "worker_lost", "The process that ran the job died each time; its history says when and how."
)
DEADLINE_EXCEEDED = Failure("deadline_exceeded", "The job took longer than its kind allows.")
WORK_FAILED = Failure("work_failed", "The work failed; the server's log says why.")
PARAMS_INVALID = Failure(
    "params_invalid", "The parameters were accepted by a release whose model was another one."
)
STILL_FAILING = Failure("transient_error", "The job was tried several times and failed each time.")


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that came to nothing: how it ended, in a word and in detail."""

    outcome: str  # worker_lost, transient_error, interrupted
    detail: str = ""


def succeed(
    connection: Connection,
    lease: Lease,
    result: Mapping[str, Any],
    kept: Sequence[Mapping[str, Any]] = (),
    ends: Iterable[AtEnd] = (),
) -> None:
    """End the job as succeeded, with its artifacts and what its work wants written with that.

    Raises LeaseLost, or Cancelled when a cancel came first.
    """
    ended = connection.execute(
        _SUCCEED, {**lease._asdict(), "the_result": dict(result)}
    ).one_or_none()
    if ended is None:
        row = connection.execute(_UNDER_LEASE, lease._asdict()).one_or_none()
        if row is not None and row.status == Status.SUCCEEDED:
            return
        raise Cancelled if row is not None and row.status == Status.RUNNING else LeaseLost
    if kept:
        connection.execute(_KEEP, [{"job_id": ended.id, **artifact} for artifact in kept])
    for write in ends:
        write(connection)
    _tell(connection, ended)


def fail(connection: Connection, lease: Lease, failure: Failure) -> None:
    """End the job as failed. Raises LeaseLost."""
    _end(connection, lease, Status.FAILED, failure)


def end_cancelled(connection: Connection, lease: Lease) -> None:
    """End the job as cancelled. Raises LeaseLost."""
    _end(connection, lease, Status.CANCELLED, None)


def release(
    connection: Connection,
    lease: Lease,
    attempt: Attempt,
    *,
    failure: Failure | None,
    wait_seconds: float = 0.0,
) -> Status:
    """Give the job back after a run that came to nothing; where it stands then.

    With a `failure` the attempt counts, and the last one that may be made ends the job with it.
    Without one it does not count: this process stops, or something was away. Raises LeaseLost.
    """
    row = connection.execute(_LOCK, lease._asdict()).one_or_none()
    if row is None:
        raise LeaseLost
    return give_back(connection, row, attempt, failure=failure, wait_seconds=wait_seconds)


def give_back(
    connection: Connection,
    row: Row[Any],
    attempt: Attempt,
    *,
    failure: Failure | None,
    wait_seconds: float,
) -> Status:
    """`release`, for a running row that is locked already."""
    if row.cancel_requested_at is not None:
        end_cancelled(connection, Lease(row.id, row.lease_token))
        return Status.CANCELLED
    history = [*row.history, _told(row, attempt)][-MOST_HISTORY:]
    if failure and row.attempts >= row.max_attempts:
        connection.execute(_HISTORY, {"of_id": row.id, "told": history})
        fail(connection, Lease(row.id, row.lease_token), failure)
        return Status.FAILED
    if failure is None:
        wait_seconds = _wait_uncounted(row, attempt, wait_seconds)
    status = Status.DELAYED if wait_seconds > 0 else Status.QUEUED
    connection.execute(
        _GIVE_BACK,
        {
            "of_id": row.id,
            "to": status,
            "wait": wait_seconds,
            "uncounted": 0 if failure else 1,
            "told": history,
        },
    )
    return status


def _wait_uncounted(row: Row[Any], attempt: Attempt, wait_seconds: float) -> float:
    """Longer each time in a row: what looks like an outage, or a stop, may be the work's doing."""
    times = 0
    for told in reversed(row.history):
        if told["outcome"] != attempt.outcome:
            break
        times += 1
    first = wait_seconds or (1.0 if times >= STOPS_AT_ONCE else 0.0)
    return float(min(first * 2.0**times, get_settings().retry_max_seconds))


def backoff_seconds(row: Row[Any]) -> float:
    """The wait after the attempt that a row is at: doubled each time, up to RETRY_MAX_SECONDS."""
    doubled = row.retry_seconds * 2.0 ** min(max(row.attempts - 1, 0), 30)
    return float(min(doubled, get_settings().retry_max_seconds))


def cancel(connection: Connection, job_id: UUID) -> Row[Any] | None:
    """Cancel a job that waits at once, and ask the run of a running one to stop.

    The row as it is then; None when it has ended, or is not there.
    """
    row = connection.execute(_CANCEL, {"of_id": job_id}).one_or_none()
    if row is not None and row.status == Status.CANCELLED:
        _tell(connection, row)
    return row


def retry(connection: Connection, job_id: UUID) -> Row[Any] | None:
    """Queue a failed or cancelled job as if it were new; the row, or None when it is neither."""
    row = connection.execute(_RETRY, {"of_id": job_id}).one_or_none()
    if row is not None and row.has_callback:
        retries.forget(connection, job_id)
    return row


def _end(connection: Connection, lease: Lease, status: Status, failure: Failure | None) -> None:
    values = {
        **lease._asdict(),
        "to": status,
        "code": failure.code if failure else None,
        "message": failure.message[:LONGEST_MESSAGE] if failure else None,
    }
    ended = connection.execute(_END, values).one_or_none()
    if ended is not None:
        _tell(connection, ended)
        return
    row = connection.execute(_UNDER_LEASE, lease._asdict()).one_or_none()
    if row is None or row.status not in ENDED:
        raise LeaseLost


def _tell(connection: Connection, ended: Row[Any]) -> None:
    if ended.has_callback:
        retries.set_due(connection, ended.id)


def _told(row: Row[Any], attempt: Attempt) -> dict[str, Any]:
    return {
        "started_at": row.started_at.isoformat() if row.started_at else None,
        "noticed_at": datetime.now(UTC).isoformat(),
        "outcome": attempt.outcome,
        "detail": attempt.detail[:LONGEST_MESSAGE],
        "worker": row.worker,
    }


_is_running = is_status(Status.RUNNING)
_held = (jobs.c.id == bindparam("of_id"), jobs.c.lease_token == bindparam("token"))
_runs = (_is_running, *_held)
_ended_now = {"version": jobs.c.version + 1, "finished_at": now_(), "lease_expires_at": None}
_ended_row = (jobs.c.id, jobs.c.has_callback)

_SUCCEED = (
    update(jobs)
    .where(*_runs, jobs.c.cancel_requested_at.is_(None))
    .values(
        _ended_now
        | {"status": Status.SUCCEEDED, "progress": 1.0, "result": bindparam("the_result")}
    )
    .returning(*_ended_row)
)
_END = (
    update(jobs)
    .where(*_runs)
    .values(
        _ended_now
        | {
            "status": bindparam("to"),
            "error_code": bindparam("code"),
            "error_message": bindparam("message"),
        }
    )
    .returning(*_ended_row)
)
# The token stays in the row, so that a run finds what it has ended itself.
_UNDER_LEASE = select(jobs.c.status).where(*_held)
_LOCK = select(jobs).where(*_runs).with_for_update()
_KEEP = insert(artifacts)
_HISTORY = update(jobs).where(jobs.c.id == bindparam("of_id")).values(history=bindparam("told"))
_GIVE_BACK = (
    update(jobs)
    .where(jobs.c.id == bindparam("of_id"))
    .values(
        version=jobs.c.version + 1,
        status=bindparam("to"),
        run_at=after(bindparam("wait")),
        attempts=jobs.c.attempts - bindparam("uncounted"),
        history=bindparam("told"),
        progress=0.0,
        lease_token=None,
        lease_expires_at=None,
        worker=None,
    )
)
# In one statement: between two, a run may begin or be given back, and neither would find its row.
_CANCEL = (
    update(jobs)
    .where(jobs.c.id == bindparam("of_id"), jobs.c.status.not_in(ENDED))
    .values(
        version=jobs.c.version + 1,
        status=case((_is_running, jobs.c.status), else_=Status.CANCELLED),
        finished_at=case((_is_running, None), else_=now_()),
        cancel_requested_at=func.coalesce(jobs.c.cancel_requested_at, now_()),
    )
    .returning(jobs)
)
_RETRY = (
    update(jobs)
    .where(
        jobs.c.id == bindparam("of_id"),
        jobs.c.status.in_((Status.FAILED, Status.CANCELLED)),
    )
    .values(
        version=jobs.c.version + 1,
        status=Status.QUEUED,
        run_at=now_(),
        attempts=0,
        progress=0.0,
        error_code=None,
        error_message=None,
        started_at=None,
        finished_at=None,
        cancel_requested_at=None,
        lease_token=None,
    )
    .returning(jobs)
)
