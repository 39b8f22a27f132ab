"""What a bench found out: one JSON document."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from fastoffload.bench.measuring.empty_jobs import Pace
from fastoffload.bench.measuring.latency import Round
from fastoffload.bench.measuring.losses import Loss
from fastoffload.bench.measuring.machine import Machine
from fastoffload.bench.measuring.work import Work
from fastoffload.bench.service.ways import Kind

LATE_MS = 5  # a generator that is later than this in one of a hundred questions is worth a word


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure over the rounds."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """The median, and the spread."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True, slots=True)
class Measured:
    """A way and what was measured of it; the figures have the names of a round's."""

    name: str
    strategy: str
    option: str | None
    kind: Kind
    rounds: int
    figures: dict[str, Figure]

    def __getitem__(self, figure: str) -> Figure:
        return self.figures[figure]


@dataclass(frozen=True, slots=True)
class Result:
    """Everything, with the circumstances."""

    command: str
    measured_at: str
    took_seconds: float
    machine: Machine
    database: str
    work: Work
    computation: str
    ways: list[Measured]
    bare_pool: Figure
    engines: dict[str, Pace]
    losses: list[Loss]
    left_out: list[str]
    warnings: list[str]

    def document(self) -> dict[str, Any]:
        """For JSON."""
        jobs = {"in_flight": self.work.in_flight, "burst": self.work.burst}
        found = asdict(self)
        return {**found, "work": {**found["work"], **jobs}}


def figures(rounds: Sequence[Round]) -> dict[str, Figure]:
    """Every figure of a way."""
    found = {field.name: [getattr(r, field.name) for r in rounds] for field in fields(Round)}
    return {name: Figure.of(values) for name, values in found.items() if None not in values}


def warnings(ways: Sequence[Measured], machine: Machine) -> list[str]:
    """What speaks against trusting the figures."""
    late = [
        f"{way.name}: the load generator itself was late"
        f" (p99 {way['late_p99'].high:.0f} ms, at most {way['late_max'].high:.0f} ms)"
        for way in ways
        if way["late_p99"].high > LATE_MS
    ]
    unanswered = [
        f"{way.name}: {way['unanswered'].high:.0f} requests were not answered"
        for way in ways
        if way["unanswered"].high
    ]
    busy = [f"the machine was busy before: load {machine.load:.1f} on {machine.cores} cores"]
    return [*(busy if machine.load > machine.cores / 2 else []), *late, *unanswered]
