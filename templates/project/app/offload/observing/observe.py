"""Lets a service be seen: logs, request ids, metrics, traces, and a watch over its event loop."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.params import Depends

from .. import discovery
from . import logs, tracing
from .loop_watch import LoopWatch
from .requests import Observed
from .routes import development_router, metrics_router


def observe(
    app: FastAPI, *, dependencies: Sequence[Depends] = (), shows_code: bool = False
) -> None:
    """Add all of it to an application, with GET /metrics behind the dependencies.

    GET /dev/stalls, which shows code, is there only if `shows_code`.
    """
    logs.configure()  # now: the server's first lines come before the lifespan begins
    app.add_middleware(Observed)
    queues = {name: kind.queue for name, kind in discovery.kinds().items()}
    app.include_router(metrics_router(queues), dependencies=list(dependencies))
    if shows_code:
        app.include_router(development_router(), dependencies=list(dependencies))
    theirs = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Any]:
        tracing.configure()
        watch = LoopWatch()
        await watch.start()
        async with theirs(app) as state:
            yield state
        watch.stop()
        await asyncio.to_thread(tracing.flush)

    app.router.lifespan_context = lifespan
