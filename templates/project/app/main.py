"""The service: routes, lifespan, error handlers."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI

from app import callback_sender, janitor, offload, tracing
from app.api import datasets, events, health, loop, metrics, page, problems, reports
from app.api.body_limit import BodyLimit
from app.api.dependencies import require_api_key
from app.api.observed import Observed
from app.api.own_host import OwnHost
from app.database import get_async_engine, get_engine
from app.logs import configure_logging
from app.loop_watch import LoopWatch
from app.migrate import migrate
from app.settings import get_settings
from app.shutdown import on_stop_signal
from app.watch import Watcher


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Bring the database up to date, then run the strategy and the janitor beside the routes."""
    settings = get_settings()
    configure_logging()
    tracing.configure()
    if settings.migrate_on_start:
        await asyncio.to_thread(migrate)
    app.state.loop_watch = loop_watch = LoopWatch()
    await loop_watch.start()
    app.state.watcher = watcher = Watcher()
    async with (
        offload.lifespan(app) as offloader,
        callback_sender.running(),
        _beside(janitor.run(offloader.submit), watcher.run()),
    ):
        app.state.offloader = offloader
        with on_stop_signal(watcher.stop):
            yield
    loop_watch.stop()
    await get_async_engine().dispose()
    get_engine().dispose()
    await asyncio.to_thread(tracing.flush)


@asynccontextmanager
async def _beside(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(work) for work in works]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def create_app() -> FastAPI:
    """The application; with an API_KEY any host name will do, and no documentation is served."""
    open_to_all = get_settings().api_key is None
    app = FastAPI(
        title="Reports",
        lifespan=lifespan,
        responses=problems.answers(421) if open_to_all else None,
        openapi_url="/openapi.json" if open_to_all else None,
        telemetry={"metrics": False, "logs": False},  # Prometheus and the log have them
    )
    problems.install(app)
    app.add_middleware(BodyLimit)
    if open_to_all:
        app.add_middleware(OwnHost)
    app.add_middleware(Observed)  # the last is the outermost
    app.include_router(health.router)
    app.include_router(page.router)
    app.mount("/web", page.files)
    app.include_router(events.sockets)
    for router in (datasets.router, events.router, metrics.router, reports.router):
        app.include_router(
            router, dependencies=[Depends(require_api_key)], responses=problems.answers(401)
        )
    if open_to_all:
        app.include_router(loop.router)
    return app


app = create_app()
