"""Puts what can be seen into an application: logs, request ids, metrics, traces, the loop watch."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from .. import discovery
from ..http import mounting
from . import logs, tracing
from .loop_watch import LoopWatch
from .requests import Observed
from .routes import development_router, metrics_router


def observe(app: FastAPI, *, shows_code: bool = False, prefix: str = "") -> None:
    """Make this process's logs the engine's, and measure and trace what the application does.

    To be called last, when the application is made: what is added later is not seen, and what the
    server logs before is not in the logs' format. Adds GET /metrics, and where it `shows_code`,
    which is for development, GET /dev/stalls; `prefix` stands before both. Raises CannotInstall
    when the application has the first one already.
    """
    logs.configure()
    app.add_middleware(Observed)
    routers = [metrics_router({kind.name: kind.queue for kind in discovery.kinds().values()})]
    if shows_code:
        routers.append(development_router())
    mounting.add(app, routers, [("GET", "/metrics")], prefix)
    _wrap_lifespan(app)


def _wrap_lifespan(app: FastAPI) -> None:
    theirs = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Any]:
        tracing.configure()
        watch = LoopWatch()
        await watch.start()
        try:
            async with theirs(app) as state:
                yield state
        finally:
            watch.stop()
            await asyncio.to_thread(tracing.flush)

    app.router.lifespan_context = lifespan
