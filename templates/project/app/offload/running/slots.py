"""The slots in which the event loop has jobs run, as many at once as there are workers."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

import structlog

log = structlog.get_logger()


class Slots:
    """Each waits to be woken, then has `look` called in the executor until nothing waits."""

    def __init__(self, look: Callable[[], bool], executor: Executor, number: int) -> None:
        self._look, self._executor, self._number = look, executor, number
        # A wake-up for each slot is enough: one that finds work goes on by itself.
        self._wakes: asyncio.Queue[None] = asyncio.Queue(number)

    def start(self) -> None:
        """Begin to wait; to be called on the event loop."""
        self._loop = asyncio.get_running_loop()
        self._tasks = [asyncio.create_task(self._serve()) for _ in range(self._number)]

    def wake(self) -> None:
        """Have one slot look. From any thread."""
        try:
            self._loop.call_soon_threadsafe(self._wake)
        except RuntimeError:  # the loop has ended: the next process looks
            log.debug("not_woken")

    async def stop(self) -> None:
        """Take no wake-up any more. What runs goes on in the executor."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    def _wake(self) -> None:
        if not self._wakes.full():
            self._wakes.put_nowait(None)

    async def _serve(self) -> None:
        while True:
            await self._wakes.get()
            try:
                while await self._loop.run_in_executor(self._executor, self._look):
                    pass
            except Exception:
                log.exception("look_failed")
