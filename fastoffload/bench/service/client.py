"""Asks a running service for reports, and for what has become of them."""

import http.client
import json
from collections.abc import Iterator
from typing import Any

LONGEST_SECONDS = 300  # for an answer
SAMPLE = "nile"
REPORTS = "/reports"


class RefusedError(Exception):
    """The service answered with an error."""


class Client:
    """A connection that stays open: what is measured is the server."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONGEST_SECONDS)

    def ask(
        self, method: str, path: str, body: bytes | None = None, kind: str = ""
    ) -> dict[str, Any]:
        """The document in the answer. Raises RefusedError, or OSError without one."""
        try:
            self._connection.request(method, path, body, {"Content-Type": kind} if kind else {})
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise OSError(f"{method} {path}: no answer ({error})") from error
        if answer.status >= 400:
            raise RefusedError(f"{method} {path}: {answer.status} {content.decode()}")
        return dict(json.loads(content))

    def put_sample(self, content: bytes) -> None:
        """Store the dataset that all reports are about."""
        self.ask("PUT", f"{REPORTS}/datasets/{SAMPLE}", content, "text/csv")

    def submit(self, resamples: int) -> str:
        """Ask for a report; its id."""
        answer = self.ask("POST", "/reports", report_body(resamples), "application/json")
        return str(answer["id"])

    def report(self, report_id: str) -> dict[str, Any]:
        """A report as it stands."""
        return dict(self.ask("GET", f"/reports/{report_id}"))

    def cancel_all(self) -> None:
        """Cancel what waits or runs; what runs ends soon."""
        for report in [*self._page("queued"), *self._page("running")]:
            try:
                self.ask("POST", f"/reports/{report['id']}/cancel")
            except RefusedError:  # it has just ended
                continue

    def has_running(self) -> bool:
        """Whether a report runs."""
        return bool(self._page("running"))

    def unfinished(self, jobs: str = REPORTS) -> int:
        """How many jobs of a kind wait or run, counted up to 100 of either."""
        return len(self._page("queued", jobs)) + len(self._page("running", jobs))

    def jobs(self, jobs: str = REPORTS) -> Iterator[dict[str, Any]]:
        """All jobs of a kind, newest first."""
        page = self.ask("GET", f"{jobs}?limit=100")
        yield from page["items"]
        while cursor := page["next_cursor"]:
            page = self.ask("GET", f"{jobs}?limit=100&cursor={cursor}")
            yield from page["items"]

    def _page(self, status: str, jobs: str = REPORTS) -> list[dict[str, Any]]:
        return list(self.ask("GET", f"{jobs}?limit=100&status={status}")["items"])


def report_body(resamples: int) -> bytes:
    """What a report is asked for with."""
    return json.dumps({"dataset": SAMPLE, "title": "x", "resamples": resamples}).encode()
