"""What a job costs that does nothing: claimed and finished in its row, against the bare engine's.

The rows alone, claimed and finished by as many processes without a queue, are the limit of ours.

All jobs are queued before the worker starts. What counts is the pace of the ends; the first fifth
of them is left out, because in it processes still start and connections are made.
"""

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from client import Client
from projects import INSIDE, Project
from reports import WORKERS
from running import Service, in_a_folder

WARM_UP = 0.2
BARE_FOR_ONE = 4  # tasks of the bare engine for each of our jobs: they are over so soon

# The hello-world of each engine with the engine's own defaults, on as many processes, and nice as
# our children are: other load on the machine must not tell.
HELLO = {
    "celery": f"celery -A hello_celery worker --concurrency {WORKERS}",
    "dramatiq": f"dramatiq hello_dramatiq --processes {WORKERS}",
}


@dataclass(frozen=True, slots=True)
class Pace:
    """Jobs per second in one round."""

    ours: float
    rows: float
    bare: float


def measure(project: Project, jobs: int) -> Pace:
    """Run so many empty reports, the same without a queue, then tasks of the bare engine."""
    return Pace(
        ours=measure_ours(project, jobs),
        rows=measure_rows(project, jobs),
        bare=measure_bare(project, BARE_FOR_ONE * jobs),
    )


def measure_ours(project: Project, jobs: int) -> float:
    """Empty reports per second."""
    settings = {"JOB_WORKERS": str(WORKERS), "MAX_QUEUED": str(jobs + 1)}
    with in_a_folder(project, **settings) as service:
        service.start("broker")
        service.start("web")
        service.wait_until_ready()
        client = service.client()
        _queue(service, client, jobs)
        paths = project.environment(INSIDE / "empty")["PYTHONPATH"]
        service.start("worker", PYTHONPATH=paths)
        service.wait_until(lambda: not client.unfinished(most=1), "end of all jobs", pause=1)
        return _pace(datetime.fromisoformat(r["finished_at"]).timestamp() for r in client.reports())


def measure_rows(project: Project, jobs: int) -> float:
    """Empty reports per second of processes that are fed by no queue."""
    with in_a_folder(project) as service, service.log.open("wb") as log:
        paths = {"PYTHONPATH": project.environment(INSIDE / "empty")["PYTHONPATH"]}
        ends = subprocess.run(
            project.script("rows.py", WORKERS, jobs),
            check=True,
            cwd=service.folder,
            env=service.environment | paths,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ).stdout
    return _pace(map(float, ends.split()))


def measure_bare(project: Project, jobs: int) -> float:
    """Tasks of the bare engine per second."""
    with in_a_folder(project) as service:
        ends = service.folder / "ends"
        service.environment |= {
            "ENDS_FILE": str(ends),
            "PYTHONPATH": project.environment(INSIDE)["PYTHONPATH"],
        }
        service.start("broker")
        run = "python -m app.dev.run"  # with the embedded broker's address
        queue = f"{run} python {INSIDE / f'hello_{project.variant}.py'} {jobs}"
        subprocess.run(queue, shell=True, check=True, cwd=service.folder, env=service.environment)
        service.start("hello", f"exec nice -n 10 {run} {HELLO[project.variant]}")
        service.wait_until(lambda: len(_lines(ends)) == jobs, "end of all tasks", pause=1)
        return _pace(map(float, _lines(ends)))


def _queue(service: Service, client: Client, jobs: int) -> None:
    """Ask for reports, and wait until the doorbell has rung for all of them."""
    client.ask("PUT", "/datasets/nile", b"taken_at,value\n1871-01-01,1120\n", "text/csv")
    client.submit(jobs, resamples=1)
    service.wait_until(lambda: service.log.read_text().count('"rung"') >= jobs, "doorbell")


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def _pace(ends: Iterable[float]) -> float:
    counted = sorted(ends)
    counted = counted[int(len(counted) * WARM_UP) :]
    return (len(counted) - 1) / (counted[-1] - counted[0])
