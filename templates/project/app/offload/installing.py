"""Puts the engine into an application: its routes, and what runs beside them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

from fastapi import FastAPI
from fastapi.params import Depends
from sqlalchemy import URL

from . import discovery, notifying, strategy
from .callbacks import sender
from .database import application
from .database.application import Bound
from .database.engines import dispose_async_engine, get_engine, use_database
from .database.migrate import migrate
from .errors import CannotInstall
from .http import guards, mounting
from .http.feed import Feed
from .http.routers import paths, routers, routers_of_kinds
from .http.schemas import render
from .running.janitor import Janitor
from .running.strategy import Strategy
from .settings import get_settings
from .shutdown import no_second_stop, on_stop_signal


@dataclass
class Installed:
    """What runs beside the routes; `app.state.offload` while the application's lifespan lasts."""

    strategy: Strategy
    feed: Feed

    def close(self) -> None:
        """Begin no further job, and end open streams, for which the server would wait."""
        self.feed.stop()
        self.strategy.close()


_has_it: WeakSet[FastAPI] = WeakSet()


def install(
    app: FastAPI,
    *,
    engine: Bound | None = None,
    dependencies: Sequence[Depends] = (),
    prefix: str = "",
) -> None:
    """Add the routes of all kinds, and run their jobs while the application's lifespan lasts.

    The lifespan, the handlers and the routes that the application has stay as they are. To be
    called when it has its routes: what would answer in the place of one of ours is refused.

    `engine` is the application's, asynchronous or not, or a sessionmaker that is bound to it: jobs
    are kept in the same database, so that they can be added in the application's transactions. Its
    connections are not touched: the engine has some of its own, under the URL of this one, and so
    have the processes that it starts. Where DATABASE_URL is set, that says how to reach the
    database (and what workers go by, which are started apart), and must name the same one. What is
    not in the URL, such as `connect_args`, can be told by DATABASE_URL only.

    The dependencies, such as the one that knows who calls, guard every route but those of /health.
    `prefix` stands before the path of every route, where one of them is the application's already.

    Raises CannotInstall, and MistakeInKind when something below `jobs/` is not as it must be.
    """
    if app in _has_it:
        raise CannotInstall(
            "offload.install(app) was called twice for one application; once will do"
        )
    guards.check(dependencies, prefix)
    shared = application.url_of(engine) if engine is not None else None
    _use(shared)
    kinds = discovery.kinds()
    added = routers(kinds, dependencies, routers_of_kinds())
    mounting.add(app, added, paths(kinds), prefix)
    _wrap_lifespan(app, shared)
    _has_it.add(app)
    notifying.mark_installed(app.title)


def _use(shared: URL | None) -> None:
    use_database(shared)
    if shared is not None:
        application.check_is(shared, get_settings())


def _wrap_lifespan(app: FastAPI, shared: URL | None) -> None:
    theirs = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Any]:
        async with theirs(app) as state, _running(app, shared):
            yield state

    app.router.lifespan_context = lifespan


@asynccontextmanager
async def _running(app: FastAPI, shared: URL | None) -> AsyncIterator[None]:
    _use(shared)  # another application of this process may have been made since
    made = strategy.make(get_settings().job_queues or discovery.queues())
    if shared is not None and made.runs_elsewhere:
        application.check_is_named(shared)
    if get_settings().migrate_on_start:
        await asyncio.to_thread(migrate)
    installed = Installed(made, Feed())
    app.state.offload = installed
    await installed.strategy.start()
    notifying.use(installed.strategy)
    try:
        async with _until_stopped(installed), _beside(installed):
            yield
    finally:
        notifying.use(None)
        del app.state.offload
        await dispose_async_engine()
        get_engine().dispose()


@asynccontextmanager
async def _until_stopped(installed: Installed) -> AsyncIterator[None]:
    with on_stop_signal(installed.close):
        try:
            yield
        finally:  # also when the server cancels what it no longer waits for: at a second Ctrl-C
            installed.close()
            with no_second_stop():
                await installed.strategy.stop()


@asynccontextmanager
async def _beside(installed: Installed) -> AsyncIterator[None]:
    tasks = [
        asyncio.create_task(Janitor().run(), name="offload-janitor"),
        asyncio.create_task(installed.feed.run(), name="offload-feed"),
    ]
    try:
        async with sender.running(render):
            yield
            installed.close()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
