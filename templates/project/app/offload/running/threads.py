"""Runs jobs on threads of this process.

They share the GIL with the event loop: fine for work that waits or runs in C. A thread cannot be
killed: work that hangs ends on time in the database, but keeps its thread, and the interpreter.
"""

import asyncio
import os
import threading
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from itertools import count

import structlog
from anyio import CapacityLimiter, to_thread

from ..database.engines import transact
from ..errors import Interrupted, LeaseLost, RunStopped
from .children import worker_name
from .runner import Workplace, account, look
from .signals import RunSignal
from .watcher import Watcher

log = structlog.get_logger()

# A thread that computes gives the GIL to the event loop after so long. By default it is five times
# that, and each read and write of a request waits for it anew.
SWITCH_SECONDS = 0.001
INTERRUPT_SECONDS = 0.8  # for running jobs to notice, after the grace period, that it is over
LOOK_SECONDS = 0.02
ABANDON_SECONDS = 0.8  # to give back the jobs of threads that hang, and to say goodbye


class ThreadRunner:
    """Looks for work on whatever thread asks it to."""

    def __init__(self, queues: Sequence[str], workers: int) -> None:
        self.workers = workers
        self._prefix, self._numbers = uuid.uuid4().hex[:12], count()
        self._closing, self._stopping = threading.Event(), threading.Event()
        self._watcher = Watcher(self._give_up, f"{self._prefix}.")
        self._place = Workplace(
            queues=queues,
            worker=worker_name(),
            watcher=self._watcher,
            is_closing=self._closing.is_set,
            is_stopping=self._stopping.is_set,
        )

    @property
    def trouble(self) -> str | None:
        """What is wrong when no thread is left that could run a job, or None."""
        hang = len(self._watcher.unheeded) >= self.workers
        return f"all {self.workers} threads hang in jobs that were ended" if hang else None

    def look(self) -> bool:
        """Claim and run jobs until nothing waits, or for a second. True when more may wait."""
        return look(f"{self._prefix}.{next(self._numbers)}.", self._place)

    def close(self) -> None:
        """Claim no job any more."""
        self._closing.set()

    async def drain(self, grace_seconds: float) -> None:
        """Let what runs end for so long; then have it end where it calls `progress`."""
        self.close()
        await self._until_idle(grace_seconds)
        self._stopping.set()
        await self._until_idle(INTERRUPT_SECONDS)

    async def abandon(self) -> None:
        """Give back the jobs of threads that hang, and end the process: they would hold it up."""
        if not self._watcher.running:
            return
        log.warning("threads_abandoned", number=len(self._watcher.running))
        threading.Thread(target=_exit_soon, daemon=True).start()
        limiter = CapacityLimiter(1)  # the default threads may all be busy
        function, *args = account(Interrupted)
        for token in self._watcher.running - self._watcher.unheeded:
            with suppress(LeaseLost):  # its job has been ended
                await to_thread.run_sync(transact, function, token, *args, limiter=limiter)

    async def _until_idle(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while self._watcher.running and time.monotonic() < end:  # noqa: ASYNC110 (threads)
            await asyncio.sleep(LOOK_SECONDS)

    def _give_up(self, signal: RunSignal, reason: type[RunStopped]) -> None:
        if reason in (LeaseLost, Interrupted):
            return  # there is nothing to write, or `abandon` does
        function, *args = account(reason)
        with suppress(LeaseLost):
            transact(function, signal.token, *args)


def _exit_soon() -> None:
    time.sleep(ABANDON_SECONDS)
    os._exit(1)
