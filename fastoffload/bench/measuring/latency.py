"""How the event loop fares while reports are computed, how many get done, and what it takes."""

import itertools
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastoffload.bench.measuring.work import Work
from fastoffload.bench.service.folder import private_folder
from fastoffload.bench.service.projects import Project
from fastoffload.bench.service.service import LIMIT_SECONDS, Service, in_a_folder
from fastoffload.bench.service.ways import Way
from fastoffload.errors import FastoffloadError
from fastoffload.system.processes import run

IDLE_SECONDS = 2  # of questions while nothing else happens
LOADED_SECONDS = 4  # while reports wait and run
LONG_SECONDS = "600"  # no run need be taken for dead here


@dataclass(frozen=True, slots=True)
class Round:
    """What was measured of a way in one round.

    Latencies and the generator's lateness in milliseconds, memory in megabytes: PSS, and what is
    the processes' own alone. `of_bare` is the share of the bare pool's jobs per second in the same
    round; `alone_seconds` and `done_*`, in seconds too, run from a submit to the
    report's end.
    """

    idle_p50: float
    idle_p99: float
    idle_max: float
    loaded_p50: float
    loaded_p99: float
    loaded_max: float
    submit_p50: float
    submit_p99: float
    submit_max: float
    late_p50: float
    late_p99: float
    late_max: float
    done_p50: float
    done_p99: float
    done_max: float
    jobs_per_second: float
    of_bare: float
    alone_seconds: float
    start_seconds: float
    unanswered: float
    api_mb: float
    api_own_mb: float
    worker_mb: float | None
    worker_own_mb: float | None


def measure(way: Way, work: Work, bare: float) -> Round:
    """Start the service, ask it for reports, stop it."""
    with in_a_folder(way, _settings(work)) as service:
        start_seconds = service.start_all()
        alone = _warm_up(service, work)
        idle = _generate(service, work, IDLE_SECONDS, 0)
        loaded = _generate(service, work, LOADED_SECONDS, work.in_flight)
        api, workers = service.memory("web"), _memory_of_workers(service)
        rate, done = _burst(service, work)
    return Round(
        *_percentiles(idle["answers"]),
        *_percentiles(loaded["answers"]),
        *_percentiles(loaded["submits"]),
        *_percentiles([*idle["late"], *loaded["late"]]),
        *_percentiles(done),
        rate,
        rate / bare,
        alone,
        start_seconds,
        idle["failed"] + loaded["failed"],
        *api,
        *workers,
    )


def measure_bare(project: Project, work: Work) -> float:
    """Reports per second of a pool that only computes and renders."""
    with private_folder() as folder:
        arguments = (work.workers, work.burst, work.resamples)
        environment = project.environment()
        return float(project.script("bare_pool.py", *arguments, env=environment, cwd=folder)[-1])


def seconds_from_submit_to_end(report: dict[str, Any]) -> float:
    """As its row has it."""
    return (_at(report, "finished_at") - _at(report, "created_at")).total_seconds()


def _settings(work: Work) -> dict[str, str]:
    return {
        "JOB_WORKERS": str(work.workers),
        "LOG_LEVEL": "WARNING",
        "JOB_LEASE_SECONDS": LONG_SECONDS,
    }


def _warm_up(service: Service, work: Work) -> float:
    """Have all loaded now that is loaded later; how long a report then takes that is alone."""
    client = service.client()
    client.put_sample(service.way.project.sample)
    _generate(service, work, 0, work.workers)
    _wait_until_idle(service, work, pause=0.1)
    client = service.client()
    report = client.submit(work.resamples)
    _wait_until_idle(service, work, pause=0.1)
    return seconds_from_submit_to_end(client.report(report))


def _generate(service: Service, work: Work, seconds: float, reports: int) -> dict[str, Any]:
    """What the load generator, another process, finds out."""
    arguments = [str(part) for part in (service.port, seconds, reports, work.resamples)]
    if service.way.held:
        arguments.append("--held")
    command = [sys.executable, "-m", "fastoffload.bench.measuring.generator", *arguments]
    code, output = run(command, service.folder, os.environ)
    if code != 0:
        reason = output.strip().splitlines()[-1:]
        raise FastoffloadError(f"{service.way.name}: the load generator failed: {reason}")
    return dict(json.loads(output))


def _memory_of_workers(service: Service) -> tuple[float | None, float | None]:
    return service.memory("worker") if "worker" in service.commands else (None, None)


def _wait_until_idle(service: Service, work: Work, pause: float) -> None:
    limit = LIMIT_SECONDS + 2 * work.in_flight * work.job_seconds
    client = service.client()
    service.wait_until(lambda: not client.unfinished(), "end of the reports", pause, limit)


def _burst(service: Service, work: Work) -> tuple[float, list[float]]:
    """Reports per second, and the seconds of each, of those asked for at once."""
    service.client().cancel_all()
    _wait_until_idle(service, work, pause=0.1)
    burst = _generate(service, work, 0, work.burst)
    rate, done = _outcome(service, work)
    if service.way.held:  # the rows begin when it is their turn; the clients have waited all along
        done = [milliseconds / 1000 for milliseconds in burst["submits"]]
    return rate, done


def _outcome(service: Service, work: Work) -> tuple[float, list[float]]:
    """Reports per second, and the seconds of each, of the last ones asked for.

    They were submitted at once: what counts is from the first submit to the last end.
    """
    _wait_until_idle(service, work, pause=0.5)  # the times come from the rows; a look would cost
    made = list(itertools.islice(service.client().jobs(), work.burst))
    lost = [report["error"] for report in made if report["status"] != "succeeded"]
    if lost:
        raise FastoffloadError(f"{service.way.name}: a report did not succeed: {lost[0]}")
    start = min(_at(report, "created_at") for report in made)
    end = max(_at(report, "finished_at") for report in made)
    rate = work.burst / (end - start).total_seconds()
    return rate, [seconds_from_submit_to_end(report) for report in made]


def _at(report: dict[str, Any], key: str) -> datetime:
    return datetime.fromisoformat(report[key])


def _percentiles(times: Sequence[float]) -> tuple[float, float, float]:
    """The median, the 99th percentile and the maximum."""
    if not times:
        raise FastoffloadError("not one question was answered; the machine is too busy to measure")
    ordered = sorted(times)
    median, most = (ordered[int(len(ordered) * share)] for share in (0.5, 0.99))
    return median, most, ordered[-1]
