"""The time there is: what no longer fits is left out, and said."""

import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from fastoffload import terminal
from fastoffload.errors import FastoffloadError

T = TypeVar("T")

SLACK = 1.05  # a step may take longer than its like did


class Clock:
    """Runs steps while there is time for them; how long a kind takes is learnt from the first."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._longest: dict[str, float] = {}
        self.left_out: list[str] = []

    def fit(self, kinds: Iterable[str], guess: float) -> bool:
        """Whether a step of each kind fits in; the guess counts until one was run."""
        needed = SLACK * sum(self._longest.get(kind, guess) for kind in kinds)
        return time.monotonic() + needed < self._end

    def run(
        self, kind: str, guess: float, name: str, step: Callable[[], T], *, anyway: bool = False
    ) -> T | None:
        """What the step returns; None when there is no time for it, or when it fails.

        One that is to be run `anyway` is not asked for its time.
        """
        if not (anyway or self.fit([kind], guess)):
            self.left_out.append(name)
            return None
        start = time.monotonic()
        try:
            with terminal.progress(name):
                found = step()
        except FastoffloadError as error:  # what is known by then is worth more than nothing
            self.left_out.append(f"{name}: {error}")
            return None
        taken = time.monotonic() - start
        self._longest[kind] = max(taken, self._longest.get(kind, 0))
        return found
