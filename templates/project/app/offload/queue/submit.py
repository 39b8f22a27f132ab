"""A job is accepted: its row is written, in the transaction of whoever asks for it."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from secrets import randbits
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite

from ..callbacks import retries
from ..database.clock import now_
from ..database.engines import options_for
from ..database.tables import Status, is_status, jobs
from ..kinds import Kind


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562): it rises with time, so that rows are found in the order they came."""
    milliseconds = time.time_ns() // 1_000_000
    number = milliseconds << 80 | 0x7 << 76 | randbits(12) << 64 | 0b10 << 62 | randbits(62)
    return uuid.UUID(int=number)


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """A job that is asked for, with all that is accepted: a run computes on nothing else."""

    kind: Kind[Any, Any]
    params: Mapping[str, Any]
    inputs: Mapping[str, Any] = field(default_factory=dict)
    priority: int = 0
    run_at: datetime | None = None
    idempotency_key: str | None = None
    request_digest: str | None = None
    request_id: str | None = None
    traceparent: str | None = None
    callback_url: str | None = None
    id: UUID = field(default_factory=new_id)


def insert(connection: Connection, new: NewJob) -> UUID | None:
    """Write the row; its id, or None when the idempotency key has been used for this kind."""
    is_due = new.run_at is None or new.run_at <= datetime.now(UTC)
    values = {
        "id": new.id,
        "kind": new.kind.name,
        "queue": new.kind.queue,
        "priority": new.priority,
        "params": dict(new.params),
        "inputs": dict(new.inputs),
        "idempotency_key": new.idempotency_key,
        "request_digest": new.request_digest,
        "request_id": new.request_id,
        "traceparent": new.traceparent,
        "has_callback": new.callback_url is not None,
        "status": Status.QUEUED if is_due else Status.DELAYED,
        "max_attempts": new.kind.max_attempts,
        "retry_seconds": new.kind.retry_seconds,
        "deadline_seconds": new.kind.deadline_seconds,
    }
    if not is_due:
        values["run_at"] = new.run_at
    statement = _insert(connection.dialect.name, is_due=is_due)
    inserted = connection.execute(statement, values).scalar_one_or_none()
    if inserted and new.callback_url:
        retries.insert(connection, new.id, new.callback_url)
    return inserted


def find_by_key(connection: Connection, kind: str, key: str) -> Row[Any] | None:
    """The job of that kind that was asked for under this idempotency key."""
    options = options_for(connection.dialect.name)  # the connection may be the caller's own
    values = {"of_kind": kind, "key": key}
    return connection.execute(_BY_KEY, values, execution_options=options).one_or_none()


def count_waiting(connection: Connection, kind: Kind[Any, Any], limit: int) -> int:
    """How many jobs of the kind wait to be run; `limit` when there are as many or more."""
    values = {"of_queue": kind.queue, "of_kind": kind.name, "most": limit}
    return connection.execute(_WAITING, values).scalar_one()


@lru_cache
def _insert(dialect: str, *, is_due: bool) -> Any:
    new = postgresql.insert(jobs) if dialect == "postgresql" else sqlite.insert(jobs)
    always = {
        "created_at": now_(),
        "version": 1,
        "progress": 0.0,
        "attempts": 0,
        "history": [],
    }
    return (
        new.values(always | {"run_at": now_()} if is_due else always)
        .on_conflict_do_nothing(
            index_elements=[jobs.c.kind, jobs.c.idempotency_key],
            index_where=jobs.c.idempotency_key.is_not(None),
        )
        .returning(jobs.c.id)
        .execution_options(**options_for(dialect))
    )


_BY_KEY = select(jobs).where(
    jobs.c.kind == bindparam("of_kind"), jobs.c.idempotency_key == bindparam("key")
)
_WAITING = select(func.count()).select_from(
    select(jobs.c.id)
    .where(
        is_status(Status.QUEUED),
        jobs.c.queue == bindparam("of_queue"),
        jobs.c.kind == bindparam("of_kind"),
    )
    .limit(bindparam("most"))
    .subquery()
)
