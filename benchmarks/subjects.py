"""One service that is measured, of the templates at hand or of release 0.1.0."""

import json
import os
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import psutil

from fastoffload.bench.measuring.empty_jobs import EMPTY, measure_bare, pace, wait_for_ends
from fastoffload.bench.service.folder import private_folder
from fastoffload.bench.service.projects import Project
from fastoffload.bench.service.service import (
    Service,
    free_port,
    in_a_folder,
    private_database,
    with_empty_jobs,
)
from fastoffload.bench.service.ways import Way
from fastoffload.errors import FastoffloadError
from fastoffload.system.processes import run

INSIDE = Path(__file__).parent / "inside"
WORKERS = 2
NUMBERS = struct.Struct("QQQ")
REST_SECONDS = 600  # longer than anything is looked at here
SETTLE_SECONDS = 3  # after which what begins has begun: workers are not waited for at the start
MOST = 10  # jobs that run at once
NICENESS = 10  # of the pool's processes; other load on the machine must not tell
REPORTS = "/reports"


class Cost(NamedTuple):
    """What a service has done so far, or did meanwhile, or does a second."""

    statements: float
    writes: float
    commits: float
    cpu_ms: float

    def since(self, other: "Cost", times: float = 1) -> "Cost":
        """What has been added, divided."""
        return Cost(*((now - then) / times for now, then in zip(self, other, strict=True)))


NOTHING = Cost(0, 0, 0, 0)


@dataclass
class Subject:
    """A project, how its service is laid out, and how jobs get into it."""

    project: Project
    database_of: Project  # which makes its databases
    is_before: bool = False

    @property
    def jobs(self) -> str:
        """The path of its jobs."""
        return REPORTS if self.is_before else EMPTY

    @contextmanager
    def service(self, workers: int, **settings: str) -> Iterator[Service]:
        """A service that counts, nothing of it started yet."""
        paths = f"{INSIDE}{os.pathsep}"
        if not self.is_before:
            way = Way(self.project.variant, self.project)
            with in_a_folder(
                way, {"JOB_WORKERS": str(workers), **settings}, with_empty_jobs
            ) as made:
                made.environment["PYTHONPATH"] = paths + made.environment["PYTHONPATH"]
                made.environment["COUNTS"] = str(new_folder(made.folder / "counts"))
                yield made
            return
        with (
            private_folder() as folder,
            private_database(self.database_of, folder) as url,
            _killed(self._before(folder, url, workers, settings)) as made,
        ):
            made.environment["PYTHONPATH"] = paths + made.environment["PYTHONPATH"]
            yield made

    def _before(self, folder: Path, url: str, workers: int, settings: dict[str, str]) -> Service:
        environment = self.project.environment(
            COUNTS=str(new_folder(folder / "counts")),
            DATABASE_URL=url,
            JOB_WORKERS=str(workers),
            MAX_QUEUED="1000000",
            QUEUE_NAME=f"benchmark-{os.getpid()}-{time.monotonic_ns()}",
            STORAGE_URL=str(folder / "pdfs"),
            TMPDIR=str(folder),
            WEB_PORT=str(free_port()),
            **settings,
        )
        return Service(Way(self.project.variant, self.project), folder, environment)

    def fill(self, service: Service, jobs: int, seconds: float = 0) -> None:
        """Queue jobs; what that costs is not counted."""
        environment = service.environment | {"COUNTS": "", "BEFORE": ""}
        python = str(self.project.folder / ".venv" / "bin" / "python")
        script = [python, str(INSIDE / "fill_before.py"), str(jobs)]
        if not self.is_before:
            script = self.project.command("fill.py", jobs, seconds)
        code, output = run(script, service.folder, environment)
        if code:
            raise FastoffloadError(f"{self.project.variant} cannot be filled: {output[-300:]}")


def cost(service: Service) -> Cost:
    """Of the service's processes up to now."""
    counted = [0, 0, 0]
    for file in (service.folder / "counts").iterdir():
        content = file.read_bytes()
        if len(content) == NUMBERS.size:
            counted = [a + b for a, b in zip(counted, NUMBERS.unpack(content), strict=True)]
    milliseconds = 0.0
    for process in service.processes():
        with suppress(psutil.Error):
            times = process.cpu_times()
            milliseconds += 1000 * (times.user + times.system)
    statements, writes, commits = counted
    return Cost(statements, writes, commits, milliseconds)


