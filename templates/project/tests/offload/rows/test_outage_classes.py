"""What passes by itself is waited for; a mistake is told at once. By errors of real databases."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import PendingRollbackError, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import Session, registry

from app.offload.database.engines import get_engine, read_once, transact, transact_once
from app.offload.database.outage import is_outage
from app.offload.database.tables import jobs, watermarks
from app.offload.settings import get_settings
from offload.databases import autocommit
from offload.rows.making import ON_SERVER, add, running

on_server = pytest.mark.skipif(not ON_SERVER, reason="needs PostgreSQL: DATABASE_URL")
on_a_file = pytest.mark.skipif(ON_SERVER, reason="is SQLite's")

pytestmark = pytest.mark.usefixtures("database")


def error_of(function: Callable[[], Any]) -> SQLAlchemyError:
    """What the function raises."""
    with pytest.raises(SQLAlchemyError) as caught:
        function()
    return caught.value


def execute(connection: Connection, statement: str) -> None:
    connection.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT no_such_column FROM " + ("offload." if ON_SERVER else "") + "offload_jobs",
        "SELECT * FROM no_such_table",
        "SELEKT",
        "SELECT no_such_function()",
    ],
)
def test_a_mistake_in_a_statement_is_told_at_once(statement: str) -> None:
    tries: list[int] = []

    def attempt(connection: Connection) -> None:
        tries.append(1)
        execute(connection, statement)

    assert not is_outage(error_of(lambda: transact(attempt)))
    assert len(tries) == 1


def test_a_row_that_may_not_be_is_no_outage() -> None:
    running("token-of-one")
    assert not is_outage(error_of(lambda: running("token-of-one")))
    assert not is_outage(error_of(lambda: add(priority=None)))


def test_other_errors_are_no_outages() -> None:
    others = (OSError(), RuntimeError("rollback"), sqlite3.Error(), KeyError())
    assert not any(map(is_outage, others))


def test_a_pool_without_a_free_connection_is_an_outage() -> None:
    url = get_settings().sync_database_url
    engine = create_engine(url, pool_size=1, max_overflow=0, pool_timeout=0.01)
    with engine.connect():
        assert is_outage(error_of(engine.connect))
    engine.dispose()


def test_a_transaction_whose_flush_failed_is_a_mistake() -> None:
    class Mapped:
        name: str

    registry().map_imperatively(Mapped, watermarks)
    with Session(get_engine()) as session:
        incomplete = Mapped()  # no time
        incomplete.name = "name"
        session.add(incomplete)
        assert not is_outage(error_of(session.flush))
        error = error_of(lambda: session.execute(text("SELECT 1")))
    assert isinstance(error, PendingRollbackError)
    assert not is_outage(error)


@on_a_file
class TestSqlite:
    """By SQLite's own codes."""

    def test_busy(self, database: Path) -> None:
        impatient = create_engine(get_settings().sync_database_url, connect_args={"timeout": 0.01})
        with autocommit(get_settings().database_url) as other:
            execute(other, "BEGIN IMMEDIATE")
            assert is_outage(error_of(lambda: _begin(impatient, "BEGIN IMMEDIATE")))
            execute(other, "ROLLBACK")
        impatient.dispose()

    def test_full(self) -> None:
        def fill(connection: Connection) -> None:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
            try:
                execute(connection, "CREATE TABLE large AS SELECT randomblob(1000000)")
            finally:
                connection.exec_driver_sql("PRAGMA max_page_count=1073741823")

        assert is_outage(error_of(lambda: transact_once(fill)))

    def test_read_only(self) -> None:
        def write(connection: Connection) -> None:
            connection.exec_driver_sql("PRAGMA query_only=1")
            try:
                connection.execute(jobs.delete())
            finally:
                connection.exec_driver_sql("PRAGMA query_only=0")

        assert is_outage(error_of(lambda: transact_once(write)))

    def test_no_folder(self, tmp_path: Path) -> None:
        engine = create_engine(f"sqlite:///{tmp_path / 'none' / 'app.db'}")
        assert is_outage(error_of(engine.connect))

    def test_no_database(self, tmp_path: Path) -> None:
        (tmp_path / "app.db").write_bytes(b"something else" * 1000)
        engine = create_engine(f"sqlite:///{tmp_path / 'app.db'}")
        assert not is_outage(error_of(lambda: _begin(engine, "SELECT * FROM sqlite_master")))
        engine.dispose()


