"""One call, and how fast calls may follow each other."""

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
from urllib3.exceptions import HTTPError

CONNECT_SECONDS = 5
READ_SECONDS = 10  # for each read
CALL_SECONDS = 30  # for all of them: an answer that drips is no answer
MOST_BYTES = 1_000_000
PIECE = 16_384

PASSING = {408, 425, 429, 500, 502, 503, 504}


class CallFailed(Exception):
    """A call came to nothing; the message says why."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


class CallFailedForNow(CallFailed):
    """The same call may succeed later; the service may have said after how long."""

    def __init__(self, reason: str, status: int | None = None, wait_seconds: float = 0.0) -> None:
        super().__init__(reason, status)
        self.wait_seconds = wait_seconds


@dataclass(frozen=True, slots=True)
class Body:
    """What a service has answered."""

    status: int
    media_type: str
    content: bytes


class Pace:
    """Lets calls begin so many times a second, whichever thread makes them."""

    def __init__(self, per_second: float) -> None:
        self._gap, self._next = 1 / per_second, time.monotonic()
        self._lock = threading.Lock()

    def wait(self, stopped: threading.Event) -> None:
        """Wait for a turn. It comes at once when `stopped` is set."""
        while (seconds := self._seconds_to_turn()) > 0 and not stopped.wait(seconds):
            pass

    def hold(self, seconds: float) -> None:
        """Let nobody begin for so long: the service has asked for it."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)

    def _seconds_to_turn(self) -> float:
        """Zero when the turn is taken."""
        with self._lock:
            now = time.monotonic()
            if now < self._next:
                return self._next - now
            self._next = now + self._gap
            return 0.0


def call(session: requests.Session, url: str) -> Body:
    """GET a URL. Raises CallFailed and CallFailedForNow."""
    try:
        return _get(session, url)
    except (requests.ConnectionError, requests.Timeout, HTTPError) as error:
        raise CallFailedForNow(_reason(error)) from error
    except requests.RequestException as error:
        raise CallFailed(_reason(error)) from error


def _get(session: requests.Session, url: str) -> Body:
    began = time.monotonic()
    # A redirect may lead anywhere; who may be called was checked for this URL alone.
    with session.get(
        url, timeout=(CONNECT_SECONDS, READ_SECONDS), stream=True, allow_redirects=False
    ) as answer:
        _check(answer)
        content = bytearray()
        # What is there at once: `iter_content` waits for a whole piece, however slowly it drips.
        while piece := answer.raw.read1(PIECE, decode_content=True):
            content += piece
            if len(content) > MOST_BYTES:
                raise CallFailed(f"more than {MOST_BYTES} bytes", answer.status_code)
            if time.monotonic() - began > CALL_SECONDS:
                raise CallFailedForNow(f"not whole after {CALL_SECONDS} s", answer.status_code)
        media_type = answer.headers.get("Content-Type", "application/octet-stream")
        return Body(answer.status_code, media_type, bytes(content))


def _check(answer: requests.Response) -> None:
    status = answer.status_code
    if status in PASSING:
        wait_seconds = _retry_after(answer.headers.get("Retry-After", ""))
        raise CallFailedForNow(f"status {status}", status, wait_seconds)
    if answer.is_redirect:
        raise CallFailed(f"status {status}: leads elsewhere, which is not followed", status)
    if not answer.ok:
        raise CallFailed(f"status {status}", status)


def _retry_after(value: str) -> float:
    """Seconds, from a number of them or a date (RFC 9110, 10.2.3); 0 when it says neither."""
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def _reason(error: Exception) -> str:
    """One line, without the addresses of objects that the library puts into it."""
    return f"{type(error).__name__}: {error}".partition("\n")[0][:200]
