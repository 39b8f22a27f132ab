"""Engines and sessions: asynchronous for the API, synchronous for jobs."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import lru_cache
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import AsyncAdaptedQueuePool

from ..settings import get_settings, share_database, shared_database
from . import sqlite_file
from .outage import while_away
from .tables import SCHEMA
from .urls import is_sqlite

P = ParamSpec("P")
T = TypeVar("T")

# Seconds, and milliseconds, until the server misses a client, and a client the server.
KEEPALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
CONNECT_ARGS = {
    "connect_timeout": 5,
    "tcp_user_timeout": 30_000,
    # PgBouncer in transaction mode gives a statement to another server than its preparation.
    "prepare_threshold": None,
    "autocommit": True,  # TRANSACTION begins
    **KEEPALIVE,
}
# A process that stands still within a transaction keeps what it has locked for 30 s, not for ever:
# no transaction waits for anything but the database. Set in each transaction, because PgBouncer
# refuses most of it as options of the start, and forgets what was set in a session. With the BEGIN,
# which psycopg would send by itself and alone, it is one round trip.
TRANSACTION = (
    "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '30s'; SET LOCAL lock_timeout = '5s'"
)

PRAGMAS = ("busy_timeout=30000", "foreign_keys=ON")
_async_engines: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncEngine] = WeakKeyDictionary()
_apart: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncEngine] = WeakKeyDictionary()

TABLES_WITHOUT_SCHEMA = {"schema_translate_map": {SCHEMA: None}}


def options_for(dialect: str) -> dict[str, Any]:
    """Execution options under which statements find the engine's tables."""
    return TABLES_WITHOUT_SCHEMA if dialect == "sqlite" else {}


@lru_cache
def get_engine() -> Engine:
    """The engine for jobs, made on first use, so that no process inherits a connection."""
    url = get_settings().sync_database_url
    engine = create_engine(url, **_engine_args(url))
    return _configured(engine).execution_options(**options_for(engine.dialect.name))


def get_async_engine() -> AsyncEngine:
    """The engine of the running event loop; its connections cannot be used on another one."""
    loop = asyncio.get_running_loop()
    if loop not in _async_engines:
        _async_engines[loop] = _make_async_engine()
    return _async_engines[loop]


async def dispose_async_engine() -> None:
    """Close the connections of the running event loop, if it has any."""
    for engines in (_async_engines, _apart):
        if engine := engines.pop(asyncio.get_running_loop(), None):
            await engine.dispose()


def _make_async_engine(**options: Any) -> AsyncEngine:
    url = get_settings().async_database_url
    engine = create_async_engine(url, **_engine_args(url), **options)
    _configured(engine.sync_engine)
    return engine.execution_options(**options_for(engine.dialect.name))


def use_database(url: URL | None) -> None:
    """Keep the rows of this process's jobs in the application's database; None: in the engine's."""
    if url != shared_database():
        if get_engine.cache_info().currsize:
            get_engine().dispose()
        share_database(url)
        get_engine.cache_clear()


@contextmanager
def reading() -> Iterator[Session]:
    """A session that only reads."""
    with Session(get_engine().execution_options(read_only=True)) as session:
        yield session


@contextmanager
def writing() -> Iterator[Session]:
    """A session whose transaction is committed at the end, and rolled back on an exception."""
    with Session(get_engine(), expire_on_commit=False) as session, session.begin():
        yield session


@asynccontextmanager
async def reading_async() -> AsyncIterator[AsyncSession]:
    """`reading` for the API."""
    async with AsyncSession(get_async_engine().execution_options(read_only=True)) as session:
        yield session


@asynccontextmanager
async def writing_async() -> AsyncIterator[AsyncSession]:
    """`writing` for the API."""
    async with AsyncSession(get_async_engine(), expire_on_commit=False) as session, session.begin():
        yield session


def transact(
    function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Run the function in a write transaction; again, for 30 s, while the database is away.

    An answer of COMMIT may be lost: the function must find out what its first try did.
    """
    outcome: T = while_away()(transact_once, function, *args, **kwargs)
    return outcome


def read(function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run the function in a transaction that only reads; again, for 30 s, as `transact` does."""
    outcome: T = while_away()(read_once, function, *args, **kwargs)
    return outcome


async def transact_async(
    function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Run the function in one write transaction of the API's engine, once."""
    async with get_async_engine().begin() as connection:
        return await connection.run_sync(function, *args, **kwargs)


async def read_async(
    function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Run the function in one transaction of the API's engine that only reads."""
    async with get_async_engine().execution_options(read_only=True).connect() as connection:
        return await connection.run_sync(function, *args, **kwargs)


async def read_apart(
    function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """`read_async` on a connection kept for this: it waits for no request that holds one."""
    loop = asyncio.get_running_loop()
    if loop not in _apart:
        one = {"poolclass": AsyncAdaptedQueuePool, "pool_size": 1, "max_overflow": 0}
        _apart[loop] = _make_async_engine(**one)
    async with _apart[loop].execution_options(read_only=True).connect() as connection:
        return await connection.run_sync(function, *args, **kwargs)


def transact_once(
    function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Run the function in a write transaction, once."""
    with get_engine().begin() as connection:
        return function(connection, *args, **kwargs)


def read_once(
    function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Run the function in a transaction that only reads, once."""
    with get_engine().execution_options(read_only=True).connect() as connection:
        return function(connection, *args, **kwargs)


def _engine_args(url: URL) -> dict[str, Any]:
    return {} if is_sqlite(url) else {"connect_args": CONNECT_ARGS, "pool_pre_ping": True}


def _configured(engine: Engine) -> Engine:
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _on_connect_sqlite)
        event.listen(engine, "begin", _on_begin_sqlite)
        sqlite_file.watch(engine)
    else:
        event.listen(engine, "begin", _on_begin_postgresql)
    return engine


def _on_begin_postgresql(connection: Connection) -> None:
    connection.exec_driver_sql(TRANSACTION)


def _on_connect_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions on its own
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.execute("PRAGMA journal_mode")
    if cursor.fetchone() == ("wal",):  # with another journal, a loss of power might damage the file
        cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _on_begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that reads first and writes later fails at once with "database is
    # locked" when another one wrote in between, whatever the busy timeout.
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
