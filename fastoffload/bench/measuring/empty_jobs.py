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
from fastoffload.bench.service.service import in_a_folder
from fastoffload.bench.service.ways import Way
from fastoffload.errors import FastoffloadError
from fastoffload.system.processes import run

JOBS = 300
WARM_UP = 0.2
BARE_FOR_ONE = 4  # tasks of the bare engine for each of our jobs: they are over so soon

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
    """Run empty reports, the same without a queue, then tasks of the bare engine."""
    return Pace(
        ours=_measure_ours(project, workers),
        rows=_measure_rows(project, workers),
        bare=_measure_bare(project, workers, BARE_FOR_ONE * JOBS),
    )


def _measure_ours(project: Project, workers: int) -> float:
    settings = {"JOB_WORKERS": str(workers), "MAX_QUEUED": str(JOBS + 1)}
    with in_a_folder(Way(project.variant, project), **settings) as service:
        service.start("broker")
        service.start("web")
        service.wait_until_ready()
        client = service.client()
        client.put_sample(b"taken_at,value\n1871-01-01,1120\n")
        for _ in range(JOBS):
            client.submit(resamples=1)
        service.wait_until(lambda: service.log.read_text().count('"rung"') >= JOBS, "doorbell")
        paths = project.environment(INSIDE / "empty")["PYTHONPATH"]
        service.start("worker", PYTHONPATH=paths)
        service.wait_until(lambda: not client.unfinished(), "end of all jobs", pause=1)
        return _pace(datetime.fromisoformat(r["finished_at"]).timestamp() for r in client.reports())


def _measure_rows(project: Project, workers: int) -> float:
    paths = {"PYTHONPATH": project.environment(INSIDE / "empty")["PYTHONPATH"]}
    with in_a_folder(Way(project.variant, project), LOG_LEVEL="WARNING") as service:
        environment = service.environment | paths
        ends = project.script("rows.py", workers, JOBS, env=environment, cwd=service.folder)
        return _pace(map(float, ends))


def _measure_bare(project: Project, workers: int, jobs: int) -> float:
    with in_a_folder(Way(project.variant, project)) as service:
        ends = service.folder / "ends"
        service.environment["ENDS_FILE"] = str(ends)
        service.start("broker")
        started = "python -m app.dev.run"  # with the embedded broker's address
        queue = f"{started} python {INSIDE / f'hello_{project.strategy}.py'} {jobs}"
        code, output = run(shlex.split(queue), service.folder, service.environment)
        if code != 0:
            raise FastoffloadError(f"hello-world on bare {project.strategy}: {output[-300:]}")
        hello = HELLO[project.strategy].format(workers=workers)
        service.start("hello", f"exec nice -n 10 {started} {hello}")
        service.wait_until(lambda: len(_lines(ends)) == jobs, "end of all tasks", pause=1)
        return _pace(map(float, _lines(ends)))


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def _pace(ends: Iterable[float]) -> float:
    counted = sorted(ends)
    counted = counted[int(len(counted) * WARM_UP) :]
    return (len(counted) - 1) / (counted[-1] - counted[0])
