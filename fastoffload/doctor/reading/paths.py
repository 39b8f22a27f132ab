"""The ways from what the loop runs to what blocks it."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from fastoffload.doctor.reading.entries import Entry
from fastoffload.doctor.reading.resolving.values import Function
from fastoffload.doctor.reading.steps import Block
from fastoffload.doctor.reading.walker import Walker
from fastoffload.doctor.reading.wrappers import is_once

# Functions that one entry may reach; beyond it the rest is counted as not followed.
MOST_FUNCTIONS = 4000


@dataclass(frozen=True, slots=True)
class Blocked:
    """An entry that comes to a block, and the functions on the shortest way."""

    entry: Entry
    trail: tuple[Function, ...]
    block: Block


class Paths:
    """Follows entries; what they start beside themselves becomes an entry, too."""

    def __init__(self, walker: Walker, entries: list[Entry]) -> None:
        self._walker = walker
        self._waiting = deque(entries)
        self._known = {(entry.function.node, entry.kind) for entry in entries}
        self.followed: list[Entry] = []
        self.cut: list[str] = []

    def all(self) -> Iterator[Blocked]:
        """Every block that an entry comes to, once for each entry."""
        while self._waiting:
            entry = self._waiting.popleft()
            self.followed.append(entry)
            yield from self._from(entry)

    def _from(self, entry: Entry) -> Iterator[Blocked]:
        came: dict[Function, Function | None] = {entry.function: None}
        waiting = deque([entry.function])
        while waiting:
            function = waiting.popleft()
            steps = self._walker.steps(function)
            for block in steps.blocks:
                yield Blocked(entry, _trail(function, came), block)
            for spawned in steps.spawned:
                self._add(Entry("background", f"background task {spawned.name}", spawned))
            for called in self._next(steps.calls, came, entry):
                came[called] = function
                waiting.append(called)

    def _next(
        self, calls: list[Function], came: dict[Function, Function | None], entry: Entry
    ) -> Iterator[Function]:
        """The called functions that are followed from here."""
        for called in calls:
            if called in came:
                continue
            if is_once(called):
                self._add(Entry("startup", f"first call of {called.name}", called))
            elif len(came) < MOST_FUNCTIONS:
                yield called
            elif entry.name not in self.cut:
                self.cut.append(entry.name)

    def _add(self, entry: Entry) -> None:
        key = (entry.function.node, entry.kind)
        if key not in self._known:
            self._known.add(key)
            self._waiting.append(entry)


def _trail(function: Function, came: dict[Function, Function | None]) -> tuple[Function, ...]:
    trail = [function]
    while (before := came[trail[-1]]) is not None:
        trail.append(before)
    return tuple(reversed(trail))
