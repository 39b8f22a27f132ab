"""One real job in a service that runs: `python smoke.py URL`.

The service's HTTP_ORIGINS is in the environment here too; the server at it is this one.
"""

import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx

from app.offload.testing import wait_for

ORIGIN = os.environ["HTTP_ORIGINS"]
ASKED: set[str] = set()


class Handler(BaseHTTPRequestHandler):
    """Says 503 the first time, then its path; 404 to one of them."""

    def do_GET(self) -> None:
        """Answer."""
        is_first = self.path not in ASKED
        ASKED.add(self.path)
        self.send_response(404 if self.path == "/gone" else 503 if is_first else 200)
        self.end_headers()
        self.wfile.write(self.path.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main(url: str) -> None:
    """Have three URLs called."""
    server = ThreadingHTTPServer(("127.0.0.1", urlsplit(ORIGIN).port or 80), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with httpx.Client(trust_env=False, timeout=60) as client:
        answer = client.post(
            url, json={"urls": [f"{ORIGIN}/{each}" for each in ("a", "b", "gone")]}
        )
        assert answer.status_code == 202, answer.text
        job = wait_for(client.get, str(answer.url.join(answer.headers["Location"])), 120)
        assert job["status"] == "succeeded", job
        lines = client.get(answer.url.join(job["artifacts"][0]["href"])).text.splitlines()
    assert [each["status"] for each in job["result"]["answers"]] == [200, 200, 404], job["result"]
    assert len(lines) == 2, lines
    print("3 calls, 1 failed")


main(sys.argv[1])
