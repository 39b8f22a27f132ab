"""The user's application, in a process of its own that ends with whoever drives it."""

import json
import os
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Self

from fastoffload.doctor.running.discover import Target
from fastoffload.doctor.running.options import DriveOptions
from fastoffload.doctor.running.scratch import MARK, environment
from fastoffload.errors import FastoffloadError

LAUNCH = Path(__file__).with_name("launch.py")
REQUEST = "X-Fastoffload-Request"
GRACE_SECONDS = 3.0  # to shut down in
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "ZmFzdG9mZmxvYWQtLS0tLQ==",  # any sixteen bytes
}
CLOSE = bytes((0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8))  # masked with zeros: code 1000
SOCKET_SECONDS = 0.5
BODY_BYTES, BODY_SECONDS = 2**20, 2.0  # as much of an answer as is read: a stream may have no end


class Application:
    """Serves a copy of a project on loopback, under the watch, from `with` to its end."""

    def __init__(self, root: Path, copy: Path, target: Target, options: DriveOptions) -> None:
        self.ready: dict[str, Any] = {}
        self.stalls: list[dict[str, Any]] = []
        self._root, self._copy, self._target, self._options = root, copy, target, options
        self._mark = uuid.uuid4().hex
        self._log = copy.parent / "log"
        self._done: set[int] = set()
        self._failed = self._not_there = ""
        self._settled: list[bool] = []
        self._happened = threading.Condition()

    def __enter__(self) -> Self:
        """Start; raises FastoffloadError when the application does not."""
        events, events_end = os.pipe()
        control_end, self._control = os.pipe()
        try:
            self._process = self._start(events_end, control_end)
        finally:
            os.close(events_end)
            os.close(control_end)
        self._reader = threading.Thread(target=self._read, args=(events,), daemon=True)
        self._reader.start()
        try:
            self._await_start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End it, and all that it has started, whatever state it is in."""
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            self._signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE_SECONDS)
            self._signal(signal.SIGKILL)
            self._process.wait()
            _kill_marked(self._mark)
            os.close(self._control)
            self._reader.join(GRACE_SECONDS)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

    @property
    def is_alive(self) -> bool:
        """Whether its process runs."""
        return self._process.poll() is None

    def has_ended(self) -> bool:
        """Whether its process has ended, or does so now."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_SECONDS)
        return not self.is_alive

    def last_line(self) -> str:
        """Of all that it printed."""
        lines = [line.strip() for line in self._log.read_text(errors="replace").splitlines()]
        return next((line for line in reversed(lines) if line), "it said nothing")[:500]

    def ask(
        self,
        number: int,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> int:
        """The status of an answer, read as far as is sensible.

        Raises TimeoutError when there is none in time, OSError or HTTPException when there is none.
        """
        connection = HTTPConnection("127.0.0.1", self.ready["ready"], timeout=self._options.timeout)
        try:
            connection.request(method, path, body, {**headers, REQUEST: str(number)})
            response = connection.getresponse()
            _read_some(response.read1, connection)
            return response.status
        finally:
            connection.close()

    def open_socket(self, number: int, path: str, headers: Mapping[str, str]) -> int:
        """The status of the handshake; a WebSocket that opens is closed after a moment.

        Raises TimeoutError when there is none in time, OSError or HTTPException when there is none.
        """
        connection = HTTPConnection("127.0.0.1", self.ready["ready"], timeout=self._options.timeout)
        try:
            connection.request("GET", path, headers={**headers, **HANDSHAKE, REQUEST: str(number)})
            response = connection.getresponse()
            if response.status == HTTPStatus.SWITCHING_PROTOCOLS:
                _read_some(connection.sock.recv, connection, SOCKET_SECONDS)
                connection.sock.sendall(CLOSE)
            return response.status
        finally:
            connection.close()

    def await_done(self, number: int) -> bool:
        """Whether the application was done in time with a request and its background tasks."""
        return self._await(lambda: number in self._done, self._options.timeout)

    def settle(self) -> bool:
        """Have the stalls told that last still, or have just ended. Whether one lasts still."""
        time.sleep(0.1)  # five ticks of the watch
        before = len(self._settled)
        with suppress(OSError):  # it has ended
            os.write(self._control, b"settle\n")
        return self._await(lambda: len(self._settled) > before, GRACE_SECONDS) and self._settled[-1]

    def _start(self, events: int, control: int) -> "subprocess.Popen[bytes]":
        options = {
            "target": self._target.name,
            "paths": [str(self._copy / path) for path in self._target.paths],
            "root": str(self._root),
            "copy": str(self._copy),
            "limit": self._options.limit_seconds,
            "events": events,
            "control": control,
        }
        with self._log.open("wb") as log:
            return subprocess.Popen(
                [str(self._options.python), str(LAUNCH), json.dumps(options)],
                cwd=self._copy,
                env=environment(self._root, self._copy, self._mark),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(events, control),
                start_new_session=True,
            )

    def _read(self, events: int) -> None:
        with os.fdopen(events, errors="replace") as lines:
            for line in lines:
                with self._happened:
                    self._note(json.loads(line))
                    self._happened.notify_all()
        with self._happened:
            self._happened.notify_all()

    def _note(self, event: dict[str, Any]) -> None:
        if "stall" in event:
            self.stalls.append(event)
        elif "done" in event:
            self._done.add(event["done"])
        elif "settled" in event:
            self._settled.append(event["settled"])
        elif "ready" in event:
            self.ready = event
        elif "not_there" in event:
            self._not_there = event["not_there"]
        else:
            self._failed = self._failed or event["failed"]

    def _await_start(self) -> None:
        self._await(
            lambda: bool(self.ready or self._failed or self._not_there), self._options.timeout
        )
        if self.ready:
            return
        if self._not_there:
            raise FastoffloadError(f"{self._not_there}; name the application: --app module:name")
        why = self._failed
        if not why and self.is_alive:
            why = (
                f"not ready within {self._options.timeout:g} s, of which --timeout gives more;"
                f" last it said: {self.last_line()}"
            )
        raise FastoffloadError(
            f"{self._target.name} does not start: {why or self.last_line()}; what it needs of the"
            " environment it takes from this shell and from files in its folder"
        )

    def _await(self, happened: Callable[[], bool], seconds: float) -> bool:
        end = time.monotonic() + seconds
        with self._happened:
            while not happened() and time.monotonic() < end and self._reader.is_alive():
                self._happened.wait(0.1)
                if not self.is_alive:  # what it said last is on its way
                    end = min(end, time.monotonic() + 1)
            return happened()

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):  # nothing is left of it
            os.killpg(self._process.pid, number)


def _read_some(
    read: Callable[[int], bytes], connection: HTTPConnection, seconds: float = BODY_SECONDS
) -> None:
    end, length = time.monotonic() + seconds, 0
    while length < BODY_BYTES and (left := end - time.monotonic()) > 0:
        if connection.sock:
            connection.sock.settimeout(left)
        try:
            chunk = read(2**16)
        except (OSError, HTTPException):  # it was answered, and the rest does not matter
            return
        if not chunk:
            return
        length += len(chunk)


def _kill_marked(mark: str) -> None:
    """What left the application's process group: its environment still tells."""
    text = f"{MARK}={mark}".encode()
    for process in Path("/proc").glob("[0-9]*"):  # on Linux
        with suppress(OSError):
            if text in (process / "environ").read_bytes().split(b"\0"):
                os.kill(int(process.name), signal.SIGKILL)