def _costs_a_second(services: Sequence[Service], seconds: float) -> list[Cost]:
    """While nothing is added."""
    before, start = [cost(service) for service in services], time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - start
    after = [cost(service) for service in services]
    return [now.since(then, passed) for now, then in zip(after, before, strict=True)]


def empty_jobs(subject: Subject, jobs: int, seconds: float) -> tuple[float, ...]:
    """Jobs per second from a full queue on; what one costs beside an idle service; and the 99th
    percentile of GET /health/live in milliseconds, idle and while such jobs run.
    """
    rest = {"BEFORE": "0.0"} if subject.is_before else {}
    with subject.service(WORKERS, **rest) as service:
        subject.fill(service, 1)
        service.start_all()
        wait_for_ends(service, subject.jobs)
        time.sleep(SETTLE_SECONDS)
        idle_p99 = _ask(service, seconds)
        (idle,) = _costs_a_second([service], seconds)
        before, start = cost(service), time.monotonic()
        subject.fill(service, jobs)
        ends = wait_for_ends(service, subject.jobs)
        passed = time.monotonic() - start
        spent = cost(service).since(before)
        own = Cost(*(all_ - passed * a_second for all_, a_second in zip(spent, idle, strict=True)))
        subject.fill(service, round(4 * seconds * pace(ends)))
        loaded_p99 = _ask(service, seconds)
        if not service.client().unfinished(subject.jobs):
            raise FastoffloadError("the jobs were over before health was asked for")
        return pace(ends), *own.since(NOTHING, jobs), idle_p99, loaded_p99


def costs_of_running(subjects: Sequence[Subject], seconds: float) -> list[float]:
    """A second of 1 and of MOST jobs that run and change nothing, beside the idle service.

    What rests costs the machine next to nothing, so all subjects are looked at at once: what is
    returned is the first one's, then the next one's. A lease is renewed once meanwhile.
    """
    with ExitStack() as stack:
        services = [
            stack.enter_context(_resting(subject, JOB_LEASE_SECONDS=str(4 * seconds)))
            for subject in subjects
        ]
        time.sleep(SETTLE_SECONDS)
        idle = _costs_a_second(services, seconds)
        costs: list[list[float]] = [[] for _ in subjects]
        for more, running in ((1, 1), (MOST - 1, MOST)):
            for subject, service in zip(subjects, services, strict=True):
                subject.fill(service, more, REST_SECONDS)
                service.wait_until(partial(_run, service, subject, running), "runs")
            time.sleep(SETTLE_SECONDS)
            found = _costs_a_second(services, seconds)
            for own, now, then in zip(costs, found, idle, strict=True):
                own.extend(now.since(then))
        return [part for own in costs for part in own]


@contextmanager
def _resting(subject: Subject, **settings: str) -> Iterator[Service]:
    rest = {"BEFORE": str(REST_SECONDS)} if subject.is_before else {}
    with subject.service(MOST, **settings, **rest) as service:
        service.start_all()
        yield service


def _run(service: Service, subject: Subject, jobs: int) -> bool:
    running = service.client().ask("GET", f"{subject.jobs}?status=running&limit=100")
    return len(running["items"]) >= jobs


def bare_pace(project: Project, jobs: int) -> float:
    """Of what runs the jobs, without rows."""
    if project.choice.is_queue:
        return measure_bare(project, WORKERS, jobs)
    if project.variant == "executor-process":
        with get_context("forkserver").Pool(WORKERS, os.nice, (NICENESS,)) as pool:
            return pace(pool.imap_unordered(_now, range(jobs)))
    with ThreadPoolExecutor(WORKERS) as threads:
        return pace(threads.map(_now, range(jobs)))


def _now(_: int) -> float:
    return time.time()


def _ask(service: Service, seconds: float) -> float:
    generator = "fastoffload.bench.measuring.generator"
    command = [sys.executable, "-m", generator, str(service.port), str(seconds), "0", "1"]
    code, output = run(command, service.folder, os.environ)
    if code:
        raise FastoffloadError(f"the load generator failed: {output[-300:]}")
    answers = sorted(json.loads(output)["answers"])
    return float(answers[int(0.99 * len(answers))])


def new_folder(folder: Path) -> Path:
    """The folder, made."""
    folder.mkdir()
    return folder


@contextmanager
def _killed(service: Service) -> Iterator[Service]:
    try:
        yield service
    finally:
        service.kill_all()
