"""What the engine costs, beside bare engines and release 0.1.0, all in one run.

    uv run python benchmarks/engine.py [--variants NAMES] [--rounds N] [--jobs N] [--seconds N]

On SQLite, and on PostgreSQL if DATABASE_URL names one. Two processes or threads run jobs. It takes
some minutes for each variant, database and round. What counts is the ratios: everything in a line
was measured in the same minutes. BEGIN and SET are statements too; costs of jobs are beside those
of an idle service.
"""

import argparse
import os
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from subjects import (
    WORKERS,
    Subject,
    bare_pace,
    cost_a_job,
    cost_of_running,
    health,
    new_folder,
)

from fastoffload.bench.measuring.empty_jobs import measure_ours
from fastoffload.bench.service.folder import private_folder
from fastoffload.bench.service.projects import generate
from fastoffload.errors import FastoffloadError
from fastoffload.system import processes

VARIANTS = "background,executor-thread,executor-process,celery-redis,dramatiq-redis"
BEFORE = "0.1.0"
PARTS = ("statements", "writes", "commits", "CPU ms")


@contextmanager
def database(url: str) -> Iterator[None]:
    """Measure on this one meanwhile."""
    before = os.environ.get("DATABASE_URL")
    os.environ["DATABASE_URL"] = url
    try:
        yield
    finally:
        os.environ.pop("DATABASE_URL")
        if before:
            os.environ["DATABASE_URL"] = before


@dataclass
class Options:
    """What was asked for."""

    jobs: int
    rounds: int
    seconds: float


class Found:
    """What was measured of a variant on a database, in rounds."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._values: dict[str, list[float]] = {}

    def note(self, key: str, step: Callable[[], Sequence[float]], *parts: str) -> None:
        """Measure; a part of the service may fail, and the others are told all the same."""
        sys.stderr.write(f"{self.name}: {key}\n")
        try:
            values = step()
        except FastoffloadError as error:
            sys.stderr.write(f"{self.name}: {key}: {error}\n")
            return
        for part, value in zip(parts, values, strict=True):
            self._values.setdefault(f"{key} {part}", []).append(value)

    def __getitem__(self, key: str) -> float:
        """The median over the rounds."""
        return statistics.median(self._values.get(key, [float("nan")]))


def measure(found: Found, ours: Subject, before: Subject, options: Options) -> None:
    """A round: the parts take turns, so that a busy minute falls on all."""
    jobs, seconds = options.jobs, options.seconds
    found.note("engine", lambda: [measure_ours(ours.project, WORKERS, jobs)], "pace")
    found.note("bare", lambda: [bare_pace(ours.project, 3 * jobs)], "pace")
    for name, subject in (("engine", ours), ("0.1.0", before)):
        found.note(f"job, {name}", partial(cost_a_job, subject, jobs, seconds), "pace", *PARTS)
        for number in (1, 10):
            step = partial(cost_of_running, subject, number, 2 * seconds)
            found.note(f"{number} running, {name}", step, *PARTS)
    found.note("health", lambda: health(ours, 5 * jobs, seconds), "idle", "loaded")


def show(results: Sequence[Found]) -> None:
    """Tables in Markdown."""
    say_heading("empty jobs a second", "engine", "bare", "share", BEFORE, f"times {BEFORE}")
    for f in results:
        ours, bare, before = f["engine pace"], f["bare pace"], f["job, 0.1.0 pace"]
        share, times = f"{ours / bare:.2f}", f"{ours / before:.1f}"
        say_row(f.name, f"{ours:.0f}", f"{bare:.0f}", share, f"{before:.0f}", times)
    _show_costs("an empty job", "job", results)
    for number in (1, 10):
        _show_costs(f"a second of {number} running", f"{number} running", results)
    say_heading("health, p99 ms", "idle", "while empty jobs run", "ratio")
    for f in results:
        idle, loaded = f["health idle"], f["health loaded"]
        say_row(f.name, f"{idle:.1f}", f"{loaded:.1f}", f"{loaded / idle:.2f}")


def _show_costs(title: str, key: str, results: Sequence[Found]) -> None:
    say_heading(f"{title} ({BEFORE})", *PARTS)
    for f in results:
        cells = (f"{f[f'{key}, engine {p}']:.2f} ({f[f'{key}, 0.1.0 {p}']:.2f})" for p in PARTS)
        say_row(f.name, *cells)


def say_heading(*cells: str) -> None:
    """The first rows of a table."""
    sys.stdout.write("\n")
    say_row(*cells)
    say_row(*["---"] * len(cells))


def say_row(*cells: str) -> None:
    """A row of a table."""
    sys.stdout.write(f"| {' | '.join(cells)} |\n")


def main() -> None:
    """Generate, measure, show."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--variants", default=VARIANTS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=3)
    given = parser.parse_args()
    options = Options(given.jobs, given.rounds, given.seconds)
    processes.listen()  # told to end, it ends what it has started
    urls = {"SQLite": "sqlite://"}
    if os.environ.get("DATABASE_URL", "").startswith("postgresql"):
        urls["PostgreSQL"] = os.environ["DATABASE_URL"]
    results = []
    with private_folder() as folder:
        for variant in given.variants.split(","):
            project = generate(new_folder(folder / f"{variant}-now"), variant, None, [])
            old = generate(new_folder(folder / f"{variant}-before"), variant, None, [], BEFORE)
            ours, before = Subject(project, project), Subject(old, project, is_before=True)
            for kind, url in urls.items():
                results.append(Found(f"{variant}, {kind}"))
                with database(url):
                    for _ in range(options.rounds):
                        measure(results[-1], ours, before, options)
    show(results)


if __name__ == "__main__":
    main()
