"""Somebody who is told by callbacks that jobs have ended."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class Received:
    """A request."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Listens on a loopback address; the path of a request says how it is answered."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.answers: dict[str, Answer] = {}
        self._received: list[Received] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver._answer(self)

            def do_GET(self) -> None:  # what a redirect that is followed makes of it
                receiver._answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((host, 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://{host}:{self._server.server_port}"
        self.port = self._server.server_port

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def received(self, path: str = "") -> list[Received]:
        """The requests so far, in order; those to one path if it is given."""
        return [request for request in self._received if path in ("", request.path)]

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        request = Received(handler.path, dict(handler.headers), body)
        self._received.append(request)
        self.answers.get(handler.path, with_status(204))(handler)


def with_status(status: int, **headers: str) -> Answer:
    """Answers with a status and nothing else."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()

    return answer


def first(answer: Answer, then: Answer) -> Answer:
    """Answers once so, then otherwise."""
    answers = iter([answer])
    return lambda handler: next(answers, then)(handler)


def endless(handler: BaseHTTPRequestHandler) -> None:
    """Answers 200, with a body that does not end."""
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b"x" * 65536)
    except OSError:
        handler.close_connection = True
