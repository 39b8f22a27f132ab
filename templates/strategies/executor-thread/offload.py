"""Strategy: `loop.run_in_executor` on a pool of threads.

The threads share the GIL with the event loop: fine for work that waits or runs in C, slow for
everybody when it is pure Python. A thread cannot be killed: a report stuck in C ends on time in the
database, but its thread is busy until the call returns.
"""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from uuid import UUID

from fastapi import FastAPI, Request

from app import threads
from app.in_process import INTERRUPT_SECONDS, InProcessJobs
from app.offloader import Submit
from app.pipeline import run_report
from app.settings import get_settings


class ThreadOffloader:
    """Runs reports on a pool of their own: the default one stays free for `def` routes."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="report")
        self._stopping = threading.Event()
        self._jobs = InProcessJobs(self._run_once, slots=workers)

    async def submit(self, report_id: UUID) -> None:
        """Run a report in the pool."""
        self._jobs.start(report_id)

    async def check(self) -> dict[str, str | None]:
        """Whether a thread is left to run reports."""
        return {"threads": threads.trouble(self._jobs.runs, self._workers)}

    async def stop(self) -> None:
        """Let what runs end within the grace period, then interrupt it."""
        await self._jobs.drain(get_settings().shutdown_grace_seconds)
        self._stopping.set()
        await self._jobs.settle(INTERRUPT_SECONDS)
        self._pool.shutdown(wait=False, cancel_futures=True)
        await threads.abandon(self._jobs.runs)

    async def _run_once(self, report_id: UUID, token: str) -> bool:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._pool, run_report, report_id, token, self._stopping.is_set
        )


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[ThreadOffloader]:
    """Run reports until the server stops; two at a time unless JOB_WORKERS says otherwise."""
    sys.setswitchinterval(threads.SWITCH_SECONDS)
    offloader = ThreadOffloader(get_settings().job_workers or 2)
    yield offloader
    await offloader.stop()


async def submitter(request: Request) -> Submit:
    """Hands the report to the pool."""
    offloader: ThreadOffloader = request.app.state.offloader
    return offloader.submit
