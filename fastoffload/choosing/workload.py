"""The user's work, as far as it bears on the choice of a strategy."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from fastoffload.errors import UsageError

# What accepted jobs go on after, each level with those before it.
LEVELS: Mapping[str, str] = {
    "restart": "kill -9 of the server: jobs run again when it is back",
    "crash": "a job that crashes, or hangs in C: it takes no other job along, nor the API",
    "deploy": "the API is stopped or deployed anew: jobs go on meanwhile",
    "machine": "the loss of a machine: workers on the others run its jobs",
}
ROOM = 0.8  # of the cores or slots in use on average: more, and jobs queue for long

MOST = 1_000_000  # of seconds, jobs a minute or machines: nothing here is made for more


@dataclass(frozen=True, slots=True)
class Work:
    """Jobs of so many seconds, so many a minute; `cores` are those of a machine like this one."""

    seconds: float
    cpu: bool
    must_survive: str
    machines: int
    per_minute: float
    brokers_ok: bool
    cores: int

    def __post_init__(self) -> None:
        """Raises UsageError naming the option that makes no sense."""
        _check(f"--seconds {self.seconds:g}", "more than 0", 0 < self.seconds <= MOST)
        _check(f"--per-minute {self.per_minute:g}", "more than 0", 0 < self.per_minute <= MOST)
        _check(f"--machines {self.machines}", "1 or more", 1 <= self.machines <= MOST)
        if self.must_survive not in LEVELS:
            raise UsageError(f"--must-survive {self.must_survive}: give one of {', '.join(LEVELS)}")

    @property
    def per_second(self) -> float:
        """How many jobs come in a second."""
        return self.per_minute / 60

    @property
    def busy(self) -> float:
        """How many jobs run at a time, on average: cores for CPU work, slots for what waits."""
        return self.seconds * self.per_minute / 60

    @property
    def workers(self) -> int:
        """As many as leave some room."""
        return max(math.ceil(self.busy / ROOM), 1)

    @property
    def fits_one_machine(self) -> bool:
        """Whether the cores of one machine are enough."""
        return not self.cpu or self.busy <= ROOM * self.cores

    @property
    def spreads(self) -> bool:
        """Whether it runs on several machines."""
        return self.machines > 1 or not self.fits_one_machine

    @property
    def needs_a_queue(self) -> bool:
        """Whether it takes workers that live apart from the API."""
        return self.spreads or self.survives("deploy")

    @property
    def load_in_words(self) -> str:
        """The arithmetic of the load."""
        what = "cores" if self.cpu else "slots"
        text = (
            f"{self.seconds:.3g} s x {self.per_minute:g} a minute / 60 = {self.busy:.2g} {what}"
            f" busy on average: JOB_WORKERS={self.workers} in all leaves some room"
        )
        return f"{text} ({self.cores} cores on this machine)" if self.cpu else text

    def survives(self, level: str) -> bool:
        """Whether this level, or a higher one, is asked for."""
        levels = list(LEVELS)
        return levels.index(self.must_survive) >= levels.index(level)


def _check(given: str, wanted: str, holds: bool) -> None:
    if not holds:
        raise UsageError(f"{given}: give {wanted}, and {MOST} at most")
