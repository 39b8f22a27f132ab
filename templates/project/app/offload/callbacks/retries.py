"""Which callbacks are due, when each is tried again and until when, and what came of the last try.

Every function works in the caller's transaction, and by the database's clock.
"""

import json
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    String,
    bindparam,
    case,
    exists,
    func,
    null,
    select,
    update,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from ..database.clock import after, now_
from ..database.tables import callbacks, jobs
from ..settings import get_settings

GIVE_UP_AFTER = timedelta(days=1)
LONGEST_WAIT_SECONDS = 3600.0
LEASE_FACTOR = 2  # times the timeout: until another sender may try what this one has begun

Render: TypeAlias = Callable[[Connection, Row[Any]], Mapping[str, Any]]
"""Makes of a job's row what the callback tells of it: the job as HTTP shows it, no result."""


@dataclass(frozen=True)
class Due:
    """A callback that may be tried now, and its receiver: scheme, host and port."""

    job_id: UUID
    origin: str


@dataclass(frozen=True)
class Delivery:
    """One try to tell of the end of a job."""

    job_id: UUID
    request_id: str | None
    url: str
    origin: str
    attempt: int
    ended_at: datetime

    @property
    def message_id(self) -> str:
        """The same in every try, another one when the job was run again."""
        return f"{self.job_id}-{round(self.ended_at.timestamp() * 1000)}"


@dataclass(frozen=True)
class Outcome:
    """What came of a try: the status of the answer if there was one, and what is wrong."""

    status: int | None = None
    error: str | None = None
    retry_after_seconds: float = 0.0


class _Origin(FunctionElement[str]):
    """Scheme, host and port of a URL, in SQL."""

    name = "origin"
    type = String()
    inherit_cache = True


@compiles(_Origin, "postgresql")
def _origin_postgresql(element: _Origin, compiler: Any, **options: Any) -> str:
    return f"substring({compiler.process(element.clauses, **options)} from '^[^/]*//[^/?#]*')"


@compiles(_Origin, "sqlite")
def _origin_sqlite(element: _Origin, compiler: Any, **options: Any) -> str:
    # The first slash after a host, which begins at the 8th or at the 9th character.
    url = compiler.process(element.clauses, **options)
    return f"substr({url}, 1, instr(substr({url} || '/', 9), '/') + 7)"


ORIGIN = _Origin(callbacks.c.url)
# In a subquery: PostgreSQL looks nothing up by a clock that moves while it looks.
IS_DUE = callbacks.c.next_at <= select(now_()).scalar_subquery()


def insert(connection: Connection, job_id: UUID, url: str) -> None:
    """Whoever asked for the job wants its end told at the URL."""
    connection.execute(callbacks.insert().values(job_id=job_id, url=url, attempts=0))


def set_due(connection: Connection, job_id: UUID) -> None:
    """The job ends in this transaction: its callback, if one is wanted, is due."""
    connection.execute(_of(job_id).values(next_at=now_()))


def forget(connection: Connection, job_id: UUID) -> None:
    """The job is run again: its next end is another one to tell of."""
    connection.execute(
        _of(job_id).values(attempts=0, next_at=None, last_status=None, last_error=None)
    )


def find_due(connection: Connection) -> Sequence[Due]:
    """What is due: of each receiver the oldest, as many as it may have under way.

    In turns, so that no receiver's many stand before another one's first.
    """
    turn = func.row_number().over(partition_by=ORIGIN, order_by=callbacks.c.next_at)
    due = (
        select(callbacks.c.job_id, callbacks.c.next_at, ORIGIN.label("origin"), turn.label("turn"))
        .where(IS_DUE)
        .subquery()
    )
    found = (
        select(due.c.job_id, due.c.origin)
        .where(due.c.turn <= get_settings().callback_per_host)
        .order_by(due.c.turn, due.c.next_at)
    )
    return [Due(row.job_id, row.origin) for row in connection.execute(found)]


def take(connection: Connection, wanted: Collection[UUID]) -> Sequence[Delivery]:
    """Tries for the callbacks of these jobs. What another sender has taken meanwhile is left out.

    Nobody else is given them until their lease has run out.
    """
    free = (
        select(callbacks.c.job_id)
        .where(callbacks.c.job_id.in_(wanted), IS_DUE)
        .with_for_update(skip_locked=True)
    )
    taken = connection.execute(free).scalars().all()
    lease = after(LEASE_FACTOR * get_settings().callback_timeout_seconds)
    connection.execute(
        update(callbacks)
        .where(callbacks.c.job_id.in_(taken))
        .values(attempts=callbacks.c.attempts + 1, next_at=lease)
    )
    of_ended = (callbacks.c.job_id.in_(taken), jobs.c.finished_at.is_not(None))
    tries = select(
        callbacks.c.job_id,
        jobs.c.request_id,
        callbacks.c.url,
        ORIGIN.label("origin"),
        callbacks.c.attempts.label("attempt"),
        jobs.c.finished_at.label("ended_at"),
    ).join(jobs, jobs.c.id == callbacks.c.job_id)
    return [Delivery(**row) for row in connection.execute(tries.where(*of_ended)).mappings()]


def body(connection: Connection, delivery: Delivery, render: Render) -> str | None:
    """The message, the same in every try; None when the job runs again or is deleted."""
    found = connection.execute(select(jobs).where(*_this_end(delivery))).one_or_none()
    if found is None:
        return None
    kind, at = f"{found.kind}.{found.status}", delivery.ended_at.isoformat()
    return json.dumps({"type": kind, "timestamp": at, "data": render(connection, found)})


def note(connection: Connection, delivery: Delivery, outcome: Outcome) -> None:
    """Write down what came of a try, unless another one has begun or the job runs again."""
    connection.execute(
        _of(delivery.job_id)
        .where(callbacks.c.attempts == delivery.attempt, exists().where(*_this_end(delivery)))
        .values(
            last_status=outcome.status,
            last_error=outcome.error,
            next_at=_next_try(delivery, outcome),
        )
    )


def _of(job_id: UUID) -> Any:
    return update(callbacks).where(callbacks.c.job_id == job_id)


def _this_end(delivery: Delivery) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return jobs.c.id == delivery.job_id, jobs.c.finished_at == delivery.ended_at


def _next_try(delivery: Delivery, outcome: Outcome) -> ColumnElement[Any]:
    """When to try again: after a wait that doubles and varies; never when it is of no use."""
    if outcome.error is None or outcome.status == HTTPStatus.GONE:
        return null()
    doubled = get_settings().callback_retry_seconds * 2.0 ** min(delivery.attempt - 1, 30)
    wait = min(max(doubled, outcome.retry_after_seconds), LONGEST_WAIT_SECONDS)
    at = after(wait * random.uniform(1, 1.5))  # noqa: S311 (no secret)
    end = bindparam("end", delivery.ended_at + GIVE_UP_AFTER, callbacks.c.next_at.type)
    return case((at < end, at), else_=null())
