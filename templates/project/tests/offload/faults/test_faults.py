"""What becomes of jobs that misbehave, and while nothing can be written, in every strategy.

One service for all of them, which each test leaves as it was.
"""

import resource
import socket
import time

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from offload.databases import database_away
from offload.service import COMMANDS, LIMIT_SECONDS, Service, wait_until


def test_a_job_runs_and_says_what_it_made(service: Service) -> None:
    job = service.wait_for(service.submit("artifact"), "succeeded")
    assert job["result"] == {"attempt": 1}
    assert job["progress"] == 1
    assert [artifact["name"] for artifact in job["artifacts"]] == ["text.txt"]
    answer = service.http.get(job["artifacts"][0]["href"])
    assert answer.content == b"kept"
    assert job["started_at"] and job["finished_at"] >= job["started_at"] >= job["created_at"]


def test_the_scratch_folder_is_gone_afterwards(service: Service) -> None:
    service.wait_for(service.submit("artifact"), "succeeded")
    assert not list(service.scratch.glob("offload-*/scratch"))


def test_an_async_def_runs_on_a_loop_of_its_own(service: Service) -> None:
    job = service.wait_for(service.submit(kind="patient", seconds=0.05), "succeeded")
    assert job["result"] == {"waited": 2}


def test_a_second_kind_has_its_own_queue(service: Service) -> None:
    job = service.wait_for(service.submit(kind="slow", seconds=0.1), "succeeded")
    assert (job["queue"], job["result"]) == ("slow", {"times": 10})


def test_an_unexpected_exception_ends_the_job_and_shows_nothing(service: Service) -> None:
    job = service.wait_for(service.submit("broken"), "failed")
    assert job["error"]["code"] == "work_failed"
    assert "secret" not in str(job)
    assert job["attempts"] == 1
    assert "BROKEN: a secret" in service.log.read_text()


def test_what_the_work_refuses_is_told_in_its_own_words(service: Service) -> None:
    job = service.wait_for(service.submit("refused"), "failed")
    assert job["error"] == {"code": "refused", "message": "the file has no rows"}
    assert job["attempts"] == 1


@pytest.mark.parametrize("fault", ["exits", "wrong_progress", "wrong_result"])
def test_a_mistake_in_the_work_ends_the_job(service: Service, fault: str) -> None:
    job = service.wait_for(service.submit(fault), "failed")
    assert (job["error"]["code"], job["attempts"]) == ("work_failed", 1)
    service.wait_for(service.submit(), "succeeded")


@pytest.mark.parametrize("fault", ["transient_once", "unpicklable_once"])
def test_what_fails_for_now_is_tried_again(service: Service, fault: str) -> None:
    job = service.wait_for(service.submit(fault), "succeeded")
    assert job["result"] == {"attempt": 2}
    (attempt,) = job["history"]
    assert attempt["outcome"] == "transient_error"
    assert attempt["worker"].rpartition(":")[2] == str(service.runs(job)[0])


def test_what_goes_on_failing_fails_after_its_attempts(service: Service) -> None:
    job = service.wait_for(service.submit("transient"), "failed")
    assert job["error"]["code"] == "transient_error"
    assert len(service.runs(job)) == job["attempts"] == job["max_attempts"] == 3
    assert [attempt["outcome"] for attempt in job["history"]] == ["transient_error"] * 3


def test_what_raises_at_the_end_fails_the_job_and_writes_nothing(service: Service) -> None:
    job = service.wait_for(service.submit("ledger_broken"), "failed")
    assert (job["error"]["code"], job["result"]) == ("work_failed", None)


def test_a_running_job_is_cancelled_where_it_calls_progress(service: Service) -> None:
    job = service.submit("held")
    service.wait_for(job, "running")
    wait_until(lambda: service.job(job)["progress"] == 0.5, "its progress")
    assert service.http.post(f"/jobs/fault/{job['id']}/cancel").status_code == 202
    service.wait_for(job, "cancelled")


def test_async_work_is_cancelled_where_it_waits(service: Service) -> None:
    job = service.submit(kind="patient", seconds=300)
    service.wait_until_run(job)
    assert service.http.post(f"/jobs/patient/{job['id']}/cancel").status_code == 202
    service.wait_for(job, "cancelled")


def test_a_job_stuck_in_c_is_cancelled_all_the_same(service: Service) -> None:
    job = service.submit("stuck_in_c", seconds=20)
    service.wait_until_run(job)
    assert service.http.post(f"/jobs/fault/{job['id']}/cancel").status_code == 202
    service.wait_for(job, "cancelled")
    service.wait_for(service.submit(), "succeeded")


def test_the_loop_goes_on_answering_while_jobs_compute(service: Service) -> None:
    jobs = [service.submit(kind="slow", seconds=0.5) for _ in range(2)]
    times = []
    while any(service.job(job)["status"] in ("queued", "running") for job in jobs):
        began = time.monotonic()
        assert service.status("/health/live") == 200
        times.append(time.monotonic() - began)
    assert times
    assert "event_loop_stalled" not in service.log.read_text()


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


def test_what_one_connection_can_hold_is_bounded(service: Service) -> None:
    url, job = service.http.base_url, service.submit("held")
    with connect(f"ws://{url.host}:{url.port}/jobs/fault/{job['id']}/ws", proxy=None) as follower:
        assert follower.protocol.extensions == []  # what is compressed could be 1,000 times as long
        follower.send("x" * 70_000)
        with pytest.raises(ConnectionClosedError) as closed:
            while True:
                follower.recv(LIMIT_SECONDS)
    assert closed.value.rcvd and closed.value.rcvd.code == 1009  # too big (RFC 6455)
    address = (url.host, url.port or 80)
    with socket.create_connection(address, timeout=LIMIT_SECONDS) as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nX-Long: " + b"x" * 70_000)
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")
    service.let_go()
    service.wait_for(job, "succeeded")