@on_server
class TestPostgresql:
    """By SQLSTATE."""

    def test_killed_and_what_comes_behind(self) -> None:
        killed, behind = [], []

        def die(connection: Connection) -> None:
            kill(connection)
            killed.append(error_of(lambda: execute(connection, "SELECT 1")))
            behind.append(error_of(lambda: execute(connection, "SELECT 1")))
            raise behind[0]

        error_of(lambda: transact_once(die))
        assert is_outage(killed[0])
        assert isinstance(behind[0], PendingRollbackError)
        assert is_outage(behind[0])

    def test_killed_while_it_commits(self) -> None:
        assert is_outage(error_of(lambda: transact_once(kill)))

    def test_nobody_listens(self) -> None:
        url = get_settings().sync_database_url.set(host="127.0.0.1", port=1)
        assert is_outage(error_of(create_engine(url).connect))
        assert is_outage(error_of(lambda: asyncio.run(_connect(url))))

    def test_the_server_refuses(self) -> None:
        name = get_settings().sync_database_url.database
        with autocommit(get_settings().sync_database_url.set(database="postgres")) as server:
            execute(server, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            try:
                engine = create_engine(get_settings().sync_database_url)
                assert is_outage(error_of(engine.connect))
            finally:
                execute(server, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    def test_a_lock_that_is_not_free(self) -> None:
        def wait(connection: Connection) -> None:
            execute(connection, "SET LOCAL lock_timeout = '10ms'")
            execute(connection, "LOCK TABLE offload.offload_jobs")

        with get_engine().begin() as other:
            execute(other, "LOCK TABLE offload.offload_jobs")
            assert is_outage(error_of(lambda: transact_once(wait)))

    def test_a_deadlock(self) -> None:
        begin, errors = Barrier(2), []

        def lock_both(first: int, second: int) -> None:
            with get_engine().begin() as connection:
                execute(connection, "SET LOCAL deadlock_timeout = '10ms'")
                execute(connection, f"SELECT pg_advisory_xact_lock({first})")
                begin.wait()
                try:
                    execute(connection, f"SELECT pg_advisory_xact_lock({second})")
                except SQLAlchemyError as error:
                    errors.append(error)
                    connection.rollback()

        threads = [Thread(target=lock_both, args=order) for order in ((1, 2), (2, 1))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors
        assert all(map(is_outage, errors))

    def test_a_standby(self) -> None:
        def write(connection: Connection) -> None:
            execute(connection, "SET TRANSACTION READ ONLY")
            connection.execute(jobs.delete())

        assert is_outage(error_of(lambda: transact_once(write)))

    def test_a_statement_that_takes_too_long(self) -> None:
        def sleep(connection: Connection) -> None:
            execute(connection, "SET LOCAL statement_timeout = '10ms'")
            execute(connection, "SELECT pg_sleep(5)")

        assert not is_outage(error_of(lambda: read_once(sleep)))

    def test_a_right_that_is_missing(self) -> None:
        def read(connection: Connection) -> None:
            execute(connection, "SET LOCAL ROLE pg_monitor")
            execute(connection, "SELECT * FROM offload.offload_jobs")

        assert not is_outage(error_of(lambda: read_once(read)))


def test_the_api_s_driver_tells_the_same(database: Path) -> None:
    async def select(statement: str) -> None:
        engine = create_async_engine(get_settings().async_database_url)
        try:
            async with engine.connect() as connection:
                await connection.execute(text(statement))
        finally:
            await engine.dispose()

    assert not is_outage(error_of(lambda: asyncio.run(select("SELECT * FROM no_such_table"))))


@on_a_file
def test_the_api_s_driver_is_busy_too(database: Path) -> None:
    async def begin() -> None:
        url = get_settings().async_database_url
        engine = create_async_engine(url, connect_args={"timeout": 0.01})
        try:
            async with engine.connect() as connection:
                await connection.exec_driver_sql("BEGIN IMMEDIATE")
        finally:
            await engine.dispose()

    with autocommit(get_settings().database_url) as other:
        execute(other, "BEGIN IMMEDIATE")
        assert is_outage(error_of(lambda: asyncio.run(begin())))
        execute(other, "ROLLBACK")


def kill(connection: Connection) -> None:
    """End the connection from another one."""
    pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    with autocommit(get_settings().database_url) as other:
        execute(other, f"SELECT pg_terminate_backend({pid}, 5000)")


def _begin(engine: Engine, statement: str) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)


async def _connect(url: Any) -> None:
    async with create_async_engine(url).connect():
        pass
