"""Engines and sessions: asynchronous for the API, synchronous for jobs."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import lru_cache
from typing import Any, Concatenate, ParamSpec, TypeVar
from zlib import crc32

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from app.settings import get_settings, is_sqlite

P = ParamSpec("P")
T = TypeVar("T")

# The longest write is an upload of MAX_UPLOAD_BYTES, about 5 s: the others wait for it.
PRAGMAS = ("busy_timeout=30000", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON")

while_away = Retrying(
    retry=retry_if_exception_type(OperationalError),
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


def serialize(session: Session, name: str) -> None:
    """Let one transaction at a time pass this line, per name, until it ends."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": crc32(name.encode())})
    # SQLite has one writer at a time: BEGIN IMMEDIATE already waited for the others.


def _transact_once(
    function: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    with writing() as session:
        return function(session, *args, **kwargs)


def _connect_args(url: URL) -> dict[str, Any]:
    if is_sqlite(url):
        return {}
    # Seconds and milliseconds; and times come back in UTC, which holds the years 1 to 9999.
    return {"connect_timeout": 5, "tcp_user_timeout": 30_000, "options": "-c timezone=UTC"}


def _configure(engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _on_connect)
        event.listen(engine, "begin", _on_begin)


def _on_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions on its own
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_begin(connection: Connection) -> None:
    # A deferred transaction that reads first and writes later fails at once with "database is
    # locked" when another one wrote in between, whatever the busy timeout.
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
