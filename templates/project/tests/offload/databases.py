"""Databases of a test's own, and what can be done to them."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine, make_url, text

# As the tests were started: those in tests/jobs set another one for as long as they run.
GIVEN = os.environ.get("DATABASE_URL", "sqlite")


@contextmanager
def private_database(folder: Path) -> Iterator[str]:
    """The URL of a database of one's own: a file, or one on the PostgreSQL of DATABASE_URL."""
    if GIVEN.startswith("sqlite"):
        yield f"sqlite:///{folder / 'app.db'}"
        return
    name = f"test_{uuid.uuid4().hex}"
    with autocommit(GIVEN) as server:
        server.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield make_url(GIVEN).set(database=name).render_as_string(hide_password=False)
    finally:
        with autocommit(GIVEN) as server:
            server.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@contextmanager
def database_away(url: str) -> Iterator[None]:
    """Meanwhile PostgreSQL serves nobody, as while it restarts, and SQLite lets nobody write."""
    if url.startswith("sqlite"):
        with autocommit(url) as lock:
            lock.execute(text("BEGIN IMMEDIATE"))
            yield
            lock.execute(text("ROLLBACK"))
        return
    name = make_url(url).database
    with autocommit(make_url(url).set(database="postgres")) as server:
        server.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
        kill_connections(server, str(name))
        yield
        server.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"))


def kill_connections(server: Connection, name: str) -> None:
    """End all connections to a database of PostgreSQL but this one."""
    others = "datname = :name AND pid <> pg_backend_pid()"
    kill = text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
    server.execute(kill, {"name": name})


@contextmanager
def autocommit(url: str | URL) -> Iterator[Connection]:
    """A connection, each of whose statements is a transaction."""
    parsed = make_url(url)
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    engine = create_engine(parsed, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def job_rows(url: str) -> list[tuple[str, int]]:
    """Status and attempts of every job: what stands there while nothing serves."""
    schema = "" if url.startswith("sqlite") else "offload."
    with autocommit(url) as connection:
        rows = connection.execute(text(f"SELECT status, attempts FROM {schema}offload_jobs"))
        return [(row.status, row.attempts) for row in rows]
