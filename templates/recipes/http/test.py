"""Calls to a local server that fails in most of the ways that servers do, over real sockets."""

import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import ValidationError

from app.jobs.job_name import calling, work
from app.jobs.job_name.kind import (
    KIND,
    JobNameParams,
    get_http_settings,
)
from app.offload import TransientError
from app.offload.errors import Interrupted
from app.offload.testing import Outcome, run_directly


class Server(ThreadingHTTPServer):
    """Counts what it is asked, and answers as the path says."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: Counter[str] = Counter()
        self.times: list[float] = []
        self.let_go = threading.Event()
        self.together = threading.Barrier(work.AT_ONCE)

    def handle_error(self, *_: object) -> None:
        """Say nothing: clients hang up, as they should."""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server

    def do_GET(self) -> None:
        """Answer by the first part of the path."""
        self.server.asked[self.path] += 1
        self.server.times.append(time.monotonic())
        getattr(self, self.path.split("/")[1])(self.server.asked[self.path])

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def say(self, status: int, body: bytes = b"", **headers: str) -> None:
        """A whole answer."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def ok(self, _: int) -> None:
        """An answer."""
        self.say(200, b'{"n": 1}', Content_Type="application/json")

    def twice(self, time_: int) -> None:
        """Away twice, then there."""
        self.say(503) if time_ < 3 else self.ok(time_)

    def busy(self, time_: int) -> None:
        """Asks for a short rest, once."""
        self.say(429, Retry_After="1") if time_ == 1 else self.ok(time_)

    def away(self, _: int) -> None:
        """Asks for a long one."""
        self.say(503, Retry_After="3600")

    def gone(self, _: int) -> None:
        """Not there."""
        self.say(404)

    def moved(self, _: int) -> None:
        """Elsewhere."""
        self.say(302, Location="http://169.254.169.254/latest/meta-data")

    def long(self, _: int) -> None:
        """More than anybody wants."""
        self.say(200, bytes(calling.MOST_BYTES + 1))

    def hang(self, _: int) -> None:
        """Nothing at all."""
        self.server.let_go.wait(60)

    def drip(self, _: int) -> None:
        """A byte now and then."""
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        while not self.server.let_go.wait(0.1):
            self.wfile.write(b".")

    def slow(self, time_: int) -> None:
        """An answer when as many as that are here at once."""
        self.server.together.wait(30)
        self.ok(time_)

    def reset(self, _: int) -> None:
        """A connection that is torn down."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The server, which is the only one that may be called."""
    with Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("HTTP_ORIGINS", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setattr(calling, "READ_SECONDS", 0.5)
        monkeypatch.setattr(calling, "CALL_SECONDS", 1)
        monkeypatch.setattr(work, "RESTS_SECONDS", (0.05, 0.1))
        get_http_settings.cache_clear()
        yield server
        server.let_go.set()
        server.shutdown()
    get_http_settings.cache_clear()


def asked(
    server: Server,
    *paths: str,
    per_second: float = 100,
) -> JobNameParams:
    """Params that ask for paths."""
    urls = [f"http://127.0.0.1:{server.server_port}/{path}" for path in paths]
    return KIND.params.model_validate({"urls": urls, "per_second": per_second})


def run(server: Server, *paths: str, attempt: int = 1, **options: Any) -> Outcome:
    """What came of calls to paths."""
    return run_directly(KIND, asked(server, *paths, **options), attempt=attempt)


def test_what_passes_is_tried_again_and_the_rest_is_told(server: Server) -> None:
    paths = ["ok", "twice", "busy", "gone", "moved", "long", "reset", "hang", "drip", "away/no"]
    outcome = run(server, *paths, attempt=KIND.max_attempts)
    found = {answer.url.split("/", 3)[3]: answer for answer in outcome.result.answers}
    assert list(found) == paths
    assert {path for path, answer in found.items() if answer.error is None} == set(paths[:3])
    assert (outcome.result.succeeded, outcome.result.failed) == (3, 7)
    assert (found["gone"].status, found["gone"].error) == (404, "status 404")
    assert "leads elsewhere" in str(found["moved"].error)
    assert "more than" in str(found["long"].error)
    assert "Connection" in str(found["reset"].error)
    assert "imed out" in str(found["hang"].error)
    assert "not whole" in str(found["drip"].error)
    assert server.asked["/twice"] == server.asked["/reset"] == server.asked["/hang"] == 3
    assert server.asked["/gone"] == server.asked["/away/no"] == 1
    lines = outcome.artifacts["answers.jsonl"].decode().splitlines()
    assert [json.loads(line)["text"] for line in lines] == ['{"n": 1}'] * 3


def test_a_long_rest_gives_the_job_back_until_then(server: Server) -> None:
    with pytest.raises(TransientError, match="status 503") as raised:
        run(server, "ok", "away")
    assert raised.value.retry_after_seconds == 3600


def test_a_service_that_is_away_gives_the_job_back(server: Server) -> None:
    with pytest.raises(TransientError, match="Connection"):
        run(server, "reset/1", "reset/2")
    assert run(server, "reset/1", attempt=KIND.max_attempts).result.failed == 1


def test_a_short_rest_is_taken_by_all(server: Server) -> None:
    began = time.monotonic()
    assert run(server, "busy", "ok/1", "ok/2", per_second=4).result.failed == 0
    assert time.monotonic() - began > 1


def test_calls_begin_no_faster_than_asked(server: Server) -> None:
    run(server, *(f"ok/{number}" for number in range(10)), per_second=20)
    begun = sorted(server.times)
    assert begun[-1] - begun[0] > 9 / 20 / 2  # the first may come late
    assert len(begun) == 10


def test_slow_calls_are_made_at_once(server: Server) -> None:
    calling.READ_SECONDS = 60
    paths = [f"slow/{number}" for number in range(work.AT_ONCE)]
    assert run(server, *paths).result.failed == 0


def test_a_stop_ends_it_while_calls_hang(server: Server) -> None:
    calling.READ_SECONDS, calling.CALL_SECONDS = 30, 30
    began = time.monotonic()
    with pytest.raises(Interrupted):
        run_directly(KIND, asked(server, *("hang",) * 20), stop_after=3)
    assert time.monotonic() - began < 10  # 20 calls of 30 s were asked for
    assert server.asked["/hang"] <= work.AT_ONCE


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://localhost:8000/health",
        "https://example.com/",  # is no longer among them
        "file:///etc/passwd",
        "http://127.0.0.1:{port}@evil.test/",
        "http://user:secret@127.0.0.1:{port}/",
        "http://127.0.0.1:{port}.evil.test/",
        "https://127.0.0.1:{port}/",
    ],
)
def test_what_is_not_allowed_is_refused(server: Server, url: str) -> None:
    with pytest.raises(ValidationError):
        KIND.params.model_validate({"urls": [url.format(port=server.server_port)]})


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        ("7", 7, 7),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 1e9, 1e12),
        ("soon", 0, 0),
        ("", 0, 0),
        ("-5", 0, 0),
    ],
)
def test_retry_after_is_read(value: str, least: float, most: float) -> None:
    assert least <= calling._retry_after(value) <= most
