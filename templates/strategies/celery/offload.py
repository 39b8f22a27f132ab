"""Strategy: Celery.

The API publishes a report's id; a worker process of its own, here or on another machine, runs it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from fastapi import FastAPI, Request

from app.broker import CONNECT_SECONDS
from app.doorbell import Doorbell
from app.offloader import Submit
from app.worker import app as celery
from app.worker import run


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[Doorbell]:
    """Ring for reports until the server stops."""
    doorbell = Doorbell(_publish, _ping)
    doorbell.start()
    yield doorbell
    await doorbell.stop()


async def submitter(request: Request) -> Submit:
    """Rings for the report."""
    doorbell: Doorbell = request.app.state.offloader
    return doorbell.submit


def _publish(report_id: UUID) -> None:
    options: dict[str, Any] = {
        "argsrepr": str(report_id)[:8],  # what monitors show travels too: a part will do
        "timeout": CONNECT_SECONDS,
        "confirm_timeout": CONNECT_SECONDS,  # for RabbitMQ's word that it has the message
    }
    run.apply_async((str(report_id),), **options)


def _ping() -> None:
    with celery.connection_for_write() as connection:
        connection.connect()
