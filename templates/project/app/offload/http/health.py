"""Whether the process lives, and whether it can do its work."""

import asyncio
from collections.abc import Awaitable
from pathlib import Path

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from sqlalchemy import Connection, select

from ..database.engines import read_async
from ..database.tables import jobs
from ..database.urls import is_sqlite
from ..files.store import is_there
from ..queue import listing
from ..settings import get_settings
from . import app_state, documents, routing
from .pages import json_answer
from .problems import Problem
from .schemas import OffloadProblem

SECONDS = 3  # an answer that takes longer is as good as none


class ReadyOut(BaseModel):
    """What answers, and what is told beside: by name, what is not as it should be."""

    status: str
    checked: list[str]
    state: dict[str, str]


async def live() -> dict[str, str]:
    """200 while the event loop turns."""
    return {"status": "ok"}


async def ready(request: Request) -> Response:
    """200 when all that the API needs answers; 503 says what does not.

    What only delays jobs is told, and makes nobody unready: a broker or a store that is away, kinds
    whose work cannot be imported.
    """
    strategy = app_state.get(request).strategy
    checks, state = await asyncio.gather(strategy.check(), strategy.state())
    database, store = await asyncio.gather(_trouble(_ask_database()), _trouble(_ask_store()))
    checks = {"database": database, **checks}
    down = {part: trouble for part, trouble in checks.items() if trouble}
    told = {**state, **({"store": store} if store else {}), **(await _kinds(database))}
    if down:
        raise Problem(503, f"Not ready: {', '.join(down)}.", down=down, state=told)
    found = ReadyOut(status="ok", checked=list(checks), state=told)
    return json_answer(found.model_dump_json())


async def _trouble(asking: Awaitable[object]) -> str | None:
    try:
        async with asyncio.timeout(SECONDS):
            await asking
    except FileNotFoundError as error:
        return str(error)
    except Exception as error:
        return f"no answer ({type(error).__name__})"
    return None


async def _ask_database() -> None:
    if name := _lost_file():
        raise FileNotFoundError(f"the file {name} is gone")
    await read_async(_touch)


def _lost_file() -> str | None:
    # Open connections still find the tables of an SQLite file that has been removed, and a new one
    # makes a file without any.
    url = get_settings().sync_database_url
    file = Path(url.database or "")
    return file.name if is_sqlite(url) and not file.exists() else None


def _touch(connection: Connection) -> None:
    connection.execute(select(jobs.c.id).limit(1))


async def _ask_store() -> None:
    await is_there("health")


async def _kinds(database: str | None) -> dict[str, str]:
    """By name, the kinds whose work cannot be imported where it should run."""
    if database:
        return {}
    found = await read_async(listing.unavailable_kinds)
    return {f"kind {name}": "its work.py cannot be imported; its jobs wait" for name in found}


def router() -> APIRouter:
    """GET /health/live and /health/ready."""
    router = APIRouter(route_class=routing.Route, prefix="/health", tags=["health"])
    routing.get(router, "/live", live, operation_id="get_liveness")
    routing.get(
        router,
        "/ready",
        ready,
        operation_id="get_readiness",
        response_model=ReadyOut,
        responses={503: {"model": OffloadProblem}},
        openapi_extra=documents.brings_the_problem(),
    )
    return router
