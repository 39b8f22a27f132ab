"""What is lost when a part is killed in the middle: every report is followed to its end."""

import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastoffload.bench.measuring.work import Work
from fastoffload.bench.service.client import RefusedError
from fastoffload.bench.service.service import Service, in_a_folder
from fastoffload.bench.service.ways import Way

ENDED = {"succeeded", "failed", "cancelled"}
JOBS_A_WORKER = 3  # asked for before the kill: some run, some wait
WHILE_AWAY = 2  # asked for while a worker or a broker is away
LEASE_SECONDS = 4  # after which a run is taken for dead: as short as may be
LIMIT_SECONDS = 60  # after the restart; a report that has not ended by then counts as lost

# Short, so that what is put back is put back soon.
SETTINGS = {
    "JOB_LEASE_SECONDS": str(LEASE_SECONDS),
    "SWEEP_SECONDS": "0.5",
    "LOG_LEVEL": "INFO",
}


@dataclass(frozen=True, slots=True)
class Loss:
    """What became of the reports when a part got SIGKILL in the middle and was started again.

    `accepted` were answered 202, `unanswered` never: their client does not know. `lost` of the
    accepted did not succeed. `ran_again` were started more than once, which is no loss.
    """

    way: str
    killed: str
    asked: int
    accepted: int
    unanswered: int
    succeeded: int
    lost: int
    ran_again: int
    seconds: float


def count_losses(way: Way, work: Work) -> list[Loss]:
    """Kill the parts one by one, each while reports run and wait."""
    workers = str(work.workers)
    with in_a_folder(way, {"JOB_WORKERS": workers, **SETTINGS}) as service:
        service.start_all()
        service.client().put_sample(way.project.sample)
        return [
            _kill(service, work, part, command)
            for part, command in _parts(way).items()
            if command in service.commands
        ]


def _parts(way: Way) -> dict[str, str]:
    """What is killed, and by which command it is started: not a broker that others may use."""
    parts = {"server": "web"}
    if not way.held:  # else no worker has anything to do
        parts["worker"] = "worker"
    if not way.held and not way.project.broker_url:
        parts["broker"] = "broker"
    return parts


def _kill(service: Service, work: Work, part: str, command: str) -> Loss:
    found = _submit_and_kill(service, work, command)
    if part != "server":
        found += [_submit(service, work) for _ in range(WHILE_AWAY)]
    start = time.monotonic()
    service.start(command)
    service.wait_until_ready()
    accepted = [report_id for report_id in found if report_id]
    reports = _follow(service, accepted, LIMIT_SECONDS + len(accepted) * work.job_seconds)
    succeeded = sum(report["status"] == "succeeded" for report in reports)
    return Loss(
        way=service.way.name,
        killed=part,
        asked=len(found),
        accepted=len(accepted),
        unanswered=len(found) - len(accepted),
        succeeded=succeeded,
        lost=len(accepted) - succeeded,
        ran_again=sum(report["attempts"] > 1 for report in reports),
        seconds=time.monotonic() - start,
    )


def _submit_and_kill(service: Service, work: Work, command: str) -> list[str | None]:
    """Ask for reports, each by a client of its own, and kill when the first of them runs."""
    begun = _held_runs(service)
    asked = JOBS_A_WORKER * work.workers
    with ThreadPoolExecutor(asked) as clients:
        try:
            answers = [clients.submit(_submit, service, work) for _ in range(asked)]
            if not service.way.held:
                wait(answers)
            runs = partial(_runs_since, service, begun)
            service.wait_until(runs, "run of a report", pause=0.01)
            service.kill(command)
        except BaseException:
            service.kill_all()  # the clients wait for its answers, and the pool for the clients
            raise
        return [answer.result() for answer in answers]


def _submit(service: Service, work: Work) -> str | None:
    """The id of the report; None when there was no answer."""
    try:
        return service.client().submit(work.resamples)
    except (OSError, RefusedError):
        return None


def _runs_since(service: Service, begun: int) -> bool:
    if service.way.held:  # it cannot be asked: it may stand still
        return _held_runs(service) > begun
    return service.client().has_running()


def _held_runs(service: Service) -> int:
    return service.log.read_text(errors="replace").count("held_run_begun")


def _follow(service: Service, report_ids: list[str], seconds: float) -> list[dict[str, Any]]:
    """The reports when all have ended, or as they are when the time is over."""
    client, end = service.client(), time.monotonic() + seconds
    while True:
        reports = [client.report(report_id) for report_id in report_ids]
        if all(report["status"] in ENDED for report in reports) or time.monotonic() > end:
            return reports
        time.sleep(0.2)
