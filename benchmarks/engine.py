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
from concurrent.futures import ThreadPoolExecutor
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

    def note(self, key: str, step: Callable[[], Sequence[float]], *parts: str) -> None:
        """Measure; a part of the service may fail, and the others are told all the same."""
        begun = time.monotonic()
        try:
            values = step()
        except FastoffloadError as error:
            sys.stderr.write(f"{self.name}: {key}: {error}\n")
            return
        sys.stderr.write(f"{self.name}: {key}: {time.monotonic() - begun:.0f} s\n")
        for part, value in zip(parts, values, strict=True):
            self._values.setdefault(f"{key} {part}", []).append(value)

    def __getitem__(self, key: str) -> float:
        """The median over the rounds."""
        return statistics.median(self._values.get(key, [float("nan")]))

    def of(self, key: str, parts: Sequence[str]) -> tuple[list[float], list[float]]:
        """The parts of what was measured now, and then."""
        now, then = ([self[f"{key}, {name} {part}"] for part in parts] for name in (ENGINE, BEFORE))
        return now, then


def measure(found: Found, ours: Subject, before: Subject, jobs: int, seconds: float) -> None:
    """A round: the parts take turns, so that a busy minute falls on all."""
    found.note("bare", lambda: [bare_pace(ours.project, 3 * jobs)], "pace")
    for name, subject, number in ((ENGINE, ours, jobs), (BEFORE, before, jobs // 10)):
        step = partial(empty_jobs, subject, number, seconds)
        found.note(f"job, {name}", step, "pace", *PARTS, *HEALTH)
    with ThreadPoolExecutor() as threads:  # what rests costs the machine next to nothing: at once
        list(
            threads.map(partial(_measure_running, found, seconds), (ENGINE, BEFORE), (ours, before))
        )


def _measure_running(found: Found, seconds: float, name: str, subject: Subject) -> None:
    parts = [f"{number} {part}" for number in (1, MOST) for part in PARTS]
    found.note(f"running, {name}", partial(costs_of_running, subject, seconds), *parts)


def show(results: Sequence[Found]) -> None:
    """Tables in Markdown."""
    say_heading("empty jobs a second", "engine", "bare", "share", BEFORE, f"times {BEFORE}")
    for f in results:
        ours, bare, before = f["job, engine pace"], f["bare pace"], f[f"job, {BEFORE} pace"]
        share, times = f"{ours / bare:.2f}", f"{ours / before:.1f}"
        say_row(f.name, f"{ours:.0f}", f"{bare:.0f}", share, f"{before:.0f}", times)
    _show_costs("an empty job", "job", "", results)
    for number in (1, MOST):
        _show_costs(f"a second of {number} running", "running", f"{number} ", results)
    say_heading(f"health, p99 ms ({BEFORE})", "idle", "while empty jobs run", "ratio")
    for f in results:
        now, then = f.of("job", HEALTH)
        ratios = f"{now[1] / now[0]:.2f} ({then[1] / then[0]:.2f})"
        say_row(f.name, *_pairs(now, then, 1), ratios)


def _show_costs(title: str, key: str, number: str, results: Sequence[Found]) -> None:
    say_heading(f"{title} ({BEFORE})", *PARTS)
    for f in results:
        say_row(f.name, *_pairs(*f.of(key, [number + part for part in PARTS]), 2))


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
