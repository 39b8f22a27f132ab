"""What holds in connections: on PostgreSQL a peer that is gone, or stands still, is missed."""

import asyncio
import socket
from pathlib import Path

import pytest
from psycopg import Connection as Driver
from sqlalchemy import Connection, text

from app.offload.database import engines
from app.offload.database.engines import (
    dispose_async_engine,
    get_engine,
    read_async,
    read_once,
    transact_once,
)
from app.offload.database.migrate import migrate
from app.offload.database.outage import is_outage
from offload.callbacks.databases import migrated
from offload.rows.making import ON_SERVER

on_server = pytest.mark.skipif(not ON_SERVER, reason="needs PostgreSQL: DATABASE_URL")

WANTED = {"idle_in_transaction_session_timeout": "30s", "lock_timeout": "5s"}
SHOW = text("SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY(:names)")
NORMAL = 1  # no fsync for each commit
LOCK = text("SELECT pg_advisory_xact_lock(:key)")


def shown(connection: Connection) -> dict[str, str]:
    rows = connection.execute(SHOW, {"names": [*WANTED]})
    return {row.name: row.current_setting for row in rows}


async def shown_to_the_api() -> dict[str, str]:
    try:
        return await read_async(shown)
    finally:
        await dispose_async_engine()


@on_server
@pytest.mark.usefixtures("database")
def test_each_transaction_of_jobs_and_api_has_its_limits() -> None:
    assert read_once(shown) == transact_once(shown) == asyncio.run(shown_to_the_api()) == WANTED


@on_server
@pytest.mark.usefixtures("database")
def test_a_peer_that_is_gone_is_missed() -> None:
    with get_engine().connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, Driver)
        with socket.socket(fileno=driver.fileno()) as peer:
            try:
                found = [
                    peer.getsockopt(socket.IPPROTO_TCP, option)
                    for option in (
                        socket.TCP_KEEPIDLE,
                        socket.TCP_KEEPINTVL,
                        socket.TCP_KEEPCNT,
                        socket.TCP_USER_TIMEOUT,
                    )
                ]
                is_kept = peer.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            finally:
                peer.detach()  # the connection closes it
    assert (is_kept, found) == (1, [10, 5, 3, 30_000])


@on_server
def test_nobody_waits_for_long_for_a_lock(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "TRANSACTION", engines.TRANSACTION.replace("5s", "50ms"))
    with get_engine().begin() as holder:
        holder.execute(LOCK, {"key": 1})
        with pytest.raises(Exception, match="lock timeout") as refused, get_engine().begin() as one:
            one.execute(text("SET LOCAL statement_timeout = '60s'"))
            one.execute(LOCK, {"key": 1})
        with get_engine().begin() as another:
            another.execute(LOCK, {"key": 2})
    assert is_outage(refused.value)  # and is waited for anew


@pytest.mark.skipif(ON_SERVER, reason="is SQLite's")
def test_who_made_the_file_has_its_connections_as_those_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with migrated(tmp_path, monkeypatch):
        (tmp_path / "app.db").unlink()  # which is a copy: here the process makes it
        get_engine().dispose()
        get_engine.cache_clear()  # an engine that has seen the file waits for it
        migrate()
        made = read_once(synchronous)
        get_engine().dispose()
        assert made == read_once(synchronous) == NORMAL


def synchronous(connection: Connection) -> int:
    return int(connection.exec_driver_sql("PRAGMA synchronous").scalar_one())
