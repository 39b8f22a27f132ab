"""Strategy: `loop.run_in_executor` on a pool of threads.

The threads share the GIL with the event loop: fine for work that waits or runs in C, slow for
everybody when it is pure Python. A thread cannot be killed: a job stuck in C ends on time in the
database, but its thread is busy until the call returns.
"""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from .running.slots import Slots
from .running.strategy import Strategy
from .running.threads import SWITCH_SECONDS, ThreadRunner
from .settings import get_settings


class ThreadStrategy(Strategy):
    """Runs jobs on a pool of their own: the default one stays free for `def` routes."""

    def __init__(self, queues: Sequence[str], workers: int) -> None:
        self._runner = ThreadRunner(queues, workers)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="job")
        self._slots = Slots(self._runner.look, self._threads, workers)

    async def start(self) -> None:
        """Begin to run jobs."""
        sys.setswitchinterval(SWITCH_SECONDS)
        self._slots.start()

    def notify(self, queue: str) -> None:
        """Wake a thread."""
        self._slots.wake()

    async def check(self) -> dict[str, str | None]:
        """Whether a thread is left to run jobs."""
        return {"threads": self._runner.trouble}

    def close(self) -> None:
        """Begin no job any more."""
        self._runner.close()

    async def stop(self) -> None:
        """Let what runs end within the grace period, then interrupt it."""
        await self._slots.stop()
        await self._runner.drain(get_settings().shutdown_grace_seconds)
        self._threads.shutdown(wait=False, cancel_futures=True)
        await self._runner.abandon()


def make(queues: Sequence[str]) -> Strategy:
    """The strategy; two jobs at a time unless JOB_WORKERS says otherwise."""
    return ThreadStrategy(queues, get_settings().job_workers or 2)
