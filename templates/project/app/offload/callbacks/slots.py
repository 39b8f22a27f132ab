"""How many tries each receiver may have under way, so that those that hang delay nobody else.

A try holds its slot until it is answered, by a receiver that hangs for the whole timeout. So none
has many, those that were slow last time share a few, and those not heard of yet have one each and
leave some to those that were quick.
"""

from collections import Counter
from collections.abc import Iterable
from uuid import UUID

from ..settings import get_settings
from .retries import Due

AT_ONCE = 128  # sockets of this process, of 1024 that most systems allow
UNKNOWN_AT_ONCE = 96  # for the slow and the unknown together
SLOW_AT_ONCE = 16
SLOW_FACTOR = 0.2  # of the timeout: what takes longer is slow
REMEMBERED = 10_000  # receivers


class Slots:
    """The slots of one process."""

    def __init__(self) -> None:
        self._busy: Counter[str] = Counter()
        self._quick: dict[str, bool] = {}  # the last try of each receiver, the oldest first

    def choose(self, due: Iterable[Due]) -> list[UUID]:
        """The jobs whose callbacks may be tried now, of those that are due."""
        busy, chosen = self._busy.copy(), []
        held = Counter(self._quick.get(origin) for origin in busy.elements())
        for each in due:
            quick = self._quick.get(each.origin)
            most = 1 if quick is None else get_settings().callback_per_host
            if busy[each.origin] < most and _has_room(held, quick):
                busy[each.origin] += 1
                held[quick] += 1
                chosen.append(each.job_id)
        return chosen

    def begin(self, origin: str) -> None:
        """A try begins."""
        self._busy[origin] += 1

    def end(self, origin: str) -> None:
        """A try has ended."""
        self._busy[origin] -= 1
        if not self._busy[origin]:
            del self._busy[origin]

    def remember(self, origin: str, seconds: float) -> None:
        """The receiver took so long."""
        self._quick.pop(origin, None)
        self._quick[origin] = seconds < SLOW_FACTOR * get_settings().callback_timeout_seconds
        if len(self._quick) > REMEMBERED:
            del self._quick[next(iter(self._quick))]


def _has_room(held: Counter[bool | None], quick: bool | None) -> bool:
    """Whether one more try may begin, by how quick the receiver was; None: not known yet."""
    if quick is False and held[False] >= SLOW_AT_ONCE:
        return False
    if not quick and held[False] + held[None] >= UNKNOWN_AT_ONCE:
        return False
    return held.total() < AT_ONCE
