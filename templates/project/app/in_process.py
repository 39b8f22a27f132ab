"""The jobs that this process runs itself: a few at a time, none lost at shutdown."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_result, wait_exponential_jitter

from app.pipeline import new_token
from app.settings import get_settings

log = structlog.get_logger()

INTERRUPT_SECONDS = 0.8  # for running reports to notice, after the grace period, that it is over

RunOnce = Callable[[UUID, str], Awaitable[bool]]
"""Runs a report once, under a lease token. True when it should be run again after a while."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run that is under way: its lease token, and when it began on the monotonic clock."""

    token: str = field(default_factory=new_token)
    begun: float = field(default_factory=time.monotonic)


class InProcessJobs:
    """Takes reports on, up to `slots` running at once; the others wait their turn here."""

    def __init__(self, run_once: RunOnce, slots: int) -> None:
        self._run_once = run_once
        self._slots = asyncio.Semaphore(slots)
        self._waiting: dict[UUID, asyncio.Task[None]] = {}  # for their first run
        self._running: dict[asyncio.Task[None] | None, Run] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    def start(self, report_id: UUID) -> asyncio.Task[None]:
        """The task that runs a report through all its tries; the same one while it waits.

        A report that runs here is taken on once more: whether it is to be run is for the claim to
        say, and who rings for it may know of a run that has lost its lease.
        """
        if report_id not in self._waiting:
            task = asyncio.create_task(self._run(report_id), name=f"report-{report_id}")
            self._waiting[report_id] = task
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return self._waiting[report_id]

    @property
    def runs(self) -> Collection[Run]:
        """What runs at present."""
        return self._running.values()

    async def drain(self, seconds: float) -> None:
        """Let running reports end for so long; those that wait stay queued in the database."""
        self._closing = True
        for task in self._tasks - self._running.keys():
            task.cancel()
        await self.settle(seconds)

    async def settle(self, seconds: float) -> None:
        """Wait until nothing runs here any more, for so long at the most."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    async def _run(self, report_id: UUID) -> None:
        settings = get_settings()
        again = AsyncRetrying(
            retry=retry_if_result(bool),
            wait=wait_exponential_jitter(
                multiplier=settings.retry_seconds,
                max=settings.retry_max_seconds,
                jitter=settings.retry_seconds,
            ),
            stop=self._is_closing,  # and at no number of tries: the row counts them
            retry_error_callback=lambda _: None,
        )
        try:
            await again(self._run_in_slot, report_id)
        except Exception:
            log.exception("run_not_accounted_for", report_id=str(report_id))
        finally:
            self._no_longer_waits(report_id)

    def _is_closing(self, _: RetryCallState) -> bool:
        return self._closing

    async def _run_in_slot(self, report_id: UUID) -> bool:
        task = asyncio.current_task()
        async with self._slots:
            if self._closing:
                return False
            self._no_longer_waits(report_id)
            self._running[task] = run = Run()
            try:
                return await self._run_once(report_id, run.token)
            finally:
                del self._running[task]

    def _no_longer_waits(self, report_id: UUID) -> None:
        if self._waiting.get(report_id) is asyncio.current_task():
            del self._waiting[report_id]
