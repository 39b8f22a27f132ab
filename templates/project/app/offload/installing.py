"""Puts the engine into an application: its routes, and what runs beside them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.params import Depends
from starlette.routing import Mount

from . import discovery, notifying, strategy
from .callbacks import sender
from .database.engines import get_async_engine, get_engine
from .database.migrate import migrate
from .http.feed import Feed
from .http.routers import routers
from .http.schemas import render
from .running.janitor import Janitor
from .running.strategy import Strategy
from .settings import get_settings
from .shutdown import on_stop_signal


@dataclass
class Installed:
    """What runs beside the routes; `app.state.offload` while the application's lifespan lasts."""

    strategy: Strategy
    feed: Feed


def install(app: FastAPI, *, dependencies: Sequence[Depends] = ()) -> None:
    """Add the routes of all kinds, and run their jobs while the application's lifespan lasts.

    The lifespan, the handlers and the routes that the application has stay as they are. The
    dependencies, such as the one that knows who calls, guard every route but those of /health.
    Raises MistakeInKind when something below `jobs/` is not as it must be.
    """
    before = len(app.router.routes)
    for router in routers(discovery.kinds(), dependencies, discovery.routers()):
        app.include_router(router)
    _put_before_mounts(app, before)
    _wrap_lifespan(app)
    notifying.mark_installed()


def _put_before_mounts(app: FastAPI, number: int) -> None:
    """Have our routes found before something that is mounted at / takes every path."""
    routes = app.router.routes
    there, ours = routes[:number], routes[number:]
    roots = (
        index for index, route in enumerate(there) if isinstance(route, Mount) and not route.path
    )
    first = next(roots, number)
    routes[:] = [*there[:first], *ours, *there[first:]]


def _wrap_lifespan(app: FastAPI) -> None:
    theirs = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Any]:
        async with theirs(app) as state, _running(app):
            yield state

    app.router.lifespan_context = lifespan


@asynccontextmanager
async def _running(app: FastAPI) -> AsyncIterator[None]:
    if get_settings().migrate_on_start:
        await asyncio.to_thread(migrate)
    installed = Installed(strategy.make(get_settings().job_queues or discovery.queues()), Feed())
    app.state.offload = installed
    await installed.strategy.start()
    notifying.use(installed.strategy)
    try:
        async with _beside(installed):
            yield
    finally:  # also when the server cancels what it no longer waits for: at a second Ctrl-C
        installed.strategy.close()
        await installed.strategy.stop()
        notifying.use(None)
        del app.state.offload
        await get_async_engine().dispose()
        get_engine().dispose()


@asynccontextmanager
async def _beside(installed: Installed) -> AsyncIterator[None]:
    tasks = [
        asyncio.create_task(Janitor().run(), name="offload-janitor"),
        asyncio.create_task(installed.feed.run(), name="offload-feed"),
    ]

    def stop_early() -> None:
        installed.feed.stop()
        installed.strategy.close()

    try:
        async with sender.running(render):
            with on_stop_signal(stop_early):
                yield
            stop_early()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
