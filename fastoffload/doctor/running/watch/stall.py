"""A time for which something held a loop."""

from __future__ import annotations

from dataclasses import dataclass

from .stack import Scope


@dataclass(frozen=True)
class Stall:
    """A time for which something held a loop."""

    seconds: float
    entry: str
    kind: str
    route: str
    """Of the request that it was; empty when it was none's."""
    call: str
    wrapped: str
    """What to give to a thread or a process in its place."""
    how: str
    """`waits`, `files`, `computes` (Python code), `in C` (computes, and gave up the GIL) or
    `in C, with the GIL`."""
    file: str
    """Relative to the root; empty when no line of the user's own code is near."""
    line: int
    chain: tuple[str, ...]
    awaits: bool
    """False: the entry's function awaits nothing, so that FastAPI could run it as a plain `def`."""
    at: float
    """A moment of it, on the monotonic clock."""
    scope: Scope | None

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.file else "no line of yours"
        by = f" by {self.entry}" if self.entry not in ("", self.route) else ""
        blocked = f"{self.route or 'the event loop'} blocked for {self.seconds:.2f} s{by}"
        return f"{blocked}: {self.call} at {where} ({self.how})"
