"""An application with kinds of jobs, and nothing that runs them: a test ends jobs itself."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import Annotated, Any
from uuid import UUID

import httpx
import uvicorn
from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection
from uvicorn.config import WS_PROTOCOLS

from app.offload.database.engines import dispose_async_engine, transact
from app.offload.errors import Refused
from app.offload.http.feed import Feed
from app.offload.http.routers import routers
from app.offload.kinds import Input, Kind
from app.offload.queue import claim, ends
from app.offload.running.strategy import Strategy

MOST_WAITING = 3
# An older Uvicorn has the other one only, whose library has given it up.
WEBSOCKETS: Any = "websockets-sansio" if "websockets-sansio" in WS_PROTOCOLS else "websockets"


class ClipParams(BaseModel):
    """What a clip is asked for with."""

    model_config = ConfigDict(extra="forbid")

    height: Annotated[int, Field(ge=2, le=100)]
    note: str = ""


class ClipResult(BaseModel):
    """What is known of a clip."""

    frames: int


class Box(BaseModel):
    """A place in a picture."""

    left: int = 0


class ScanParams(BaseModel):
    """What a scan is asked for with."""

    box: Box = Box()


class Nothing(BaseModel):
    """No parameters, or no result."""


def pinned(connection: Connection, params: ClipParams) -> ClipParams:
    """A `prepare` that refuses some, and pins something."""
    if params.note == "refuse":
        raise Refused(404, "There is no such note.", note=params.note)
    return params.model_copy(update={"note": params.note or "pinned"})


CLIP = Kind("clip", ClipParams, ClipResult, max_waiting=MOST_WAITING, prepare=pinned)
SCAN = Kind(
    "scan",
    ScanParams,
    Nothing,
    inputs={"page": Input(media_types=("image/*",), max_bytes=1000)},
    prefix="/scans",
    queue="slow",
)
TICK = Kind("tick", Nothing, Nothing)
KINDS: Mapping[str, Kind[Any, Any]] = {kind.name: kind for kind in (CLIP, SCAN, TICK)}

JOBS = "/jobs/clip"


class NobodyRuns(Strategy):
    """Notes what it is told; the parts it needs are as a test says."""

    def __init__(self) -> None:
        self.notified: list[str] = []
        self.parts: dict[str, str | None] = {"pool": None}

    async def start(self) -> None:
        """Nothing."""

    def notify(self, queue: str) -> None:
        """Note it."""
        self.notified.append(queue)

    async def check(self) -> dict[str, str | None]:
        """What the test says."""
        return self.parts

    async def state(self) -> dict[str, str]:
        """A broker that is away."""
        return {"broker": "away"}

    async def stop(self) -> None:
        """Nothing."""


@dataclass
class AppState:
    """What runs app_state the routes."""

    strategy: NobodyRuns = field(default_factory=NobodyRuns)
    feed: Feed = field(default_factory=Feed)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """As the engine's, with the feed alone."""
    app.state.offload = app_state = AppState()
    following = asyncio.create_task(app_state.feed.run())
    yield
    app_state.feed.stop()
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
    await dispose_async_engine()


def knows_key(x_key: Annotated[str, Header()] = "") -> None:
    """What guards the routes in an application that has accounts."""
    if x_key != "secret":
        raise HTTPException(401, "A key is needed.", {"WWW-Authenticate": "Key"})


def make_app(*, guarded: bool = False, of_kinds: tuple[APIRouter, ...] = ()) -> FastAPI:
    """The application."""
    app = FastAPI(lifespan=lifespan)
    dependencies = [Depends(knows_key)] if guarded else []
    for router in routers(KINDS, dependencies, of_kinds):
        app.include_router(router)
    return app


@contextmanager
def serving(app: FastAPI, root_path: str = "") -> Iterator[httpx.Client]:
    """The application on a port of its own, and whoever asks it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_level="critical", root_path=root_path, ws=WEBSOCKETS)
        server = uvicorn.Server(config)
        thread = Thread(target=asyncio.run, args=(server.serve([listener]),))
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.005)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            with httpx.Client(base_url=url, timeout=60, trust_env=False, verify=False) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


def create(client: httpx.Client, **params: Any) -> dict[str, Any]:
    """A clip that waits."""
    answer = client.post(JOBS, json={"height": 2, **params})
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


def begin(job: Mapping[str, Any]) -> ends.Lease:
    """Have the job run; what its run writes under. It must be the next of its queue."""
    token = f"run-{job['id']}"
    row = transact(
        claim.claim_next, queue=job["queue"], kinds=list(KINDS), token=token, worker="host:1"
    )
    assert row is not None
    assert row.id == UUID(job["id"])
    return ends.Lease(row.id, token)


def end(job: Mapping[str, Any], result: Mapping[str, Any], *kept: Mapping[str, Any]) -> None:
    """Run the job to its end."""
    transact(ends.succeed, begin(job), result, kept)


def fail(job: Mapping[str, Any]) -> None:
    """Run the job to a bad end."""
    transact(ends.fail, begin(job), ends.WORK_FAILED)
