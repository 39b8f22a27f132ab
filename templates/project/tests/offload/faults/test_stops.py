"""Stops and deaths of the whole service: no job is lost, no stop is an attempt.

One service for all of them, which each test leaves running.
"""

import signal
import socket
from pathlib import Path
from typing import Any

from offload.service import COMMANDS, LIMIT_SECONDS, Service, wait_until


def test_no_way_of_stopping_costs_an_attempt(service: Service) -> None:
    held, stuck = service.submit("held"), service.submit("stuck_in_c")  # which heeds no stop
    service.wait_until_run(stuck)
    stops = [
        lambda: service.send_to_group(signal.SIGTERM),
        lambda: service.send_to_group(signal.SIGINT),
    ]
    if "worker" not in COMMANDS:  # workers have tests of their own
        stops += [lambda: service.send_to_group(signal.SIGHUP), lambda: hang_up(service)]
    for number, stop in enumerate(stops, start=1):
        service.wait_until_run(held, times=number)
        with half_a_request(service) as connection:
            stop()
            service.wait_until_ended()
            answer = connection.recv(65_536).decode().lower()
        assert answer.startswith("http/1.1 503 ") and "\r\nretry-after: " in answer
        wait_until(lambda: not service.processes(), "no process to be left")
        service.start()
        if number == 1:
            cancel_interrupted(service, stuck)
    service.wait_until_run(held, times=len(stops) + 1)
    service.let_go()
    done = service.wait_for(held, "succeeded")
    assert done["attempts"] == 1
    assert {attempt["outcome"] for attempt in done["history"]} == {"interrupted"}
    assert "Traceback" not in service.log.read_text()


def cancel_interrupted(service: Service, job: dict[str, Any]) -> None:
    """End a job that a stop has interrupted, and that runs again."""
    service.wait_until_run(job, times=2)
    (attempt,) = service.job(job)["history"]
    assert attempt["outcome"] == "interrupted"
    assert service.http.post(f"/jobs/fault/{job['id']}/cancel").status_code == 202
    assert service.wait_for(job, "cancelled")["attempts"] == 1


def hang_up(service: Service) -> None:
    """Close the terminal of Uvicorn itself, which is all there is where no launcher starts it."""
    for process in service.processes("web"):
        if "uvicorn" in (Path(part).name for part in process.cmdline()):
            process.send_signal(signal.SIGHUP)


def half_a_request(service: Service) -> socket.socket:
    """A connection over which the service waits for the rest of a body."""
    url = service.http.base_url
    connection = socket.create_connection((url.host, url.port or 80), timeout=LIMIT_SECONDS)
    head = f"POST /jobs/fault HTTP/1.1\r\nHost: {url.host}\r\nContent-Type: application/json\r\n"
    connection.sendall(f"{head}Content-Length: 99\r\nExpect: 100-continue\r\n\r\n".encode())
    assert b" 100 " in connection.recv(1024)  # which Uvicorn says when the route reads
    connection.sendall(b"{")
    return connection


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
