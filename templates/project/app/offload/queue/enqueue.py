"""Adds a job in the caller's own transaction, and rings once that is committed.

Ringing follows the outermost commit: a savepoint that is released is no commit, though SQLAlchemy's
`after_commit` fires for it too.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import Session, scoped_session

from .. import notifying
from ..kinds import Kind
from ..observing import tracing
from .submit import NewJob, find_by_key, insert

WAITING, COMMITTED = "offload_waiting", "offload_committed"  # queues to be rung for


def enqueue(session: Any, kind: Kind[Any, Any], params: Any, **options: Any) -> Any:
    """Add a job by whatever the caller reaches its database with; its id, or an awaitable of it."""
    if isinstance(session, AsyncSession | AsyncConnection):
        return session.run_sync(_enqueue, kind, params, **options)
    return _enqueue(session, kind, params, **options)


def _enqueue(
    session: Any,
    kind: Kind[Any, Any],
    params: Any,
    *,
    priority: int,
    run_at: datetime | None,
    idempotency_key: str | None,
) -> UUID:
    if isinstance(session, scoped_session):
        session = session()
    connection = session.connection() if isinstance(session, Session) else session
    key = idempotency_key
    if key and (known := find_by_key(connection, kind.name, key)):
        return UUID(str(known.id))
    if kind.prepare:
        params = kind.prepare(connection, params)
    origin = tracing.current()
    new = NewJob(
        kind=kind,
        params=params.model_dump(mode="json"),
        priority=priority,
        run_at=run_at,
        idempotency_key=key,
        request_id=origin.request_id,
        traceparent=origin.traceparent,
    )
    inserted = insert(connection, new)
    if inserted is None:  # somebody else was quicker
        known = find_by_key(connection, kind.name, key or "")
        if known is None:  # and this transaction, a snapshot, does not see it
            raise RuntimeError(f"the idempotency key {key!r} was used just now; try again")
        return UUID(str(known.id))
    _ring_after_commit(session, kind.queue)
    return inserted


def _ring_after_commit(session: Session | Connection, queue: str) -> None:
    notifying.warn_unless_running()
    session.info.setdefault(WAITING, set()).add(queue)
    if isinstance(session, Session):
        _listen(session, "after_commit", _session_committed)
        _listen(session, "after_rollback", _rolled_back)
        return
    # A Connection has no event behind its commit. What comes next is: another transaction of it,
    # or its return to the pool.
    engine = session.engine
    _listen(engine, "commit", _connection_commits)
    _listen(engine, "rollback", _rolled_back)
    _listen(engine, "begin", _connection_begins)
    _listen(engine.pool, "checkin", _connection_returned)


def _listen(target: Any, name: str, handler: Any) -> None:
    if not event.contains(target, name, handler):
        event.listen(target, name, handler)


def _session_committed(session: Session) -> None:
    if not session.in_nested_transaction():
        notifying.notify(session.info.pop(WAITING, ()))


def _rolled_back(owner: Session | Connection) -> None:
    owner.info.pop(WAITING, None)


def _connection_commits(connection: Connection) -> None:
    connection.info.setdefault(COMMITTED, set()).update(connection.info.pop(WAITING, ()))


def _connection_begins(connection: Connection) -> None:
    notifying.notify(connection.info.pop(COMMITTED, ()))


def _connection_returned(_driver_connection: Any, record: Any) -> None:
    notifying.notify(record.info.pop(COMMITTED, ()))
