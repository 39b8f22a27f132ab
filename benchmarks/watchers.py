"""What it costs the event loop when a thousand clients follow reports live, while reports run.

    uv run python benchmarks/watchers.py [--rounds 3] [--streams 1000] [--variant NAME]

This process asks for /health/live a hundred times a second: while nothing happens, while reports
run, and while as many event streams as wanted are open besides, each on a report of its own that
waits or runs. All on loopback, on this machine.

DATABASE_URL and BROKER_URL name other servers than SQLite and the embedded broker.
"""

import argparse
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from fastoffload.bench.measuring.work import RESAMPLES
from fastoffload.bench.service.client import Client
from fastoffload.bench.service.projects import Project, generate
from fastoffload.bench.service.service import Service, in_a_folder
from fastoffload.bench.service.ways import Way
from fastoffload.catalog import variants

LIMIT = 3.0  # p99 with streams and reports, of p99 idle
QUESTIONS = 600  # about six seconds
PAUSE_SECONDS = 0.01  # between two of them
WORKERS = 2
STREAMS = Path(__file__).with_name("streams.py")
PREFIX = 'prefix="/reports"'
FILES = 4096  # open ones, of the server and of who holds the streams

progress = Console(stderr=True)
Times = dict[str, list[float]]


def main() -> None:
    """Measure, print, and end with 1 when the limit is passed."""
    options = _parse()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, most))
    with tempfile.TemporaryDirectory() as folder:
        project = generate(Path(folder), options.variant, own=None, packages=[])
        rounds = [_measure(project, options.streams) for _ in range(options.rounds)]
    sys.exit(_print(rounds, options.variant))


def _measure(project: Project, streams: int) -> Times:
    settings = {"JOB_WORKERS": str(WORKERS), "LOG_LEVEL": "WARNING"}
    with in_a_folder(Way(project.variant, project), settings, _with_room) as service:
        service.start_all()
        client = service.client()
        client.put_sample(project.sample)
        _submit(client, WORKERS)  # so that all that is loaded later is loaded now
        service.wait_until(lambda: not client.unfinished(), "first report")
        times = {"idle": [_paced(client) for _ in range(QUESTIONS)]}
        _submit(client, streams)
        times["reports"] = [_paced(client) for _ in range(QUESTIONS)]
        with _open_streams(service, streams):
            client = service.client()  # the server has closed the idle connection meanwhile
            times["reports and streams"] = [_paced(client) for _ in range(QUESTIONS)]
        return times


def _with_room(project: Project, folder: Path) -> None:
    """The project's application, in which any number of reports may wait."""
    shutil.copytree(project.folder / "app", folder / "app")
    for name in ("migrations", "pyproject.toml"):
        (folder / name).symlink_to(project.folder / name)
    kind = folder / "app" / "jobs" / "report" / "kind.py"
    kind.write_text(kind.read_text().replace(PREFIX, f"{PREFIX}, max_waiting=1_000_000"))


def _submit(client: Client, number: int) -> None:
    for _ in range(number):
        client.submit(RESAMPLES)


def _paced(client: Client) -> float:
    """How long a question took that came after a pause, in milliseconds."""
    time.sleep(PAUSE_SECONDS)
    start = time.perf_counter()
    client.ask("GET", "/health/live")
    return (time.perf_counter() - start) * 1000


@contextmanager
def _open_streams(service: Service, number: int) -> Iterator[None]:
    """Keep so many streams open, on the reports that will end last."""
    ids = [report["id"] for report in islice(service.client().jobs(), number)]
    command = [sys.executable, str(STREAMS), str(service.port)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdin
        assert holder.stdout
        print(*ids, file=holder.stdin, flush=True)
        holder.stdout.readline()
        yield
        print(file=holder.stdin, flush=True)
        still_open, events = holder.stdout.readline().split()
        progress.log(
            f"{still_open} of {number} streams still open, {events} more events on all of them"
        )


def _print(rounds: list[Times], variant: str) -> int:
    table = Table(title=f"/health/live of {variant}, medians of {len(rounds)} rounds")
    for heading in ("", "p50 ms", "p99 ms", "max ms", "p99 of idle"):
        table.add_column(heading, justify="right" if heading else "left")
    ratio = 0.0
    for name in rounds[0]:
        ratio = statistics.median(_p99(times[name]) / _p99(times["idle"]) for times in rounds)
        figures = (
            statistics.median(figure(times[name]) for times in rounds)
            for figure in (statistics.median, _p99, max)
        )
        table.add_row(name, *(f"{figure:.1f}" for figure in figures), f"{ratio:.2f}")
    Console(width=100).print(
        table, f"limit: {LIMIT:g}; it is {'kept' if ratio <= LIMIT else 'NOT kept'}"
    )
    return int(ratio > LIMIT)


def _p99(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.99)]


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--variant", choices=variants(), default="executor-process")
    return parser.parse_args()


if __name__ == "__main__":
    main()
