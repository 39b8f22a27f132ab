"""The service: routes, lifespan, error handlers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import Depends, FastAPI

from app import janitor, offload
from app.api import datasets, health, problems, reports
from app.api.body_limit import BodyLimit
from app.api.dependencies import require_api_key
from app.database import get_async_engine, get_engine
from app.logs import configure_logging
from app.migrate import migrate
from app.settings import get_settings


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Bring the database up to date, then run the strategy and the janitor beside the routes."""
    settings = get_settings()
    configure_logging()
    if settings.migrate_on_start:
        await asyncio.to_thread(migrate)
    async with offload.lifespan(app) as offloader:
        app.state.offloader = offloader
        sweeping = asyncio.create_task(janitor.run(offloader.submit))
        yield
        sweeping.cancel()
        with suppress(asyncio.CancelledError):
            await sweeping
    await get_async_engine().dispose()
    get_engine().dispose()


def create_app() -> FastAPI:
    """The application; with an API_KEY its documentation is not served."""
    open_to_all = get_settings().api_key is None
    app = FastAPI(
        title="Reports",
        lifespan=lifespan,
        openapi_url="/openapi.json" if open_to_all else None,
    )
    problems.install(app)
    app.add_middleware(BodyLimit)
    app.include_router(health.router)
    for router in (datasets.router, reports.router):
        app.include_router(router, dependencies=[Depends(require_api_key)])
    return app


app = create_app()
