"""What Prometheus asks for, and, in development, the page: when the event loop stood still."""

import asyncio
from collections.abc import Iterable, Mapping

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.core import Metric

from ..http import app_state, routing
from ..running.strategy import OK
from . import metrics
from .job_metrics import JobMetrics
from .loop_watch import Stall, recent_stalls


def metrics_router(queues: Mapping[str, str]) -> APIRouter:
    """GET /metrics; `queues` has the queue of each kind by the kind's name."""
    router = APIRouter(tags=["metrics"], route_class=routing.Route)
    job_metrics = JobMetrics(queues)

    async def get_metrics(request: Request) -> Response:
        """The metrics as text; those of the jobs are left out while the database is away."""
        found = [*await job_metrics.get(), *await _of_parts(request)]
        text = await asyncio.to_thread(metrics.render, found)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    routing.get(
        router,
        "/metrics",
        get_metrics,
        operation_id="get_metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    return router


async def _of_parts(request: Request) -> Iterable[Metric]:
    found = app_state.find(request)
    if found is None:
        return ()
    checks, state = await asyncio.gather(found.strategy.check(), found.strategy.state())
    well = {part: trouble is None for part, trouble in checks.items()}
    return (metrics.of_parts(well | {part: how == OK for part, how in state.items()}),)


def development_router() -> APIRouter:
    """GET /dev/stalls. In development only: it shows code."""
    router = APIRouter(prefix="/dev", tags=["development"])

    @router.get("/stalls", operation_id="get_stalls")
    async def get_stalls() -> Iterable[Stall]:
        """The last times, the newest first, and what the loop's thread was doing."""
        return recent_stalls()

    return router
