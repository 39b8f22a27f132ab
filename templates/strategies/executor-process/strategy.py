"""Strategy: `loop.run_in_executor` with a supervised pool of processes behind it.

Each job runs in a child process, off the GIL. A child that dies takes only its own job with it,
which is run again; a child whose job is cancelled or overdue is killed, C code or not.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from .running.pool import SupervisedPool
from .running.slots import Slots
from .running.strategy import Strategy
from .settings import get_settings


class ProcessStrategy(Strategy):
    """Runs as many jobs at once as the pool has processes."""

    def __init__(self, queues: Sequence[str]) -> None:
        self._pool = SupervisedPool(queues)
        # Each waits for its child: one for each process, so that nothing is queued in here.
        self._threads = ThreadPoolExecutor(self._pool.workers, thread_name_prefix="child")
        self._slots = Slots(self._pool.look, self._threads, self._pool.workers)

    async def start(self) -> None:
        """Start the processes."""
        await asyncio.to_thread(self._pool.start)
        self._slots.start()

    def notify(self, queue: str) -> None:
        """Wake a child."""
        self._slots.wake()

    async def check(self) -> dict[str, str | None]:
        """Whether the pool has processes to give work to."""
        return {"pool": self._pool.trouble}

    def close(self) -> None:
        """Begin no job any more."""
        self._pool.close()

    async def stop(self) -> None:
        """Let what runs end within the grace period, then kill it and give it back."""
        await self._slots.stop()
        await asyncio.to_thread(self._pool.stop, get_settings().shutdown_grace_seconds)
        self._threads.shutdown(wait=False, cancel_futures=True)


def make(queues: Sequence[str]) -> Strategy:
    """The strategy; one process per core unless JOB_WORKERS says otherwise."""
    return ProcessStrategy(queues)
