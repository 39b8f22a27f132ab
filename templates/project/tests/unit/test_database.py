"""Sessions beside each other."""

import asyncio

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from app import database
from app.database import get_async_engine, get_engine, reading, reading_async, serialize, writing
from app.models import Dataset
from unit.rows import add_report


def test_who_reads_does_not_hold_up_who_writes(dataset: Dataset) -> None:
    with reading() as reader:
        names = reader.scalars(select(Dataset.name))
        add_report(dataset)
        with writing() as writer:
            writer.get_one(Dataset, dataset.id).name = "two"
        assert names.all() == ["one"]


@pytest.fixture
def postgresql(database: str) -> None:
    """Skips what only a server has."""
    if get_engine().dialect.name != "postgresql":
        pytest.skip("SQLite has no server; set DATABASE_URL to one of PostgreSQL")


WANTED = {
    "TimeZone": "UTC",
    "idle_in_transaction_session_timeout": "30s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
SHOW = text("SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY(:names)")
NAMES = {"names": list(WANTED)}


async def in_the_api() -> list[tuple[str, str]]:
    """What holds for a connection of the API."""
    async with reading_async() as session:
        found = [(name, value) for name, value in await session.execute(SHOW, NAMES)]
    await get_async_engine().dispose()
    return found


@pytest.mark.usefixtures("postgresql")
def test_the_server_looks_after_jobs_and_api_alike() -> None:
    with reading() as session:
        for_jobs = [(name, value) for name, value in session.execute(SHOW, NAMES)]
    for_the_api = asyncio.run(in_the_api())
    assert dict(for_jobs) == dict(for_the_api) == WANTED


@pytest.mark.usefixtures("postgresql")
def test_nobody_waits_for_long_in_a_line_that_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LOCK_TIMEOUT", "100ms")
    with writing() as holder:
        serialize(holder, "x")
        with pytest.raises(OperationalError, match="lock timeout"), writing() as waiting:
            waiting.execute(text("SET LOCAL statement_timeout = '10s'"))
            serialize(waiting, "x")
        with writing() as other:
            serialize(other, "y")
    with writing() as later:
        serialize(later, "x")
