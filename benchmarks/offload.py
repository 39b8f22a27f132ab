"""How the event loop fares while reports are computed: the variants side by side, in one run.

    uv run python benchmarks/offload.py [--rounds 3] [--reports 24]

Each variant is generated, installed and started as its Procfile says. First, while eight reports
are kept in flight, this process asks for /health/live a hundred times a second. Then, with nobody
asking, the same number of reports is timed from the first submit to the last end. The limit of what
is possible is the same computation and PDF in a bare multiprocessing.Pool of as many processes,
without database or HTTP.
"""

import argparse
import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil
from honcho.environ import parse_procfile
from rich.console import Console
from rich.table import Table

IN_FLIGHT = 8
WORKERS = 2
RESAMPLES = 35_000  # about half a second of pure Python for the 100 readings of the sample
PAUSE_SECONDS = 0.01  # between two questions
LONGEST_SECONDS = 300  # for one round of one variant

VARIANTS = {
    "background": ["--strategy", "background"],
    "executor, threads": ["--strategy", "executor", "--pool", "thread"],
    "executor, processes": ["--strategy", "executor", "--pool", "process"],
}

BARE_POOL = f"""
import csv, sys, time
from datetime import datetime, timezone
from multiprocessing import get_context
from app import pdf
from app.compute import analyse

values = [float(row["value"]) for row in csv.DictReader(open("samples/nile.csv"))]

def run(seed):
    result = analyse(values, resamples={RESAMPLES}, seed=seed, progress=lambda fraction: None)
    at = datetime(2000, 1, 1, tzinfo=timezone.utc)
    return len(pdf.render(pdf.ReportContent(
        title="x", dataset="nile", resamples={RESAMPLES}, seed=seed, created_at=at, result=result)))

if __name__ == "__main__":
    with get_context("forkserver").Pool({WORKERS}) as pool:
        pool.map(run, range({WORKERS}), chunksize=1)
        start = time.perf_counter()
        pool.map(run, range(int(sys.argv[1])), chunksize=1)
        print(int(sys.argv[1]) / (time.perf_counter() - start))
"""


@dataclass(frozen=True, slots=True)
class Round:
    """What was measured of a variant in one round. Times in milliseconds, memory in megabytes."""

    idle: list[float]
    loaded: list[float]
    submits: list[float]
    reports_per_second: float
    megabytes: float


class Client:
    """A connection that stays open: what is measured is the server."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONGEST_SECONDS)

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> bytes:
        """The body of the answer. Raises RuntimeError on an error."""
        self._connection.request(method, path, body, {"Content-Type": kind} if kind else {})
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {content.decode()}")
        return content

    def timed(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> float:
        """How long the answer took, in milliseconds."""
        start = time.perf_counter()
        self.ask(method, path, body, kind)
        return (time.perf_counter() - start) * 1000


def main() -> None:
    """Measure round by round, then print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--reports", type=int, default=24)
    options = parser.parse_args()
    found: dict[str, list[Round]] = {name: [] for name in VARIANTS}
    bare: list[float] = []
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory() as folder:
        projects = {name: _generate(Path(folder), name) for name in VARIANTS}
        for number in range(options.rounds):
            console.log(f"round {number + 1} of {options.rounds}")
            for name, project in projects.items():
                found[name].append(_measure(project, options.reports))
            bare.append(_measure_bare(projects["executor, processes"], options.reports))
    _print(found, bare, options)


