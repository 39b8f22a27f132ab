"""The jobs that this process runs itself: each once, a few at a time, none lost at shutdown."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, wait_exponential_jitter

from app.errors import TransientError
from app.pipeline import new_token
from app.settings import get_settings

log = structlog.get_logger()

INTERRUPT_SECONDS = 0.8  # for running reports to notice, after the grace period, that it is over

RunOnce = Callable[[UUID, str], Awaitable[None]]
"""Runs a report once, under a lease token. Raises TransientError when it is to be run again."""


class InProcessJobs:
    """Takes reports on, up to `slots` running at once; the others wait their turn here."""

    def __init__(self, run_once: RunOnce, slots: int) -> None:
        self._run_once = run_once
        self._slots = asyncio.Semaphore(slots)
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._running: set[UUID] = set()
        self._closing = False

    def start(self, report_id: UUID) -> asyncio.Task[None]:
        """The task that runs a report through all its tries; the same one while it is here."""
        if report_id not in self._tasks:
            task = asyncio.create_task(self._run(report_id), name=f"report-{report_id}")
            self._tasks[report_id] = task
            task.add_done_callback(lambda _: self._tasks.pop(report_id))
        return self._tasks[report_id]

    async def drain(self, seconds: float) -> None:
        """Let running reports end for so long; those that wait stay queued in the database."""
        self._closing = True
        for report_id, task in self._tasks.items():
            if report_id not in self._running:
                task.cancel()
        await self.settle(seconds)

    async def settle(self, seconds: float) -> None:
        """Wait until nothing runs here any more, for so long at the most."""
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=seconds)

    async def _run(self, report_id: UUID) -> None:
        settings = get_settings()
        again = AsyncRetrying(
            retry=retry_if_exception_type(TransientError),
            wait=wait_exponential_jitter(
                multiplier=settings.retry_seconds,
                max=settings.retry_max_seconds,
                jitter=settings.retry_seconds,
            ),
        )  # no limit here: the row counts its attempts
        try:
            await again(self._run_in_slot, report_id)
        except Exception:
            log.exception("run_not_accounted_for", report_id=str(report_id))

    async def _run_in_slot(self, report_id: UUID) -> None:
        async with self._slots:
            if self._closing:
                return
            self._running.add(report_id)
            try:
                await self._run_once(report_id, new_token())
            finally:
                self._running.discard(report_id)
