"""Strategy: `loop.run_in_executor` on a supervised pool of processes.

Each report runs in a child process, off the GIL. A child that dies takes only its own report with
it, which is run again; a child whose report is cancelled or overdue is killed, C code or not.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from fastapi import FastAPI, Request

from app.children import default_workers
from app.in_process import INTERRUPT_SECONDS, InProcessJobs
from app.offloader import Submit
from app.pool import SupervisedPool
from app.settings import get_settings


class ProcessOffloader:
    """Runs as many reports at once as the pool has processes."""

    def __init__(self, workers: int) -> None:
        self._pool = SupervisedPool(workers)
        # One more than there are processes: the next report is at hand when one of them ends.
        self._jobs = InProcessJobs(self._pool.run_once, slots=workers + 1)

    async def start(self) -> None:
        """Start the processes."""
        await self._pool.start()

    async def submit(self, report_id: UUID) -> None:
        """Run a report in the pool."""
        self._jobs.start(report_id)

    async def check(self) -> dict[str, str | None]:
        """Whether the pool has processes to give work to."""
        return {"pool": self._pool.trouble}

    async def stop(self) -> None:
        """Let what runs end within the grace period, then interrupt it."""
        await self._jobs.drain(get_settings().shutdown_grace_seconds)
        await self._pool.stop()
        await self._jobs.settle(INTERRUPT_SECONDS)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[ProcessOffloader]:
    """Run reports until the server stops; one process per core unless JOB_WORKERS is set."""
    offloader = ProcessOffloader(get_settings().job_workers or default_workers())
    await offloader.start()
    yield offloader
    await offloader.stop()


async def submitter(request: Request) -> Submit:
    """Hands the report to the pool."""
    offloader: ProcessOffloader = request.app.state.offloader
    return offloader.submit
