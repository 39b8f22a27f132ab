"""A queued job is taken for one run, under a lease that the run must renew."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from ..database.clock import after, now_
from ..database.tables import Status, is_status, jobs
from ..settings import get_settings


def claim_next(
    connection: Connection, *, queue: str, kinds: Collection[str], token: str, worker: str
) -> Row[Any] | None:
    """Take the best job that waits in the queue: by priority, then run_at, then age; None if none.

    Locked rows are somebody else's claim, and skipped. Kinds that this process does not know are
    left to those that do: while a release is rolled out, both are there.
    """
    values = {
        "of_queue": queue,
        "of_kinds": list(kinds),
        "token": token,
        "by": worker,
        "lease": get_settings().job_lease_seconds,
    }
    return connection.execute(_CLAIM, values).one_or_none()


def find_held(connection: Connection, token: str) -> Row[Any] | None:
    """The job that runs under this token: a claim may have been committed with its answer lost."""
    return connection.execute(_HELD, {"token": token}).one_or_none()


def watched(connection: Connection, prefix: str) -> Sequence[Any]:
    """What runs under tokens that begin so: token, cancel_requested_at, deadline, worker."""
    return connection.execute(_WATCHED, _range(prefix)).all()


def locked(connection: Connection, prefix: str) -> Sequence[Row[Any]]:
    """The jobs that run under tokens that begin so, locked until the transaction ends."""
    return connection.execute(_LOCKED, _range(prefix)).all()


def renew(connection: Connection, prefix: str, *, below: float = 0.9) -> None:
    """Renew the leases under tokens that begin so, of which no more than a share is left."""
    connection.execute(_RENEW, _range(prefix) | {"enough": below})


def note_progress(connection: Connection, token: str, progress: float) -> None:
    """Write down how far a run is."""
    connection.execute(_PROGRESS, {"token": token, "fraction": progress})


def _range(prefix: str) -> dict[str, str]:
    return {"first": prefix, "behind": f"{prefix}~"}  # ~ comes after all that tokens are made of


_waiting = jobs.alias("waiting")
_BEST = (
    select(_waiting.c.id)
    .where(
        is_status(Status.QUEUED, _waiting),
        _waiting.c.queue == bindparam("of_queue"),
        _waiting.c.kind.in_(bindparam("of_kinds")),
    )
    .order_by(_waiting.c.priority.desc(), _waiting.c.run_at, _waiting.c.id)
    .limit(1)
    .with_for_update(skip_locked=True)
    .scalar_subquery()
)
_CLAIM = (
    update(jobs)
    .where(jobs.c.id == _BEST)
    .values(
        version=jobs.c.version + 1,
        status=Status.RUNNING,
        attempts=jobs.c.attempts + 1,
        started_at=now_(),
        lease_token=bindparam("token"),
        lease_seconds=bindparam("lease"),
        lease_expires_at=after(bindparam("lease")),
        worker=bindparam("by"),
    )
    .returning(jobs)
)
_HELD = select(jobs).where(is_status(Status.RUNNING), jobs.c.lease_token == bindparam("token"))
_in_range = (
    is_status(Status.RUNNING),
    jobs.c.lease_token >= bindparam("first"),
    jobs.c.lease_token < bindparam("behind"),
)
_WATCHED = select(
    jobs.c.lease_token, jobs.c.cancel_requested_at, jobs.c.deadline_seconds, jobs.c.worker
).where(*_in_range)
_LOCKED = select(jobs).where(*_in_range).with_for_update()
_RENEW = (
    update(jobs)
    .where(*_in_range, jobs.c.lease_expires_at < after(bindparam("enough") * jobs.c.lease_seconds))
    .values(lease_expires_at=after(jobs.c.lease_seconds))
)
_PROGRESS = (
    update(jobs)
    .where(is_status(Status.RUNNING), jobs.c.lease_token == bindparam("token"))
    .values(progress=bindparam("fraction"), version=jobs.c.version + 1)
)
