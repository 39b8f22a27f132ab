"""`fastoffload bench`: from options to figures."""

import os
import shlex
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from fastoffload import terminal
from fastoffload.bench.measuring.clock import Clock
from fastoffload.bench.measuring.empty_jobs import Pace, measure_empty
from fastoffload.bench.measuring.latency import Round, measure, measure_bare
from fastoffload.bench.measuring.losses import Loss, count_losses
from fastoffload.bench.measuring.machine import Machine, this_machine
from fastoffload.bench.measuring.work import Work
from fastoffload.bench.options import BenchOptions
from fastoffload.bench.result import Figure, Measured, Result, figures, warnings
from fastoffload.bench.service.folder import private_folder
from fastoffload.bench.service.projects import Project, generate
from fastoffload.bench.service.ways import Way, remedies, simplest, to_compare
from fastoffload.errors import FastoffloadError

# In seconds, besides the jobs, until one was run: the bare pool, a way for one round, its parts
# killed one by one, an engine's empty jobs.
BARE, ROUND, LOSSES, EMPTY = 5, 17, 22, 25
JOBS = 6  # that a worker does in a row in each of these


def bench(options: BenchOptions) -> Result:
    """Generate what is to be generated, then measure round by round while there is time."""
    start, machine, clock = time.monotonic(), this_machine(), Clock(options.seconds)
    with private_folder() as folder:
        projects = [*options.projects, *_generate(folder, options)]
        with terminal.progress("Timing one job"):
            work = Work.measured(simplest(projects), options.own)
        found = Bench(clock, projects, work)
        found.measure(options.rounds)
    return _result(options, found, machine, time.monotonic() - start)


class Bench:
    """What was found out so far."""

    def __init__(self, clock: Clock, projects: list[Project], work: Work) -> None:
        self.clock, self._projects, self.work = clock, projects, work
        self._base = simplest(projects)
        self._jobs = JOBS * work.job_seconds
        self._main = to_compare(projects, self._base)
        self._remedies = remedies(self._base, work.workers)
        self._rounds: dict[str, list[Round]] = {
            way.name: [] for way in (*self._main, *self._remedies)
        }
        self.bare: list[float] = []
        self.engines: dict[str, Pace] = {}
        self.losses: list[Loss] = []

    def measure(self, rounds: int) -> None:
        """Everything once, the most telling first; then rounds of the variants while they fit."""
        self._round(self._main)
        for way in self._main:
            self._count_losses(way)
        self._round(self._remedies)
        for project in {project.strategy: project for project in self._projects}.values():
            if project.choice.is_queue:
                self._measure_empty(project)
        for _ in range(1, rounds):
            if not self.clock.fit(["bare", *(way.name for way in self._main)], ROUND + self._jobs):
                break
            self._round(self._main)

    def measured(self) -> list[Measured]:
        """The ways that were measured, the variants first."""
        ways = [*self._main, *self._remedies]
        return [_measured(way, found) for way in ways if (found := self._rounds[way.name])]

    def _round(self, ways: Sequence[Way]) -> None:
        bare = partial(measure_bare, self._base, self.work)
        # Whatever the time, the first of what was asked for is measured once: or all was in vain.
        if rate := self.clock.run("bare", BARE, "bare pool", bare, anyway=not self.bare):
            self.bare.append(rate)
        for way in ways if self.bare else ():
            name = f"{way.name}, round {len(self._rounds[way.name]) + 1}"
            measured = partial(self._measure, way)
            guess, first = ROUND + self._jobs, not any(self._rounds.values())
            found = self.clock.run(way.name, guess, name, measured, anyway=first)
            self._rounds[way.name] += filter(None, [found])

    def _measure(self, way: Way) -> Round:
        return measure(way, self.work, self.bare[-1])

    def _count_losses(self, way: Way) -> None:
        count = partial(count_losses, way, self.work)
        self.losses += (
            self.clock.run("losses", LOSSES + self._jobs, f"{way.name}, kill -9", count) or []
        )

    def _measure_empty(self, project: Project) -> None:
        name = f"{project.strategy}, empty jobs and the bare engine"
        empty = partial(measure_empty, project, self.work.workers)
        if found := self.clock.run("empty", EMPTY, name, empty):
            self.engines[project.strategy] = found


def _generate(folder: Path, options: BenchOptions) -> list[Project]:
    made = []
    for name in options.names:
        with terminal.progress(f"Generating {name}"):
            made.append(generate(folder, name, options.own, options.packages))
    return made


def _result(options: BenchOptions, found: Bench, machine: Machine, took_seconds: float) -> Result:
    """Raises FastoffloadError when there is nothing to tell."""
    ways = found.measured()
    if not any(way.kind == "variant" for way in ways):
        raise FastoffloadError(
            f"no variant could be measured: {'; '.join(found.clock.left_out)};"
            " mend that, and measure again"
        )
    return Result(
        command=shlex.join(["fastoffload", *sys.argv[1:]]),
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        took_seconds=took_seconds,
        machine=machine,
        database=urlsplit(os.environ.get("DATABASE_URL", "sqlite:")).scheme.partition("+")[0],
        work=found.work,
        computation=f"`{options.own}`" if options.own else "the sample's",
        ways=ways,
        bare_pool=Figure.of(found.bare),
        engines=found.engines,
        losses=found.losses,
        left_out=[*options.left_out, *found.clock.left_out],
        warnings=warnings(ways, machine),
    )


def _measured(way: Way, rounds: Sequence[Round]) -> Measured:
    choice = way.project.choice
    return Measured(
        name=way.name,
        strategy=choice.strategy.name,
        option=choice.variant.name if choice.variant else None,
        kind=way.kind,
        rounds=len(rounds),
        figures=figures(rounds),
    )
