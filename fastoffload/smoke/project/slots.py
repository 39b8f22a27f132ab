"""As many stages at once as there are jobs; the one with the most before it goes first."""

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Slots:
    """A semaphore with priorities."""

    def __init__(self, number: int) -> None:
        self._free = number
        self._numbers = itertools.count()
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def one(self, priority: float) -> AsyncIterator[None]:
        """Holds a slot; of those that wait, the highest priority is served first."""
        await self._acquire(priority)
        try:
            yield
        finally:
            self._free += 1
            self._hand_out()

    @property
    def unwanted(self) -> int:
        """How many slots nobody waits for."""
        return self._free

    async def _acquire(self, priority: float) -> None:
        granted = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (-priority, next(self._numbers), granted))
        self._hand_out()
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self._free += 1
            self._hand_out()
            raise

    def _hand_out(self) -> None:
        while self._free and self._waiting:
            granted = heapq.heappop(self._waiting)[2]
            if not granted.done():
                granted.set_result(None)
                self._free -= 1
