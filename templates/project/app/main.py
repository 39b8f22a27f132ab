"""The service: the page, the kinds of jobs in app/jobs, and your own routes."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from app import offload, security
from app.database import migrate
from app.offload.http import problems
from app.offload.settings import get_settings as get_engine_settings
from app.settings import get_settings
from app.web import routes as web


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Bring the tables up to date before any job runs."""
    if get_engine_settings().migrate_on_start:
        await asyncio.to_thread(migrate)
    gc.freeze()  # else each full collection would walk through all that is imported, on the loop
    yield


def create_app() -> FastAPI:
    """The application. With an API_KEY, nothing that shows its insides is served."""
    secret = get_settings().api_key
    key = secret.get_secret_value() if secret else None
    app = FastAPI(
        title="Jobs",
        lifespan=lifespan,
        openapi_url=None if key else "/openapi.json",
        docs_url=None,  # the page brings its own
        redoc_url=None,
        telemetry={"metrics": False, "logs": False},  # Prometheus and the log have them
    )
    problems.for_whole_app(app)
    web.install(app)
    offload.install(app)
    security.install(app, key)
    offload.observe(app, shows_code=key is None)  # last, so that it sees the refusals too
    return app


app = create_app()
