"""Adds a job in the caller's own transaction, and notifies once that is committed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from .. import notifying
from ..database.engines import get_engine
from ..database.migrate import migrate_by
from ..database.urls import DRIVERS, is_same, shown
from ..kinds import Kind, dump_params
from ..observing import tracing
from .commits import notify_after
from .submit import NewJob, find_by_key, insert

AUTOCOMMIT = "AUTOCOMMIT"
ELSEWHERE = "begin the transaction with `writing()` or `writing_async()`, which are the engine's"


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
    _check(kind, params, run_at)
    connection = session if isinstance(session, Connection) else session.connection()
    _check_database(connection)
    key = idempotency_key
    if key and (known := find_by_key(connection, kind.name, key)):
        return UUID(str(known.id))
    if kind.prepare:
        params = kind.prepare(connection, params)
    context = tracing.current()
    new = NewJob(
        kind=kind,
        params=dump_params(params),
        priority=priority,
        run_at=run_at,
        idempotency_key=key,
        request_id=context.request_id,
        traceparent=context.traceparent,
    )
    inserted = insert(connection, new)
    if inserted is None:  # somebody else was quicker
        known = find_by_key(connection, kind.name, key or "")
        if known is None:  # and this transaction, a snapshot, does not see it
            raise RuntimeError(f"the idempotency key {key!r} was used just now; try again")
        return UUID(str(known.id))
    _notify_after_commit(connection, kind.queue)
    return inserted


def _check(kind: Kind[Any, Any], params: Any, run_at: datetime | None) -> None:
    if not isinstance(params, kind.params):
        raise TypeError(f"{kind.name} takes {kind.params.__name__}, not {type(params).__name__}")
    if run_at and run_at.tzinfo is None:
        raise ValueError(f"run_at must have a time zone: {run_at.isoformat()}")
    needed = [name for name, limits in kind.inputs.items() if limits.required]
    if needed:
        raise ValueError(f"{kind.name} needs a file {needed[0]!r}, which only a request brings")


def _check_database(connection: Connection) -> None:
    """Raise ValueError for a connection to where the engine's tables are not.

    While no application runs, which is so in tests and scripts, any database will do, and gets
    them if it has none.
    """
    if connection.dialect.name not in DRIVERS:
        raise ValueError(f"jobs are not kept in {connection.dialect.name}; {ELSEWHERE}")
    if not notifying.is_running():
        migrate_by(connection)
        return
    own, theirs = get_engine().url, connection.engine.url
    if not is_same(own, theirs):
        raise ValueError(
            f"this transaction is on {shown(theirs)}, and jobs are in {shown(own)}; {ELSEWHERE}"
        )


def _is_autocommit(connection: Connection) -> bool:
    level = connection.get_execution_options().get("isolation_level")
    # Given to create_engine, it is known to the dialect alone.
    return (level or getattr(connection.dialect, "_on_connect_isolation_level", None)) == AUTOCOMMIT


def _notify_after_commit(connection: Connection, queue: str) -> None:
    notifying.warn_unless_running()
    if _is_autocommit(connection):  # it is committed
        notifying.notify([queue])
    else:
        notify_after(connection, queue)
