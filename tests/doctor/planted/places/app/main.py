"""Every place from which the loop is blocked, and as many where it is not."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import requests
from fastapi import BackgroundTasks, Depends, FastAPI, Request, WebSocket
from fastapi.responses import StreamingResponse
from starlette.middleware.base import BaseHTTPMiddleware

from app.api import router
from app.services import (
    AsyncStore,
    Box,
    Storage,
    cached_settings,
    close_quietly,
    make_storage,
    offloaded,
    resize,
    slow_decorator,
    store,
    thumbnail,
    words,
)
from app.services.jobs import Runner, runners


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.storage = make_storage("disk")
    time.sleep(1)  # blocks: startup
    asyncio.create_task(watch())
    yield
    await asyncio.to_thread(time.sleep, 1)  # near miss


async def watch() -> None:
    while True:
        await asyncio.sleep(5)
        for i in range(50_000_000):  # blocks: background
            pass


app = FastAPI(lifespan=lifespan)
app.include_router(router, prefix="/v1")


@app.on_event("startup")
def warm() -> None:
    time.sleep(2)  # blocks: startup


# --- middleware


@app.middleware("http")
async def log_requests(request: Request, call_next: object) -> object:
    requests.post("https://log.example.org", timeout=1)  # blocks: middleware
    return await call_next(request)


class Timing(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: object) -> object:
        self.note()
        return await call_next(request)

    def note(self) -> None:
        time.sleep(0.1)  # blocks: middleware


class Plain:
    def __init__(self, app: object) -> None:
        self.app = app
        time.sleep(0.1)  # near miss

    async def __call__(self, scope: object, receive: object, send: object) -> None:
        time.sleep(0.1)  # blocks: middleware
        await self.app(scope, receive, send)


app.add_middleware(Timing)
app.add_middleware(Plain)


# --- dependencies


async def get_user(token: str) -> str:
    return requests.get("https://auth.example.org", timeout=1).text  # blocks: dependency


def get_user_in_thread(token: str) -> str:
    return requests.get("https://auth.example.org", timeout=1).text  # near miss


class Limit:
    async def __call__(self) -> None:
        time.sleep(0.01)  # blocks: dependency


async def unused_dependency() -> None:
    time.sleep(1)  # near miss


User = Annotated[str, Depends(get_user)]


@app.get("/users/me", dependencies=[Depends(Limit())])
async def me(user: User, other: str = Depends(get_user_in_thread)) -> str:
    return user


# --- routes


@app.get("/plain")
def in_thread() -> None:
    time.sleep(1)  # near miss


@app.get("/two-deep")
async def two_deep() -> None:
    thumbnail()


@app.get("/attribute")
async def by_attribute() -> bytes:
    return store.read("x")


@app.get("/state")
async def by_state(request: Request) -> bytes:
    return request.app.state.storage.load("x")


@app.get("/dictionary/{name}")
async def by_dictionary(name: str) -> None:
    runners[name].run()


@app.get("/property")
async def by_property(box: Box) -> str:
    return box.content


@app.get("/decorated")
async def by_decorator() -> None:
    decorated()


@slow_decorator
def decorated() -> None: ...


@app.get("/offloaded")
async def offloaded_by_decorator() -> None:
    await moved()


@offloaded
def moved() -> None:
    time.sleep(1)  # near miss


@app.get("/argument")
async def by_argument() -> None:
    use(requests.Session())


def use(session) -> None:  # noqa: ANN001
    session.get("https://example.org")  # blocks: route


@app.get("/generator")
async def by_generator() -> list[str]:
    return [word for word in words()]


@app.get("/stream")
async def streams() -> StreamingResponse:
    return StreamingResponse(chunks())


def chunks():  # noqa: ANN201
    time.sleep(1)  # near miss
    yield b""


@app.get("/stream-async")
async def streams_async() -> StreamingResponse:
    return StreamingResponse(chunks_async())


async def chunks_async() -> AsyncIterator[bytes]:
    time.sleep(1)  # blocks: route
    yield b""


@app.get("/nested")
async def nested() -> None:
    def inner() -> None:
        time.sleep(1)  # blocks: route

    def passed_on() -> None:
        time.sleep(1)  # near miss

    inner()
    await asyncio.to_thread(passed_on)


@app.get("/with")
async def enters() -> None:
    with close_quietly():
        pass


@app.get("/settings")
async def settings() -> str:
    return cached_settings()


@app.get("/narrow")
async def narrowed(storage: AsyncStore) -> None:
    if isinstance(storage, Storage):
        time.sleep(1)  # near miss
    await storage.load("x")


@app.get("/gather")
async def gathers() -> None:
    await asyncio.gather(one_of(1), one_of(2))


async def one_of(number: int) -> None:
    time.sleep(number)  # blocks: route


@app.get("/runner")
async def runner(run: Runner) -> None:
    await run.awaited()


# --- beside requests


@app.post("/resize")
async def start_resize(background: BackgroundTasks) -> None:
    background.add_task(resize, 1)
    background.add_task(resize_in_thread)


def resize_in_thread() -> None:
    time.sleep(1)  # near miss


@app.websocket("/ws")
async def socket(websocket: WebSocket) -> None:
    while True:
        text = await websocket.receive_text()
        await websocket.send_text(requests.get(text, timeout=1).text)  # blocks: websocket


@app.websocket("/ws/near")
async def socket_near(websocket: WebSocket) -> None:
    await websocket.send_text(await asyncio.to_thread(input))  # near miss
