"""What a job costs that does nothing: claimed and finished in its row, against the bare engine's.

The rows alone, claimed and finished by as many processes without a queue, are the limit of ours.

All jobs are queued before the worker starts. What counts is the pace of the ends; the first fifth
of them is left out, because in it processes still start and connections are made.
"""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fastoffload.bench.service.projects import INSIDE, Project
from fastoffload.bench.service.service import Service, in_a_folder, with_empty_jobs
from fastoffload.bench.service.ways import Way
from fastoffload.errors import FastoffloadError
from fastoffload.system.processes import run

JOBS = 1000
EMPTY = "/jobs/empty"
WARM_UP = 0.2
BARE_FOR_ONE = 3  # tasks of the bare engine for each of our jobs: they are over so soon

# The hello-world of each engine with the engine's own defaults, on as many processes, and nice as
# our children are: other load on the machine must not tell.
HELLO = {
    "celery": "celery -A hello_celery worker --concurrency {workers}",
    "dramatiq": "dramatiq hello_dramatiq --processes {workers}",
}


@dataclass(frozen=True, slots=True)
class Pace:
    """Jobs per second."""

    ours: float
    rows: float
    bare: float


def measure_empty(project: Project, workers: int) -> Pace:
    """Run empty jobs, the same without a queue, then tasks of the bare engine."""
    return Pace(
        ours=measure_ours(project, workers, JOBS),
        rows=_measure_rows(project, workers),
        bare=measure_bare(project, workers, BARE_FOR_ONE * JOBS),
    )


def measure_ours(project: Project, workers: int, jobs: int) -> float:
    """Empty jobs per second of a project's service, all queued before it starts."""
    way = Way(project.variant, project)
    with in_a_folder(way, {"JOB_WORKERS": str(workers)}, with_empty_jobs) as service:
        project.script("fill.py", jobs, env=service.environment, cwd=service.folder)
        service.start_all()
        return pace(wait_for_ends(service, EMPTY))


def wait_for_ends(service: Service, jobs: str) -> list[float]:
    """When each job of a kind ended, in seconds of Unix time, when none is left."""
    client = service.client()
    service.wait_until(lambda: not client.unfinished(jobs), "end of all jobs", pause=1)
    ends = (datetime.fromisoformat(job["finished_at"]) for job in client.jobs(jobs))
    return [end.timestamp() for end in ends]


def _measure_rows(project: Project, workers: int) -> float:
    with in_a_folder(Way(project.variant, project), {}, with_empty_jobs) as service:
        environment = service.environment
        ends = project.script("rows.py", workers, JOBS, env=environment, cwd=service.folder)
        return pace(map(float, filter(_is_number, ends)))


def _is_number(line: str) -> bool:
    return line.replace(".", "", 1).isdigit()  # the rest is what the engine logs


def measure_bare(project: Project, workers: int, jobs: int) -> float:
    """Tasks per second of the bare engine, as many as jobs, all queued before it starts."""
    with in_a_folder(Way(project.variant, project), {}) as service:
        ends = service.folder / "ends"
        service.environment["ENDS_FILE"] = str(ends)
        service.start("broker")
        started = "python app/offload/dev/broker.py"  # with the embedded broker's address
        queue = f"{started} python {INSIDE / f'hello_{project.strategy}.py'} {jobs}"
        code, output = run(shlex.split(queue), service.folder, service.environment)
        if code != 0:
            raise FastoffloadError(f"hello-world on bare {project.strategy}: {output[-300:]}")
        hello = HELLO[project.strategy].format(workers=workers)
        service.start("hello", f"exec nice -n 10 {started} {hello}")
        service.wait_until(lambda: len(_lines(ends)) == jobs, "end of all tasks", pause=1)
        return pace(map(float, _lines(ends)))


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def pace(ends: Iterable[float]) -> float:
    """How many ended in a second, but for the first ones."""
    counted = sorted(ends)
    counted = counted[int(len(counted) * WARM_UP) :]
    return (len(counted) - 1) / (counted[-1] - counted[0])
