"""Strategy: Starlette's BackgroundTasks.

A report runs on a thread of this process after the answer is sent. The threads share the GIL with
the event loop: fine for work that waits or runs in C, slow for everybody when it is pure Python.
"""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from fastapi import BackgroundTasks, FastAPI, Request

from app import threads
from app.in_process import INTERRUPT_SECONDS, InProcessJobs
from app.offloader import Submit
from app.pipeline import run_report
from app.settings import get_settings


class BackgroundOffloader:
    """Runs reports on threads of their own: the default ones stay free for `def` routes."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._limiter = CapacityLimiter(workers)
        self._stopping = threading.Event()
        self._jobs = InProcessJobs(self._run_once, slots=workers)

    async def submit(self, report_id: UUID) -> None:
        """Run a report that no request waits with: the janitor's way in."""
        self._jobs.start(report_id)

    async def run(self, report_id: UUID) -> None:
        """Run a report to its end. A cancelled request gives up waiting, not the report."""
        await asyncio.shield(self._jobs.start(report_id))

    async def check(self) -> dict[str, str | None]:
        """Whether a thread is left to run reports."""
        return {"threads": threads.trouble(self._jobs.runs, self._workers)}

    async def stop(self) -> None:
        """Interrupt what runs; Uvicorn has waited for the background tasks of requests already."""
        self._stopping.set()
        await self._jobs.drain(INTERRUPT_SECONDS)
        await threads.abandon(self._jobs.runs)

    async def _run_once(self, report_id: UUID, token: str) -> bool:
        return await to_thread.run_sync(
            run_report, report_id, token, self._stopping.is_set, limiter=self._limiter
        )


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[BackgroundOffloader]:
    """Run reports until the server stops; two at a time unless JOB_WORKERS says otherwise."""
    sys.setswitchinterval(threads.SWITCH_SECONDS)
    offloader = BackgroundOffloader(get_settings().job_workers or 2)
    yield offloader
    await offloader.stop()


async def submitter(request: Request, background: BackgroundTasks) -> Submit:
    """Adds the report to the background tasks of the request."""
    offloader: BackgroundOffloader = request.app.state.offloader

    async def submit(report_id: UUID) -> None:
        background.add_task(offloader.run, report_id)

    return submit
