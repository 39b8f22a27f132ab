"""What it costs to do heavy work off the event loop: the variants side by side, in one run.

    uv run python benchmarks/offload.py [--rounds 3] [--reports 24] [--jobs 1000]

Each variant is generated, installed and started as its Procfile says. First, while twenty reports
are kept in flight, this process asks for /health/live a hundred times a second. Then, with nobody
asking, the same number of reports is timed from the first submit to the last end. The limit of what
is possible is the same computation and PDF in a bare multiprocessing.Pool of as many processes,
without database or HTTP.

The queues then run jobs that do nothing but claim and finish their row; the same rows are claimed
and finished without a queue; and the bare engines run tasks that do nothing at all.

DATABASE_URL and BROKER_URL name other servers than SQLite and the embedded broker.
"""

import argparse
import tempfile
from pathlib import Path

import empty
import reports
import tables
from projects import QUEUES, VARIANTS, Project, generate
from rich.console import Console

progress = Console(stderr=True)


def main() -> None:
    """Measure round by round, then print the tables."""
    options = _parse()
    with tempfile.TemporaryDirectory() as folder:
        projects = [generate(Path(folder), variant) for variant in options.variants]
        queues = [project for project in projects if project.variant in QUEUES]
        if options.reports:
            _compare_variants(projects, options.rounds, options.reports)
        if options.jobs and queues:
            _compare_with_engines(queues, options.rounds, options.jobs)


def _compare_variants(projects: list[Project], rounds: int, number: int) -> None:
    found: dict[str, list[reports.Round]] = {project.variant: [] for project in projects}
    bare: list[float] = []
    for _ in range(rounds):
        progress.log(f"round {len(bare) + 1} of {rounds}: {number} reports")
        bare.append(reports.measure_bare(projects[0], number))
        for project in projects:
            found[project.variant].append(reports.measure(project, number, bare[-1]))
    tables.print_reports(found, bare, number)


def _compare_with_engines(queues: list[Project], rounds: int, number: int) -> None:
    found: dict[str, list[empty.Pace]] = {project.variant: [] for project in queues}
    for done in range(rounds):
        progress.log(f"round {done + 1} of {rounds}: {number} empty jobs")
        for project in queues:
            found[project.variant].append(empty.measure(project, number))
    tables.print_empty_jobs(found, number)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--reports", type=int, default=24, help="0: leave this part out")
    parser.add_argument("--jobs", type=int, default=1000, help="empty ones; 0: leave them out")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=[*VARIANTS])
    return parser.parse_args()


if __name__ == "__main__":
    main()
