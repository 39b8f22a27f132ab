"""Engines and sessions: asynchronous for the API, synchronous for jobs."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import lru_cache
from typing import Any, Concatenate, ParamSpec, TypeVar
from zlib import crc32

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from app.settings import get_settings, is_sqlite

P = ParamSpec("P")
T = TypeVar("T")

# Seconds, and milliseconds, until the server misses a client, and a client the server.
KEEPALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
CONNECT_ARGS = {"connect_timeout": 5, "tcp_user_timeout": 30_000, **KEEPALIVE}
# A process that stands still within a transaction keeps what it has locked for 30 s, not for ever:
# no transaction waits for anything but the database. Times come back in UTC, which holds the years
# 1 to 9999. Set after connecting, because PgBouncer refuses most of it as options of the start.
SESSION = {
    "timezone": "UTC",
    "idle_in_transaction_session_timeout": "30s",
    **{f"tcp_{name}": value for name, value in KEEPALIVE.items()},
}
LOCK_TIMEOUT = "5s"  # then the request is answered 503, and a job tries again

# The longest write is an upload of MAX_UPLOAD_BYTES, about 5 s: the others wait for it.
PRAGMAS = ("busy_timeout=30000", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON")

# What passes: the database does not answer or a lock is not free, the server has ended what stood
# still in a transaction, every connection of this process is in use.
AWAY = (OperationalError, InternalError, NoFreeConnection)

while_away = Retrying(
    retry=retry_if_exception_type(AWAY),
    wait=wait_exponential_jitter(multiplier=0.1, max=2, jitter=0.1),
    stop=stop_after_delay(30),
    reraise=True,
)


@lru_cache
def get_engine() -> Engine:
    """The engine for jobs, made on first use, so that no process inherits a connection."""
    url = get_settings().sync_database_url
    engine = create_engine(url, pool_pre_ping=True, connect_args=_connect_args(url))
    _configure(engine)
    return engine


@lru_cache
def get_async_engine() -> AsyncEngine:
    """The engine for the API."""
    url = get_settings().async_database_url
    engine = create_async_engine(url, pool_pre_ping=True, connect_args=_connect_args(url))
    _configure(engine.sync_engine)
    return engine


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
    function: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Run the function in a write transaction; again, for 30 s, while the database is away."""
    outcome: T = while_away(_transact_once, function, *args, **kwargs)
    return outcome


def read(function: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run the function in a session that only reads; again, for 30 s, as `transact` does."""
    outcome: T = while_away(_read_once, function, *args, **kwargs)
    return outcome


def serialize(session: Session, name: str) -> None:
    """Let one transaction at a time pass this line, per name, until it ends.

    Raises OperationalError when another one has not let go after LOCK_TIMEOUT.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": crc32(name.encode())})
    # SQLite has one writer at a time: BEGIN IMMEDIATE already waited for the others.


def _transact_once(
    function: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    with writing() as session:
        return function(session, *args, **kwargs)


def _read_once(
    function: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    with reading() as session:
        return function(session, *args, **kwargs)


def _connect_args(url: URL) -> dict[str, Any]:
    return {} if is_sqlite(url) else CONNECT_ARGS


def _configure(engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _on_connect_sqlite)
        event.listen(engine, "begin", _on_begin_sqlite)
    else:
        event.listen(engine, "connect", _on_connect_postgresql)


def _on_connect_postgresql(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("; ".join(f"SET {name} = '{value}'" for name, value in SESSION.items()))
    cursor.close()
    connection.commit()


def _on_connect_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions on its own
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that reads first and writes later fails at once with "database is
    # locked" when another one wrote in between, whatever the busy timeout.
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
