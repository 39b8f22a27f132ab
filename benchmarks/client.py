"""Asks a running service for reports, and for what has become of them."""

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any

LONGEST_SECONDS = 300  # for an answer


class Client:
    """A connection that stays open: what is measured is the server."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONGEST_SECONDS)

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> bytes:
        """The body of the answer. Raises RuntimeError on an error."""
        self._connection.request(method, path, body, {"Content-Type": kind} if kind else {})
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {content.decode()}")
        return content

    def timed(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> float:
        """How long the answer took, in milliseconds."""
        start = time.perf_counter()
        self.ask(method, path, body, kind)
        return (time.perf_counter() - start) * 1000

    def submit(self, number: int, resamples: int) -> list[float]:
        """Ask for so many reports; how long each answer took, in milliseconds."""
        body = json.dumps({"dataset": "nile", "title": "x", "resamples": resamples}).encode()
        return [self.timed("POST", "/reports", body, "application/json") for _ in range(number)]

    def unfinished(self, most: int = 100) -> int:
        """How many reports wait or run, counted up to `most` of either."""
        pages = (f"/reports?limit={most}&status={status}" for status in ("queued", "running"))
        return sum(len(json.loads(self.ask("GET", page))["items"]) for page in pages)

    def reports(self) -> Iterator[dict[str, Any]]:
        """All reports, newest first."""
        page = json.loads(self.ask("GET", "/reports?limit=100"))
        yield from page["items"]
        while cursor := page["next_cursor"]:
            page = json.loads(self.ask("GET", f"/reports?limit=100&cursor={cursor}"))
            yield from page["items"]
