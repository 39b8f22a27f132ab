"""Stops and deaths of the whole service: no job is lost, no stop is an attempt.

One service for most of them, which each test leaves running.
"""

import signal
import socket
from pathlib import Path

from offload.databases import job_rows
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


def half_a_request(service: Service) -> socket.socket:
    """A connection over which the service waits for the rest of a body."""
    url = service.http.base_url
    connection = socket.create_connection((url.host, url.port or 80), timeout=LIMIT_SECONDS)
    head = f"POST /jobs/fault HTTP/1.1\r\nHost: {url.host}\r\nContent-Type: application/json\r\n"
    connection.sendall(f"{head}Content-Length: 99\r\nExpect: 100-continue\r\n\r\n".encode())
    assert b" 100 " in connection.recv(1024)  # which Uvicorn says when the route reads
    connection.sendall(b"{")
    return connection


def test_a_job_that_heeds_no_stop_costs_no_attempt(service: Service) -> None:
    job = service.submit("stuck_in_c")
    service.wait_until_run(job)
    with half_a_request(service) as connection:
        service.stop()
        answer = connection.recv(65_536).decode()
    assert answer.startswith("HTTP/1.1 503 ")
    assert "retry-after: " in answer.lower()
    assert "Traceback" not in service.log.read_text()
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
    assert job_rows(service.database_url) == [("succeeded", 1)]
    assert len(service.runs(job)) == 1


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
