"""What the engine costs, beside bare engines and release 0.1.0, all in one run.

    uv run python benchmarks/engine.py [--variants NAMES] [--rounds N] [--jobs N] [--seconds N]

On SQLite, and on PostgreSQL if DATABASE_URL names one. Two processes or threads run jobs. It takes
a minute or two for each variant, database and round. What counts is the ratios: everything in a
line was measured in the same minutes. BEGIN and SET are statements too; costs of jobs are beside
those of an idle service. What runs has a lease that is renewed once while it is looked at.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from subjects import MOST, Subject, bare_pace, costs_of_running, empty_jobs, new_folder

from fastoffload.bench.service.folder import private_folder
from fastoffload.bench.service.projects import generate
from fastoffload.errors import FastoffloadError
from fastoffload.system import processes

VARIANTS = "background,executor-thread,executor-process,celery-redis,dramatiq-redis"
ENGINE = "engine"
BEFORE = "0.1.0"
PARTS = ("statements", "writes", "commits", "CPU ms")
HEALTH = ("idle", "loaded")


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


class Found:
    """What was measured of a variant on a database, in rounds."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._values: dict[str, list[float]] = {}

    def note(self, what: str, step: Callable[[], Sequence[float]], *keys: str) -> None:
        """Measure; a part of the service may fail, and the others are told all the same."""
        begun = time.monotonic()
        try:
            values = step()
        except FastoffloadError as error:
            sys.stderr.write(f"{self.name}: {what}: {error}\n")
            return
        sys.stderr.write(f"{self.name}: {what}: {time.monotonic() - begun:.0f} s\n")
        for key, value in zip(keys, values, strict=True):
            self._values.setdefault(key, []).append(value)

    def __getitem__(self, key: str) -> float:
        """The median over the rounds."""
        return statistics.median(self._values.get(key, [float("nan")]))

    def both(self, keys: Sequence[str]) -> tuple[list[float], list[float]]:
        """What was measured of the engine, and of the release before."""
        ours, before = ([self[f"{name} {key}"] for key in keys] for name in (ENGINE, BEFORE))
        return ours, before


def measure(found: Found, ours: Subject, before: Subject, jobs: int, seconds: float) -> None:
    """A round: the parts take turns, so that a busy minute falls on all."""
    found.note("bare", lambda: [bare_pace(ours.project, 3 * jobs)], "bare")
    for name, subject, number in ((ENGINE, ours, jobs), (BEFORE, before, jobs // 10)):
        step = partial(empty_jobs, subject, number, seconds)
        found.note(f"jobs, {name}", step, *(f"{name} {part}" for part in ("pace", *PARTS, *HEALTH)))
    keys = [f"{name} {key}" for name in (ENGINE, BEFORE) for n in (1, MOST) for key in running(n)]
    found.note("running jobs", lambda: costs_of_running((ours, before), seconds), *keys)


def running(jobs: int) -> list[str]:
    """What is measured of so many that run."""
    return [f"{jobs} {part}" for part in PARTS]


def show(results: Sequence[Found]) -> None:
    """Tables in Markdown."""
    say_heading("empty jobs a second", "engine", "bare", "share", BEFORE, f"times {BEFORE}")
    for f in results:
        ours, bare, before = f[f"{ENGINE} pace"], f["bare"], f[f"{BEFORE} pace"]
        share, times = f"{ours / bare:.2f}", f"{ours / before:.1f}"
        say_row(f.name, f"{ours:.0f}", f"{bare:.0f}", share, f"{before:.0f}", times)
    _show_costs("an empty job", PARTS, results)
    for number in (1, MOST):
        _show_costs(f"a second of {number} running", running(number), results)
    say_heading(f"health, p99 ms ({BEFORE})", "idle", "while empty jobs run", "ratio")
    for f in results:
        now, then = f.both(HEALTH)
        ratios = f"{now[1] / now[0]:.2f} ({then[1] / then[0]:.2f})"
        say_row(f.name, *_pairs(now, then, 1), ratios)


def _show_costs(title: str, keys: Sequence[str], results: Sequence[Found]) -> None:
    say_heading(f"{title} ({BEFORE})", *PARTS)
    for f in results:
        say_row(f.name, *_pairs(*f.both(keys), 2))


def _pairs(now: Sequence[float], then: Sequence[float], digits: int) -> list[str]:
    return [f"{a:.{digits}f} ({b:.{digits}f})" for a, b in zip(now, then, strict=True)]


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
                    for _ in range(given.rounds):
                        measure(results[-1], ours, before, given.jobs, given.seconds)
    show(results)


if __name__ == "__main__":
    main()
