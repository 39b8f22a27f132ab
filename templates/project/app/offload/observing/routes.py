"""What Prometheus asks for, and, in development, the page: when the event loop stood still."""

import asyncio
from collections.abc import Iterable, Mapping

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from . import metrics
from .job_metrics import JobMetrics
from .loop_watch import Stall, recent_stalls


def metrics_router(queues: Mapping[str, str]) -> APIRouter:
    """GET /metrics; `queues` has the queue of each kind by the kind's name."""
    router = APIRouter(tags=["metrics"])
    job_metrics = JobMetrics(queues)

    @router.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def get_metrics() -> Response:
        """The metrics as text; those of the jobs are left out while the database is away."""
        text = await asyncio.to_thread(metrics.render, await job_metrics.get())
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    return router


def development_router() -> APIRouter:
    """GET /dev/stalls. In development only: it shows code."""
    router = APIRouter(prefix="/dev", tags=["development"])

    @router.get("/stalls")
    async def get_stalls() -> Iterable[Stall]:
        """The last times, the newest first, and what the loop's thread was doing."""
        return recent_stalls()

    return router
