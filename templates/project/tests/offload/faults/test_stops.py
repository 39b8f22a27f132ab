"""Stops, deaths and outages of the whole service: no job is lost, no stop is an attempt.

One service for most of them, which each test leaves running.
"""

import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from offload.databases import database_away
from offload.service import COMMANDS, LIMIT_SECONDS, Service, ServiceMaker, wait_until


def test_no_way_of_stopping_costs_an_attempt(service: Service) -> None:
    job = service.submit("held")
    for number, stop in enumerate(
        (
            lambda: service.send_to_group(signal.SIGINT),
            lambda: service.send(signal.SIGTERM),
            lambda: service.send_to_group(signal.SIGHUP),
            lambda: service.send_to_group(signal.SIGTERM),
            lambda: hang_up(service),
        ),
        start=1,
    ):
        service.wait_until_run(job, times=number)
        stop()
        service.wait_until_ended()
        wait_until(lambda: not service.processes(), "no process to be left")
        service.start()
    service.wait_until_run(job, times=6)
    service.let_go()
    done = service.wait_for(job, "succeeded")
    assert done["attempts"] == 1
    assert {attempt["outcome"] for attempt in done["history"]} == {"interrupted"}
    assert "Traceback" not in service.log.read_text()


def hang_up(service: Service) -> None:
    """Close the terminal of Uvicorn itself, which is all there is where no launcher starts it."""
    for process in service.processes("web"):
        if "uvicorn" in (Path(part).name for part in process.cmdline()):
            process.send_signal(signal.SIGHUP)
    for name in COMMANDS.keys() - {"web", "broker"}:
        service.send(signal.SIGTERM, name)


def test_a_job_that_heeds_no_stop_costs_no_attempt(service: Service) -> None:
    job = service.submit("stuck_in_c")
    service.wait_until_run(job)
    service.stop()
    service.start()
    service.wait_until_run(job, times=2)
    (attempt,) = service.job(job)["history"]
    assert attempt["outcome"] == "interrupted"
    assert service.http.post(f"/jobs/fault/{job['id']}/cancel").status_code == 202
    service.wait_for(job, "cancelled")


def test_a_job_that_can_end_within_the_grace_period_does(make_service: ServiceMaker) -> None:
    service = make_service(SHUTDOWN_GRACE_SECONDS="30").start()
    job = service.submit(kind="slow", seconds=2)
    service.wait_until_run(job)
    service.stop()
    service.start()
    done = service.wait_for(job, "succeeded")
    assert (done["attempts"], len(service.runs(job))) == (1, 1)


def test_a_stop_is_not_as_long_as_the_server_would_wait(service: Service) -> None:
    service.stop()
    service.start("--timeout-graceful-shutdown 600")
    job = service.submit("held")
    service.wait_until_run(job)
    service.stop()  # the launcher kills what goes on
    service.start()
    service.let_go()
    done = service.wait_for(job, "succeeded")
    assert (done["attempts"], done["history"][0]["outcome"]) == (1, "interrupted")


def test_kill_of_everything_costs_an_attempt_and_no_job(service: Service) -> None:
    running, waiting = service.submit("held"), [service.submit() for _ in range(20)]
    service.wait_until_run(running)
    service.kill()
    service.let_go()
    service.start()
    done = service.wait_for(running, "succeeded")
    assert done["attempts"] == 2
    assert done["history"][0]["outcome"] == "worker_lost"
    for job in waiting:
        service.wait_for(job, "succeeded")


def test_an_outage_of_the_database_costs_no_attempt(service: Service) -> None:
    held, ending = service.submit("held"), service.submit("stuck_in_c", seconds=3)
    service.wait_until_run(held)
    service.wait_until_run(ending)
    with database_away(service.database_url):
        time.sleep(2 * float(service.environment["JOB_LEASE_SECONDS"]))
    service.let_go()
    for job in (held, ending):
        assert service.wait_for(job, "succeeded")["attempts"] == 1
        assert len(service.runs(job)) == 1


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="not run: needs Linux's prlimit")
def test_a_full_disk_costs_no_attempt(service: Service) -> None:
    job = service.submit("artifact", seconds=1.0)
    service.wait_until_run(job)
    processes = [process.pid for process in service.processes(*COMMANDS.keys() - {"broker"})]
    for pid in processes:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    time.sleep(4)
    for pid in processes:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    done = service.wait_for(job, "succeeded")
    assert done["attempts"] == 1
    assert service.http.get(done["artifacts"][0]["href"]).content == b"kept"


@pytest.mark.skipif("broker" in COMMANDS, reason="not run: a process of its own runs the jobs")
@pytest.mark.parametrize("fails", [False, True])
def test_an_application_that_ends_without_a_signal_leaves_nothing_behind(
    make_service: ServiceMaker, fails: bool
) -> None:
    service = make_service()
    script = service.folder / "script.py"
    script.write_text(WITHOUT_A_SERVER)
    ended = subprocess.run(
        [sys.executable, str(script), "fails" if fails else ""],
        cwd=service.folder,
        env=service.environment,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert ended.returncode in (0, 1)  # what hangs on a thread is ended with 1
    service.start()
    (service.folder / "let-go").touch()
    (job,) = service.http.get("/jobs").json()["items"]
    assert service.wait_for(job, "succeeded")["attempts"] == 1


WITHOUT_A_SERVER = """
import asyncio, sys
from contextlib import suppress
from pathlib import Path
from app.jobs.fault.kind import KIND, FaultParams
from app.main import app
from app.offload.database.engines import transact

def add(connection):
    KIND.enqueue(connection, FaultParams(fault="held"))

async def main():
    async with app.router.lifespan_context(app):
        await asyncio.to_thread(transact, add)
        while not Path("runs").exists():
            await asyncio.sleep(0.05)
        if sys.argv[1]:
            raise KeyError

if __name__ == "__main__":
    with suppress(KeyError):
        asyncio.run(main())
"""
