"""A database that does not serve for now: nobody is told that something is broken."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager, suppress
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, text
from tenacity import stop_after_attempt

from app import database, pipeline, storage
from app.api import metrics, problems, reports
from app.database import AWAY, NoFreeConnection, get_async_engine, get_engine, serialize, writing
from app.models import Report, Status
from unit.rows import load


@pytest.fixture
def impatient(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a free connection."""
    for engine in (get_engine(), get_async_engine()):
        monkeypatch.setattr(engine.pool, "_timeout", 0.01)


@contextmanager
def every_connection_in_use(engine: Engine) -> Iterator[None]:
    """Leave none to anybody else of this process."""
    with ExitStack() as held:
        with suppress(NoFreeConnection):
            while True:
                held.enter_context(engine.connect())
        yield


@pytest.mark.usefixtures("impatient")
def test_a_run_that_cannot_begin_is_tried_again(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database.while_away, "stop", stop_after_attempt(1))
    with every_connection_in_use(get_engine()):
        assert pipeline.run_report(report.id, "a") is True
    assert load(report).status == Status.QUEUED


@pytest.mark.usefixtures("impatient")
def test_a_run_that_cannot_go_on_is_tried_again(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save(report_id: UUID, token: str, document: bytes) -> str:
        with ExitStack() as held:
            while True:  # the heartbeat takes one now and then, and gives it back
                held.enter_context(get_engine().connect())

    monkeypatch.setattr(storage, "save", save)
    assert pipeline.run_report(report.id, "a") is True
    row = load(report)
    assert (row.status, row.attempts) == (Status.QUEUED, 1)


def test_a_transaction_that_the_server_has_ended_may_be_tried_again(database: str) -> None:
    if get_engine().dialect.name != "postgresql":
        pytest.skip("SQLite has no server; set DATABASE_URL to one of PostgreSQL")
    with pytest.raises(AWAY), writing() as frozen:
        frozen.execute(text("SET LOCAL idle_in_transaction_session_timeout = '100ms'"))
        serialize(frozen, "x")
        with writing() as waiting:
            serialize(waiting, "x")  # as soon as the server has ended the other one
        frozen.execute(text("SELECT 1"))


def ask(path: str) -> httpx.Response:
    """The answer of the API while every connection of it is in use."""
    app = FastAPI()
    problems.install(app)
    app.include_router(reports.router)
    app.include_router(metrics.router)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")

    async def main() -> httpx.Response:
        engine = get_async_engine()
        async with client, AsyncExitStack() as held:
            with suppress(NoFreeConnection):
                while True:
                    await held.enter_async_context(engine.connect())
            answer = await client.get(path)
        await engine.dispose()
        return answer

    return asyncio.run(main())


@pytest.mark.usefixtures("impatient")
def test_a_request_is_asked_to_come_again() -> None:
    answer = ask("/reports")
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers


@pytest.mark.usefixtures("impatient")
def test_the_metrics_of_the_process_are_there_all_the_same() -> None:
    with every_connection_in_use(get_engine()):
        answer = ask("/metrics")
    assert answer.status_code == 200
    assert "event_loop_lag_seconds" in answer.text
