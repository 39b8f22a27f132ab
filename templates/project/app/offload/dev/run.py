"""Runs a command of the Procfile so that every way of ending ends everything.

    python app/offload/dev/run.py --port 'uvicorn app.main:app --port ${WEB_PORT:-8000}'
    python app/offload/dev/run.py --restart 'celery -A app.offload.worker worker'

The command is a shell's. In production all of this is the business of whatever runs the container.
Nothing of the package is imported: that takes longer than all of this.
"""

import argparse
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

PAUSES = (1, 2, 5, 10)  # seconds before the next start, while the command keeps failing
LONG_ENOUGH_SECONDS = 30  # for a run that ended to be no failed start
LOOK_SECONDS = 0.1
KILL_SECONDS = 8  # beyond the grace period of jobs, where no honcho is left to kill
LAST_SECONDS = 3.5  # honcho kills what is not gone after 5
STOPS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
OPEN_FILES = 65_536  # each connection is one; many systems begin with 1024


def main() -> int:
    """Run the command; its exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", action="store_true", help="check that WEB_PORT is free")
    parser.add_argument("--restart", action="store_true", help="start it again when it ends")
    parser.add_argument("--last", action="store_true", help="end when the others have ended")
    parser.add_argument("command")
    options = parser.parse_args()
    stop = Stop()
    if options.port:
        _check_port()
    _allow_open_files()
    return Command(options.command, stop, options.last).run(options.restart)


class Stop:
    """Whether to end: a signal has come, or honcho is gone."""

    def __init__(self) -> None:
        self._asked = False
        self._honcho = psutil.Process().parents()[:2]  # it has a process for each line
        for how in STOPS:
            signal.signal(how, self._ask)

    def __bool__(self) -> bool:
        """Whether to end now."""
        return self._asked or not all(_lives(one) for one in self._honcho)

    def others_run(self) -> bool:
        """Whether honcho still has another line to wait for."""
        try:
            lines = self._honcho[-1].children()
            return any(_lives(one) for one in lines if one != self._honcho[0])
        except (IndexError, psutil.Error):
            return False

    def _ask(self, *_: object) -> None:
        # Not an Event: a handler that comes while the main thread waits for one never returns.
        self._asked = True


class Command:
    """A shell's command in a group of its own.

    honcho signals a whole group, and workers that are told to stop by their parent and by honcho
    take the second signal as an order to stop at once.
    """

    def __init__(self, command: str, stop: Stop, is_last: bool) -> None:
        self._line = ["/bin/sh", "-c", f"exec {command}"]
        self._name, self._stop, self._is_last = command, stop, is_last

    def run(self, again: bool) -> int:
        """Run it, once or until a signal comes; its exit code."""
        failures = 0
        while True:
            start = time.monotonic()
            code = self._run_once()
            if self._stop or not again:
                return max(code, 0) if self._stop else code
            failures = 0 if time.monotonic() - start > LONG_ENOUGH_SECONDS else failures + 1
            pause = PAUSES[min(failures, len(PAUSES) - 1)]
            print(f"ended with {code}, starts again in {pause} s: {self._name}", file=sys.stderr)
            self._wait(pause)
            if self._stop:
                return 0

    def _run_once(self) -> int:
        with subprocess.Popen(self._line, process_group=0) as process, _ended_with_us(process):
            while process.poll() is None and not self._stop:
                time.sleep(LOOK_SECONDS)
            end = time.monotonic() + LAST_SECONDS
            while self._is_last and self._stop.others_run() and time.monotonic() < end:
                time.sleep(LOOK_SECONDS)
            process.terminate()
            try:
                return process.wait(_grace_seconds() + KILL_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                return process.wait()

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self._stop:
            time.sleep(LOOK_SECONDS)


@contextmanager
def _ended_with_us(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Kill the process's group when it has ended or when we do, however that happens."""
    command = ["/bin/sh", "-c", "read -r _; kill -9 -$0 2>/dev/null", str(process.pid)]
    # Blocked, which a child inherits: until it has a group of its own, honcho's signal to ours
    # reaches it too, and would end it before it has anything to do.
    outside = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        killer = subprocess.Popen(command, stdin=subprocess.PIPE, process_group=0)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, outside)
    with killer:
        yield  # afterwards its standard input is closed, as it is when this process is killed


def _grace_seconds() -> float:
    return float(os.environ.get("SHUTDOWN_GRACE_SECONDS") or 2)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _check_port() -> None:
    host = os.environ.get("WEB_HOST") or "127.0.0.1"
    port = os.environ.get("WEB_PORT") or "8000"
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
            probe.bind(address)
    except (OSError, OverflowError) as error:
        raise SystemExit(
            f"Cannot serve on {host}, port {port} ({error}): stop what runs there, or set WEB_PORT"
            " and WEB_HOST, in .env say."
        ) from None


def _allow_open_files() -> None:
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if most == resource.RLIM_INFINITY else min(most, OPEN_FILES)
    if now < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


if __name__ == "__main__":
    raise SystemExit(main())
