"""Strategy: Starlette's BackgroundTasks.

A job runs on a thread of this process after its request is answered. The threads share the GIL with
the event loop: fine for work that waits or runs in C, slow for everybody when it is pure Python.
"""

import asyncio
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from starlette.background import BackgroundTasks

from .running.slots import Slots
from .running.strategy import Strategy
from .running.threads import SWITCH_SECONDS, ThreadRunner
from .settings import get_settings


class BackgroundStrategy(Strategy):
    """Runs jobs on threads of their own: the default ones stay free for `def` routes."""

    def __init__(self, queues: Sequence[str], workers: int) -> None:
        self._runner = ThreadRunner(queues, workers)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="job")
        # For what no request waits with: retries, delayed jobs, those of a process that died.
        self._slots = Slots(self._runner.look, self._threads, workers)
        self._is_over = asyncio.Event()  # the grace period of a stop

    async def start(self) -> None:
        """Begin to run jobs."""
        sys.setswitchinterval(SWITCH_SECONDS)
        self._slots.start()

    def notify(self, queue: str) -> None:
        """Wake a thread."""
        self._slots.wake()

    def submitted(self, background: BackgroundTasks, queue: str) -> None:
        """Have the request's background tasks run what waits."""
        background.add_task(self._run)

    async def check(self) -> dict[str, str | None]:
        """Whether a thread is left to run jobs."""
        return {"threads": self._runner.trouble}

    def close(self) -> None:
        """Begin no job any more, and soon wait for none: Uvicorn waits for us, without a limit."""
        self._runner.close()
        grace_seconds = get_settings().shutdown_grace_seconds
        asyncio.get_running_loop().call_later(grace_seconds, self._is_over.set)

    async def stop(self) -> None:
        """Interrupt what runs; Uvicorn has waited for the background tasks of requests already."""
        await self._slots.stop()
        await self._runner.drain(0)
        self._threads.shutdown(wait=False, cancel_futures=True)
        await self._runner.abandon()

    async def _run(self) -> None:
        # Uvicorn cancels what outlasts its patience at a stop: that ends the waiting, not the job.
        with suppress(asyncio.CancelledError):
            while await self._look():
                pass

    async def _look(self) -> bool:
        """Whether more may wait; False, with the job going on, when a stop's patience is over."""
        look = asyncio.get_running_loop().run_in_executor(self._threads, self._runner.look)
        is_over = asyncio.ensure_future(self._is_over.wait())
        either: set[asyncio.Future[Any]] = {look, is_over}
        done, _ = await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        is_over.cancel()
        return look in done and look.result()


def make(queues: Sequence[str]) -> Strategy:
    """The strategy; two jobs at a time unless JOB_WORKERS says otherwise."""
    return BackgroundStrategy(queues, get_settings().job_workers or 2)
