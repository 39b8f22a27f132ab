"""How the event loop fares while reports are computed, and how many get done."""

import itertools
import subprocess
import threading
import time
from dataclasses import dataclass
from datetime import datetime

from client import Client
from projects import Project
from running import Service, in_a_folder

IN_FLIGHT = 20
WORKERS = 2
RESAMPLES = 35_000  # about half a second of pure Python for the 100 readings of the sample
PAUSE_SECONDS = 0.01  # between two questions


@dataclass(frozen=True, slots=True)
class Round:
    """What was measured of a variant in one round. Times in milliseconds, memory in megabytes."""

    idle: list[float]
    loaded: list[float]
    submits: list[float]
    reports_per_second: float
    of_bare: float
    megabytes: float
    worker_megabytes: float | None


def measure(project: Project, reports: int, bare: float) -> Round:
    """Start the service, ask it for reports, stop it."""
    with in_a_folder(project, JOB_WORKERS=str(WORKERS), LOG_LEVEL="WARNING") as service:
        for name in service.commands:
            service.start(name)
        service.wait_until_ready()
        client = service.client()
        sample = (project.folder / "samples" / "nile.csv").read_bytes()
        client.ask("PUT", "/datasets/nile", sample, "text/csv")
        client.submit(WORKERS, RESAMPLES)  # so that all that is loaded later is loaded now
        service.wait_until(lambda: not client.unfinished(), "first report")
        idle = [_paced(client) for _ in range(300)]
        loaded, submits, memory = _load(service, client, reports)
        rate = _throughput(client, reports)
        return Round(idle, loaded, submits, rate, rate / bare, *memory)


def measure_bare(project: Project, reports: int) -> float:
    """Reports per second of a pool that only computes and renders."""
    command = project.script("bare_pool.py", WORKERS, reports, RESAMPLES)
    environment = project.environment()
    return float(subprocess.run(command, check=True, env=environment, capture_output=True).stdout)


def _load(
    service: Service, client: Client, reports: int
) -> tuple[list[float], list[float], tuple[float, float | None]]:
    """The times of health answers and of submits under load, and the memory in use meanwhile."""
    submits: list[float] = []
    feeder = threading.Thread(target=_feed, args=(service.client(), reports, submits))
    feeder.start()
    loaded: list[float] = []
    memory: tuple[float, float | None] = 0, None
    while feeder.is_alive():
        loaded.append(_paced(client))
        if len(loaded) == 100:
            memory = _memory(service)
    return loaded, submits, memory


def _memory(service: Service) -> tuple[float, float | None]:
    workers = {"worker"} & service.commands.keys()
    return service.megabytes({"web"}), service.megabytes(workers) if workers else None


def _throughput(client: Client, reports: int) -> float:
    """Reports per second, all of them submitted at once: from the first submit to the last end."""
    client.submit(reports, RESAMPLES)
    while client.unfinished(most=1):
        time.sleep(1)  # the times come from the rows: asking more often would only cost
    made = list(itertools.islice(client.reports(), reports))
    start = min(datetime.fromisoformat(report["created_at"]) for report in made)
    end = max(datetime.fromisoformat(report["finished_at"]) for report in made)
    return reports / (end - start).total_seconds()


def _feed(client: Client, reports: int, submits: list[float]) -> None:
    """Keep IN_FLIGHT reports unfinished until as many as wanted were submitted, then wait."""
    while len(submits) < reports or client.unfinished():
        room = min(IN_FLIGHT - client.unfinished(), reports - len(submits))
        submits += client.submit(room, RESAMPLES)
        time.sleep(0.25)


def _paced(client: Client) -> float:
    time.sleep(PAUSE_SECONDS)
    return client.timed("GET", "/health/live")
