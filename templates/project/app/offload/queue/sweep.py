"""What a sweep does to rows: promotes what is due, recovers what a dead worker left."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Row, and_, bindparam, exists, func, or_, select, update

from ..database.clock import after, now_
from ..database.tables import Status, is_status, jobs, watermarks
from .ends import WORKER_LOST, Attempt, backoff_seconds, give_back

log = structlog.get_logger()

AT_ONCE = 1000  # rows that one statement takes
MOST_NOTIFICATIONS = 20  # for one queue and sweep
PROBE = "written"  # a row of the watermarks


@dataclass(frozen=True, slots=True)
class Work:
    """Whether there is something to put in order, and the database's time."""

    at: datetime
    has_due: bool
    lapsed_seconds: float | None  # the shortest of the leases that ran out; None: none did


def work(connection: Connection) -> Work:
    """Look what there is to do: reading costs next to nothing, and locks nobody out."""
    row = connection.execute(_WORK).one()
    return Work(row.at, row.has_due, row.lapsed_seconds)


def promote_due(connection: Connection) -> Sequence[str]:
    """Queue the delayed jobs whose run_at has come; their queues."""
    return connection.execute(_PROMOTE).scalars().all()


def recover_lapsed(connection: Connection, up_to_seconds: float) -> Sequence[Row[Any]]:
    """Recover jobs whose lease, of a length up to that, ran out; fail those tried often enough."""
    lapsed = connection.execute(_LAPSED, {"up_to": up_to_seconds}).all()
    for row in lapsed:
        attempt = Attempt("worker_lost", "its lease ran out: nothing was heard of its process")
        status = give_back(
            connection, row, attempt, failure=WORKER_LOST, wait_seconds=backoff_after_loss(row)
        )
        log.warning("job_recovered", job_id=str(row.id), worker=row.worker, status=status)
    return lapsed


def backoff_after_loss(row: Row[Any]) -> float:
    """A job whose worker died waits only from the second time on: it may be what kills it."""
    return backoff_seconds(row) if row.attempts > 1 else 0.0


def waiting(connection: Connection, queue: str) -> tuple[int, str | None]:
    """How many jobs wait in a queue, up to MOST_NOTIFICATIONS, and which one is the next."""
    ids = connection.execute(_NEXT, {"of_queue": queue, "most": MOST_NOTIFICATIONS}).scalars().all()
    return len(ids), str(ids[0]) if ids else None


def write(connection: Connection) -> None:
    """Write something, which shows that the database takes what is written."""
    connection.execute(_WRITE)


# The clock in a subquery: PostgreSQL looks nothing up by a function that is volatile.
_is_due = and_(is_status(Status.DELAYED), jobs.c.run_at <= select(now_()).scalar_subquery())
_due = (
    select(jobs.c.id)
    .where(_is_due)
    .order_by(jobs.c.run_at)
    .limit(AT_ONCE)
    .with_for_update(skip_locked=True)
    .cte()  # runs once: PostgreSQL may repeat a subquery, and take more than one batch
)
_PROMOTE = (
    update(jobs)
    .where(jobs.c.id.in_(select(_due.c.id)), is_status(Status.DELAYED))
    .values(status=Status.QUEUED, version=jobs.c.version + 1)
    .returning(jobs.c.queue)
)
_has_lapsed = and_(
    is_status(Status.RUNNING),
    or_(
        jobs.c.lease_expires_at < now_(),
        # Later than a fresh one would end: it was written before the clock was set back.
        jobs.c.lease_expires_at > after(2 * jobs.c.lease_seconds),
    ),
)
_LAPSED = (
    select(jobs)
    .where(_has_lapsed, jobs.c.lease_seconds <= bindparam("up_to"))
    .limit(AT_ONCE)
    .with_for_update(skip_locked=True)
)
_NEXT = (
    select(jobs.c.id)
    .where(is_status(Status.QUEUED), jobs.c.queue == bindparam("of_queue"))
    .order_by(jobs.c.priority.desc(), jobs.c.run_at, jobs.c.id)
    .limit(bindparam("most"))
)
_WRITE = update(watermarks).where(watermarks.c.name == PROBE).values(at=now_())
_WORK = select(
    now_().label("at"),
    exists(select(jobs.c.id).where(_is_due)).label("has_due"),
    select(func.min(jobs.c.lease_seconds))
    .where(_has_lapsed)
    .scalar_subquery()
    .label("lapsed_seconds"),
)