def _generate(folder: Path, name: str) -> Path:
    project = folder / name.replace(", ", "-")
    command = [
        sys.executable,
        "-m",
        "fastoffload",
        "new",
        str(project),
        *VARIANTS[name],
        "--no-git",
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return project


def _measure(project: Path, reports: int) -> Round:
    with _running(project) as (port, group):
        client = Client(port)
        sample = (project / "samples" / "nile.csv").read_bytes()
        client.ask("PUT", "/datasets/nile", sample, "text/csv")
        idle = [_paced(client) for _ in range(300)]
        _submit(client, WORKERS)
        while _unfinished(client):
            time.sleep(0.1)
        loaded, submits, megabytes = _load(client, port, group, reports)
        return Round(idle, loaded, submits, _throughput(client, reports), megabytes)


def _load(
    client: Client, port: int, group: int, reports: int
) -> tuple[list[float], list[float], float]:
    """The times of health answers and of submits under load, and the memory in use meanwhile."""
    submits: list[float] = []
    feeder = threading.Thread(target=_feed, args=(Client(port), reports, submits))
    feeder.start()
    loaded: list[float] = []
    megabytes = 0.0
    while feeder.is_alive():
        loaded.append(_paced(client))
        if len(loaded) == 100:
            megabytes = _megabytes(group)
    return loaded, submits, megabytes


def _throughput(client: Client, reports: int) -> float:
    """Reports per second, all of them submitted at once: from the first submit to the last end."""
    _submit(client, reports)
    while _unfinished(client, most=1):
        time.sleep(1)  # the times come from the rows: asking more often would only cost
    made = json.loads(client.ask("GET", f"/reports?limit={reports}"))["items"]
    start = min(datetime.fromisoformat(report["created_at"]) for report in made)
    end = max(datetime.fromisoformat(report["finished_at"]) for report in made)
    return reports / (end - start).total_seconds()


def _feed(client: Client, reports: int, submits: list[float]) -> None:
    """Keep IN_FLIGHT reports unfinished until as many as wanted were submitted, then wait."""
    while len(submits) < reports or _unfinished(client):
        room = min(IN_FLIGHT - _unfinished(client), reports - len(submits))
        submits += _submit(client, room)
        time.sleep(0.25)


def _submit(client: Client, number: int) -> list[float]:
    body = json.dumps({"dataset": "nile", "title": "x", "resamples": RESAMPLES}).encode()
    return [client.timed("POST", "/reports", body, "application/json") for _ in range(number)]


def _unfinished(client: Client, most: int = 100) -> int:
    pages = (client.ask("GET", f"/reports?limit={most}&status={s}") for s in ("queued", "running"))
    return sum(len(json.loads(page)["items"]) for page in pages)


def _paced(client: Client) -> float:
    time.sleep(PAUSE_SECONDS)
    return client.timed("GET", "/health/live")


def _measure_bare(project: Path, reports: int) -> float:
    script = project / "bare_pool.py"
    script.write_text(BARE_POOL)
    python = project / ".venv" / "bin" / "python"
    command = [str(python), script.name, str(reports)]
    return float(subprocess.run(command, check=True, cwd=project, capture_output=True).stdout)


@contextmanager
def _running(project: Path) -> Iterator[tuple[int, int]]:
    """The port and the session of a started service."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = parse_procfile((project / "Procfile").read_text()).processes["web"]
    path = f"{project / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    with tempfile.TemporaryDirectory() as data, (Path(data) / "log").open("wb") as log:
        settings = {
            "PATH": path,
            "WEB_PORT": str(port),
            "JOB_WORKERS": str(WORKERS),
            "DATABASE_URL": f"sqlite:///{data}/app.db",
            "STORAGE_URL": f"{data}/pdfs",
            "LOG_LEVEL": "WARNING",
        }
        server = subprocess.Popen(
            command,
            shell=True,
            cwd=project,
            env=os.environ | settings,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            _wait_until_ready(port)
            yield port, server.pid
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(60)


def _wait_until_ready(port: int) -> None:
    for _ in range(600):
        try:
            Client(port).ask("GET", "/health/ready")
        except (OSError, RuntimeError):
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the service did not get ready within 60 s")


def _megabytes(session: int) -> float:
    """The memory of all processes of a session, what they share counted once (PSS)."""
    total = 0
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == session:
                total += process.memory_full_info().pss
        except (psutil.Error, ProcessLookupError):
            continue
    return total / 1e6


def _percentile(times: list[float], share: float) -> float:
    return sorted(times)[min(int(len(times) * share), len(times) - 1)]


def _print(found: dict[str, list[Round]], bare: list[float], options: argparse.Namespace) -> None:
    table = Table(
        title=f"{IN_FLIGHT} reports in flight, {WORKERS} workers, {os.cpu_count()} cores; "
        f"medians of {options.rounds} interleaved rounds of {options.reports} reports"
    )
    for heading in (
        "variant",
        "idle p50/p99 ms",
        "loaded p50/p99/max ms",
        "p99 ratio",
        "submit p50/p99 ms",
        "reports/s",
        "of bare",
        "MB",
    ):
        table.add_column(heading, justify="left" if heading == "variant" else "right")
    limit = statistics.median(bare)
    for name, rounds in found.items():
        table.add_row(name, *_cells(rounds, limit))
    table.add_row("bare multiprocessing.Pool", "", "", "", "", f"{limit:.2f}", "1.00", "")
    Console(width=130).print(table)


def _cells(rounds: list[Round], limit: float) -> list[str]:
    def middle(times: str, share: float) -> float:
        return statistics.median(_percentile(getattr(found, times), share) for found in rounds)

    rate = statistics.median(found.reports_per_second for found in rounds)
    return [
        f"{middle('idle', 0.5):.1f} / {middle('idle', 0.99):.1f}",
        f"{middle('loaded', 0.5):.1f} / {middle('loaded', 0.99):.1f} / {middle('loaded', 1):.1f}",
        f"{middle('loaded', 0.99) / middle('idle', 0.99):.1f}",
        f"{middle('submits', 0.5):.1f} / {middle('submits', 0.99):.1f}",
        f"{rate:.2f}",
        f"{rate / limit:.2f}",
        f"{statistics.median(found.megabytes for found in rounds):.0f}",
    ]


if __name__ == "__main__":
    main()
