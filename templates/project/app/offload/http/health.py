"""Whether the process lives, and whether it can do its work."""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from ..database.engines import read_apart
from ..database.urls import is_sqlite
from ..files.store import is_there
from ..queue import listing
from ..settings import get_settings
from . import app_state, documents, routing
from .pages import json_answer
from .problems import Problem
from .schemas import OffloadProblem

SECONDS = 3  # an answer that takes longer is as good as none
FRESH_SECONDS = 1.0  # probes come every few seconds, each from somebody else


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
    outside, checks, state = await asyncio.gather(_ask(), strategy.check(), strategy.state())
    checks = {"database": outside.database, **checks}
    down = {part: trouble for part, trouble in checks.items() if trouble}
    told = {**state, **outside.told}
    if down:
        raise Problem(503, f"Not ready: {', '.join(down)}.", down=down, state=told)
    found = ReadyOut(status="ok", checked=list(checks), state=told)
    return json_answer(found.model_dump_json())


@dataclass(frozen=True)
class Outside:
    """What is wrong with the database, and what is told of it and of the store."""

    database: str | None
    told: dict[str, str]


@dataclass(frozen=True)
class Asking:
    """When it began, on the monotonic clock, and what comes of it."""

    since: float
    task: asyncio.Task[Outside]


_lately: WeakKeyDictionary[asyncio.AbstractEventLoop, Asking] = WeakKeyDictionary()


async def _ask() -> Outside:
    """The answers of a moment ago; who asks meanwhile waits for the same ones.

    However many ask, database and store are not asked more often than that.
    """
    loop, now = asyncio.get_running_loop(), time.monotonic()
    asking = _lately.get(loop)
    if asking is None or (asking.task.done() and now - asking.since > FRESH_SECONDS):
        asking = _lately[loop] = Asking(now, asyncio.create_task(_ask_outside()))
    return await asyncio.shield(asking.task)  # a request that is cut off ends its own waiting only


async def _ask_outside() -> Outside:
    told: dict[str, str] = {}
    database, store = await asyncio.gather(_trouble(_ask_database(told)), _trouble(_ask_store()))
    return Outside(database, told | ({"store": store} if store else {}))


async def _trouble(asking: Awaitable[object]) -> str | None:
    try:
        async with asyncio.timeout(SECONDS):
            await asking
    except FileNotFoundError as error:
        return str(error)
    except Exception as error:
        return f"no answer ({type(error).__name__})"
    return None


async def _ask_database(told: dict[str, str]) -> None:
    """Add, by name, the kinds whose work cannot be imported where it should run."""
    if name := _lost_file():
        raise FileNotFoundError(f"the file {name} is gone")
    for name in await read_apart(listing.unavailable_kinds):
        told[f"kind {name}"] = "its work.py cannot be imported; its jobs wait"


def _lost_file() -> str | None:
    # A connection would make a file without any tables.
    url = get_settings().sync_database_url
    file = Path(url.database or "")
    return file.name if is_sqlite(url) and not file.exists() else None


async def _ask_store() -> None:
    await is_there("health")


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
