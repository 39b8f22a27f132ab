"""What becomes of jobs whose process dies, or is held by C code; one service for all of them."""

import os
import signal
import time

import psutil
import pytest

from offload.service import Service, wait_until


def test_a_job_that_kills_its_process_each_time_fails(service: Service) -> None:
    beside = service.submit(kind="slow", seconds=1)
    job = service.wait_for(service.submit("killed"), "failed")
    assert job["error"]["code"] == "worker_lost"
    pids = service.runs(job)
    assert len(pids) == len(set(pids)) == 3
    assert [attempt["outcome"] for attempt in job["history"]] == ["worker_lost"] * 3
    assert [attempt["worker"].rpartition(":")[2] for attempt in job["history"]] == [
        str(pid) for pid in pids
    ]
    assert "-9" in job["history"][0]["detail"]
    assert service.wait_for(beside, "succeeded")["attempts"] == 1
    service.wait_for(service.submit(), "succeeded")


def test_a_job_whose_process_dies_once_succeeds(service: Service) -> None:
    job = service.wait_for(service.submit("killed_once"), "succeeded")
    assert job["result"] == {"attempt": 2}


def test_a_process_that_ends_as_if_planned_is_noticed(service: Service) -> None:
    job = service.wait_for(service.submit("exits_at_once"), "failed")
    assert (job["error"]["code"], job["attempts"]) == ("worker_lost", 3)


def test_c_code_that_holds_the_gil_for_longer_than_a_lease_is_one_attempt(
    service: Service,
) -> None:
    lease = float(service.environment["JOB_LEASE_SECONDS"])
    job = service.wait_for(service.submit("holds_the_gil", seconds=2.5 * lease), "succeeded")
    assert (job["attempts"], len(service.runs(job))) == (1, 1)


@pytest.mark.parametrize("holds_the_gil", [False, True])
def test_a_job_past_its_deadline_is_killed(service: Service, holds_the_gil: bool) -> None:
    job = service.submit(kind="brief", seconds=120, holds_the_gil=holds_the_gil)
    (pid,) = service.wait_until_run(job)
    assert service.wait_for(job, "failed")["error"]["code"] == "deadline_exceeded"
    wait_until(lambda: not psutil.pid_exists(pid), "the process to be gone")
    assert len(service.runs(job)) == 1


def test_a_cancelled_job_that_holds_the_gil_is_killed(service: Service) -> None:
    job = service.submit("holds_the_gil", seconds=120)
    (pid,) = service.wait_until_run(job)
    assert service.http.post(f"/jobs/fault/{job['id']}/cancel").status_code == 202
    service.wait_for(job, "cancelled")
    wait_until(lambda: not psutil.pid_exists(pid), "the process to be gone")


def test_a_run_that_stood_still_past_its_lease_and_came_back_changes_nothing(
    service: Service,
) -> None:
    job = service.submit("held")
    (pid,) = service.wait_until_run(job)
    everybody = [process.pid for process in service.processes()]
    for each in everybody:  # parent and children, or the parent would renew the lease
        os.kill(each, signal.SIGSTOP)
    time.sleep(2 * float(service.environment["JOB_LEASE_SECONDS"]))
    for each in everybody:
        os.kill(each, signal.SIGCONT)
    service.let_go()
    done = service.wait_for(job, "succeeded")
    assert done["attempts"] == len(service.runs(job))
    (service.folder / "let-go").unlink()
    assert pid


def test_a_child_that_is_killed_from_outside_takes_no_other_along(service: Service) -> None:
    first, second = service.submit("held"), service.submit("held")
    (pid,) = service.wait_until_run(first)
    service.wait_until_run(second)
    os.kill(pid, signal.SIGKILL)
    service.wait_until_run(first, times=2)
    service.let_go()
    assert service.wait_for(first, "succeeded")["attempts"] == 2
    assert service.wait_for(second, "succeeded")["attempts"] == 1
    (service.folder / "let-go").unlink()


def test_polite_signals_to_a_child_cost_no_attempt(service: Service) -> None:
    job = service.submit("held")
    (pid,) = service.wait_until_run(job)
    os.kill(pid, signal.SIGTERM)
    service.wait_until_run(job, times=2)
    service.let_go()
    assert service.wait_for(job, "succeeded")["attempts"] == 1
    (service.folder / "let-go").unlink()
