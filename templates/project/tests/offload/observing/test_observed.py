"""A real server that is observed: its log from the first line on, its metrics, its requests."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.offload.observing import observe

LIMIT_SECONDS = 60.0
PROGRAM = """
import time
from fastapi import APIRouter, FastAPI, Request
from app.offload import discovery
discovery.kinds = dict  # whatever this project has
from app.offload.http.routing import Route
from app.offload.observing.observe import observe

app = FastAPI()
of_the_engine = APIRouter(route_class=Route)

@app.get("/items/{item}")
async def get_item(item: int) -> int:
    return item

@app.get("/broken")
async def broken() -> None:
    raise RuntimeError("planted")

@app.get("/sleep")
async def sleep() -> None:
    time.sleep(1)

@app.post("/upload")
@of_the_engine.post("/engine/upload")
async def upload(request: Request) -> int:
    return sum([len(part) async for part in request.stream()])

app.include_router(of_the_engine)

observe(app, shows_code=True)
"""


class Server:
    """A server of two processes, or of one."""

    def __init__(self, folder: Path, *options: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        (folder / "program.py").write_text(PROGRAM)
        self.log = folder / "log.txt"
        self.http = httpx.Client(  # without certificates, which take long to read
            base_url=f"http://127.0.0.1:{self.port}", timeout=LIMIT_SECONDS, verify=False
        )
        paths = [str(folder), str(Path(observe.__file__).parents[3])]
        given = {
            "DATABASE_URL": "postgresql://127.0.0.1:1/none",
            "PYTHONPATH": os.pathsep.join(paths),
            "PROMETHEUS_MULTIPROC_DIR": "",
            "LOG_FORMAT": "json",
            "LOOP_STALL_SECONDS": "0.25",
        }
        command = ["uvicorn", "program:app", "--port", str(self.port), *options]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=folder,
                env=os.environ | given,
                stdout=log,
                stderr=log,
            )

    def lines(self) -> list[dict[str, Any]]:
        """What was logged, each line a JSON document."""
        text = self.log.read_text()
        return [json.loads(line) for line in text.splitlines(keepends=True) if line[-1] == "\n"]

    def is_up(self) -> bool:
        """Whether it answers."""
        assert self._process.poll() is None, self.log.read_text()
        try:
            return self.http.get("/items/1").status_code == 200
        except httpx.TransportError:
            return False

    def total(self, name: str, **labels: str) -> float:
        """The sum of the samples with these labels among theirs."""
        families = text_string_to_metric_families(self.http.get("/metrics").text)
        return sum(
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(LIMIT_SECONDS)
        self.http.close()


def wait_until(look: Callable[[], object], what: str) -> None:
    end = time.monotonic() + LIMIT_SECONDS
    while not look():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of one process."""
    running = Server(tmp_path_factory.mktemp("server"))
    try:
        wait_until(running.is_up, "an answer")
        yield running
    finally:
        running.stop()


def test_every_line_is_in_the_log_s_format_from_the_first_on(server: Server) -> None:
    first = server.lines()[0]
    assert "Started server process" in first["event"]


def test_a_request_is_measured_by_its_template(server: Server) -> None:
    answer = server.http.get("/items/7", headers={"X-Request-ID": "from-the-caller-1"})
    assert answer.headers["x-request-id"] == "from-the-caller-1"
    server.http.request("PURGE", "/items/8")
    labels = {"method": "GET", "route": "/items/{item}", "status": "200"}
    assert server.total("http_request_seconds_count", **labels) >= 1
    assert server.total("http_request_seconds_count", method="PURGE") == 0
    assert server.total("http_request_seconds_count", method="other") == 1


def test_what_nobody_expected_is_named_and_counted_too(server: Server) -> None:
    # Uvicorn cuts the connection behind such an answer, though it said that it would be kept.
    headers = {"X-Request-ID": "broken-1", "Connection": "close"}
    answer = server.http.get("/broken", headers=headers)
    assert answer.status_code == 500
    assert server.total("http_request_seconds_count", route="/broken", status="500") == 1

    def lines() -> list[dict[str, Any]]:
        return [line for line in server.lines() if "RuntimeError: planted" in str(line)]

    wait_until(lines, "the line, which the server writes after its answer")
    (line,) = lines()
    assert (line["request_id"], line["level"]) == ("broken-1", "error")


@pytest.mark.parametrize("path", ["/upload", "/engine/upload"])
def test_a_client_that_goes_in_the_middle_of_an_upload_is_no_failure(
    server: Server, path: str
) -> None:
    for body in (b"", b"some"):
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(
                f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: 9999\r\n\r\n".encode() + body
            )
            time.sleep(0.1)

    def is_counted() -> bool:
        return server.total("http_request_seconds_count", route=path, status="499") == 2

    wait_until(is_counted, "both to be counted")
    assert server.total("http_request_seconds_count", route=path, status="500") == 0
    assert not any("exception" in line for line in server.lines() if "planted" not in str(line))


def test_a_loop_that_stands_still_is_named(server: Server) -> None:
    def stalls() -> list[dict[str, Any]]:
        server.http.get("/sleep")
        return [each for each in server.http.get("/dev/stalls").json() if "sleep" in str(each)]

    wait_until(stalls, "the stall to be seen")
    assert server.total("event_loop_stalls_total") >= 1
    assert server.total("event_loop_lag_seconds_count") > 0


def test_metrics_come_without_a_database_too(server: Server) -> None:
    answer = server.http.get("/metrics")
    assert answer.status_code == server.http.head("/metrics").status_code == 200
    assert answer.headers["x-content-type-options"] == "nosniff"
    (line, *_) = (line for line in server.lines() if line["event"] == "metrics_without_database")
    assert "exception" not in line  # an outage is no fault of the program's


def test_the_processes_of_a_server_count_together(tmp_path: Path) -> None:
    server = Server(tmp_path, "--workers", "2")
    try:
        wait_until(server.is_up, "an answer")
        labels = {"route": "/items/{item}", "status": "422"}
        server.http.headers["Connection"] = "close"  # each request over a connection of its own
        for number in range(20):
            server.http.get("/items/none")
            assert server.total("http_request_seconds_count", **labels) == number + 1
    finally:
        server.stop()
