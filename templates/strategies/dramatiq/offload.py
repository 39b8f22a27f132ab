"""Strategy: Dramatiq.

The API publishes a report's id; a worker process of its own, here or on another machine, runs it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from fastapi import FastAPI, Request

from app.doorbell import Doorbell
from app.offloader import Submit
from app.worker import ping, run


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[Doorbell]:
    """Ring for reports until the server stops."""
    doorbell = Doorbell(_publish, ping)
    doorbell.start()
    yield doorbell
    await doorbell.stop()


async def submitter(request: Request) -> Submit:
    """Rings for the report."""
    doorbell: Doorbell = request.app.state.offloader
    return doorbell.submit


def _publish(report_id: UUID) -> None:
    run.send(str(report_id))
