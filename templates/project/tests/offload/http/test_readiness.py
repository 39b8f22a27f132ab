"""Whether the process says that it can do its work."""

import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from job_site import JOBS, AppState, begin, create
from sqlalchemy import Engine, event

from app.offload.database.engines import get_async_engine, transact
from app.offload.files import store as files
from app.offload.files.outages import StoreAway
from app.offload.http import health
from app.offload.observing.routes import metrics_router
from app.offload.queue import ends
from app.offload.queue.ends import Attempt

READY = "/health/ready"


def test_ready_tells_what_it_looked_at(client: httpx.Client) -> None:
    answer = client.get(READY)
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "checked": ["database", "pool"],
        "state": {"broker": "away"},
    }
    assert answer.headers["cache-control"] == "no-store"


def test_a_part_that_is_down_is_named(client: httpx.Client, app_state: AppState) -> None:
    app_state.strategy.parts["pool"] = "no process has started"
    answer = client.get(READY)
    assert answer.status_code == 503
    assert answer.json()["down"] == {"pool": "no process has started"}
    assert client.get("/health/live").status_code == 200


def test_how_its_parts_are_is_a_metric_too(
    app: FastAPI, client: httpx.Client, app_state: AppState
) -> None:
    app.include_router(metrics_router({}))
    app_state.strategy.parts["threads"] = "all of them hang"
    lines = client.get("/metrics").text.splitlines()
    for part, value in {"pool": "1.0", "threads": "0.0", "broker": "0.0"}.items():
        assert f'offload_part_up{{part="{part}"}} {value}' in lines


def test_it_waits_for_no_request_that_holds_a_connection(
    app: FastAPI, client: httpx.Client
) -> None:
    held = AsyncExitStack()

    @app.get("/take-all")
    async def take_all() -> None:
        for _ in range(15):  # SQLAlchemy's pool has 5, and 10 more
            await held.enter_async_context(get_async_engine().connect())

    app.get("/give-back")(held.aclose)
    assert client.get("/take-all").status_code == 200
    assert client.get(READY).status_code == 200
    client.get("/give-back")


def test_the_database_is_asked_once_for_all_who_ask(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "history" in statement and "'delayed'" in statement:
            asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        monkeypatch.setattr(health, "FRESH_SECONDS", 600)
        assert [client.get(READY).status_code for _ in range(3)] == [200] * 3
        assert len(asked) == 1
        monkeypatch.setattr(health, "FRESH_SECONDS", 0)
        assert client.get(READY).status_code == 200
        assert len(asked) == 2
    finally:
        event.remove(Engine, "before_cursor_execute", note)


NEEDS_SQLITE = pytest.mark.skipif(
    not os.environ.get("DATABASE_URL", "sqlite").startswith("sqlite"),
    reason="only SQLite's database is a file",
)


@NEEDS_SQLITE
def test_a_file_that_was_removed_is_noticed(client: httpx.Client, tmp_path: Path) -> None:
    create(client)
    for file in tmp_path.glob("app.db*"):
        file.unlink()
    answer = client.get(READY)
    assert answer.status_code == 503
    assert answer.json()["down"] == {"database": "the file app.db is gone"}
    # Nothing is accepted into a file that no path leads to.
    answer = client.post(JOBS, json={"height": 2})
    assert answer.status_code == 503
    assert "retry-after" in answer.headers
    assert not (tmp_path / "app.db").exists()


@NEEDS_SQLITE
def test_a_file_that_was_replaced_is_noticed(client: httpx.Client, tmp_path: Path) -> None:
    create(client)
    (tmp_path / "app.db").rename(tmp_path / "moved.db")
    (tmp_path / "app.db").touch()
    assert client.get(READY).status_code == 503
    assert client.post(JOBS, json={"height": 2}).status_code >= 500


def test_a_store_that_is_away_is_told(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise StoreAway("not here")

    monkeypatch.setattr(files, "get_store", away)
    answer = client.get(READY)
    assert answer.status_code == 200
    assert answer.json()["state"]["store"] == "no answer (StoreAway)"


def test_work_that_cannot_be_imported_is_told(client: httpx.Client) -> None:
    job = create(client)
    attempt = Attempt("work_unavailable", "No module named 'av'")
    transact(ends.release, begin(job), attempt, failure=None, wait_seconds=60)
    state = client.get(READY).json()["state"]
    assert "import" in state["kind clip"]
