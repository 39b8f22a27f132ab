"""The user's work, as far as it bears on the choice of a strategy."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from fastoffload.errors import UsageError, unknown

# What a job does most of its time.
KINDS: Mapping[str, str] = {
    "python": "it computes in Python",
    "native": "it computes in a library: NumPy, pandas, Pillow, scikit-learn",
    "program": "it starts another program: ffmpeg, a browser, LibreOffice",
    "gpu": "it computes on a GPU",
    "wait": "it waits, for networks and files",
}
# What accepted jobs go on after, each level with those before it.
LEVELS: Mapping[str, str] = {
    "restart": "kill -9 of the server: jobs run again when it is back",
    "crash": "a job that crashes, or hangs in C: it takes no other job along, nor the API",
    "deploy": "the API is stopped or deployed anew: jobs go on meanwhile",
    "machine": "the loss of a machine: workers on the others run its jobs",
}
ROOM = 0.8  # of the cores or slots in use on average: more, and jobs queue for long

MOST = 1_000_000  # of seconds, jobs a minute, machines or cores: nothing here is made for more


@dataclass(frozen=True, slots=True)
class Work:
    """Jobs of so many seconds, so many a minute, on machines of so many cores (or GPUs)."""

    seconds: float
    kind: str
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
        _check(f"--cores {self.cores}", "1 or more", 1 <= self.cores <= MOST)
        if self.kind not in KINDS:
            raise unknown("kind of work", self.kind, KINDS, "--work takes one of")
        if self.must_survive not in LEVELS:
            raise unknown("level", self.must_survive, LEVELS, "--must-survive takes one of")

    @property
    def unit(self) -> str:
        """What a running job takes one of."""
        return {"wait": "slot", "gpu": "GPU"}.get(self.kind, "core")

    @property
    def per_second(self) -> float:
        """How many jobs come in a second."""
        return self.per_minute / 60

    @property
    def busy(self) -> float:
        """How many jobs run at a time, on average: each takes a core, a GPU or a slot."""
        return self.seconds * self.per_minute / 60

    @property
    def workers(self) -> int:
        """As many as leave some room."""
        return max(math.ceil(self.busy / ROOM), 1)

    @property
    def machines_needed(self) -> int:
        """How many machines have cores enough; one, when jobs only wait."""
        return 1 if self.unit == "slot" else max(math.ceil(self.busy / ROOM / self.cores), 1)

    @property
    def spreads(self) -> bool:
        """Whether it runs on several machines."""
        return self.machines > 1 or self.machines_needed > 1

    @property
    def needs_a_queue(self) -> bool:
        """Whether it takes workers that live apart from the API."""
        return self.spreads or self.survives("deploy")

    @property
    def load_in_words(self) -> str:
        """The arithmetic of the load."""
        text = (
            f"{self.seconds:.3g} s x {self.per_minute:g} a minute / 60 ="
            f" {counted(self.busy, self.unit)} busy on average: JOB_WORKERS={self.workers} in all"
            " leaves some room"
        )
        if self.unit == "slot":
            return text
        each = counted(self.cores, self.unit)
        if self.machines_needed > self.machines:
            said = counted(self.machines, "machine")
            return f"{text}: that takes {self.machines_needed} machines of {each}, not {said}"
        return f"{text}, on {counted(self.machines, 'machine')} of {each}"

    def survives(self, level: str) -> bool:
        """Whether this level, or a higher one, is asked for."""
        levels = list(LEVELS)
        return levels.index(self.must_survive) >= levels.index(level)


def counted(number: float, thing: str) -> str:
    """`1 core`, `1.5 cores`."""
    text = f"{number:.2g}" if number < 100 else f"{number:.0f}"
    return f"{text} {thing}{'' if text == '1' else 's'}"


def _check(given: str, wanted: str, holds: bool) -> None:
    if not holds:
        raise UsageError(f"{given}: give {wanted}, and {MOST} at most")
