"""Runs a command of the Procfile with the embedded broker's address.

    python -m app.dev.run uvicorn app.main:app
    python -m app.dev.run --restart celery -A app.worker worker

With --restart the command is started again whenever it ends: in production that is the business of
whatever runs the container.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import structlog

from app.broker import get_broker_settings
from app.dev.broker import url_of_running
from app.logs import configure_logging
from app.settings import get_settings

log = structlog.get_logger()

BROKER_SECONDS = 30  # for the embedded broker to start
PAUSES = (1, 2, 5, 10)  # seconds before the next start, while the command keeps failing
LONG_ENOUGH_SECONDS = 30  # for a run that ended to be no failed start
LOOK_SECONDS = 0.1


def main() -> None:
    """Run the command with BROKER_URL in its environment."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--restart", action="store_true")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    get_settings()  # wrong ones end it here, and not again and again below
    configure_logging()
    os.environ["BROKER_URL"] = get_broker_settings().broker_url or _wait_for_embedded_broker()
    if options.restart:
        Restarted(options.command).run()
    os.execvp(options.command[0], options.command)


def _wait_for_embedded_broker() -> str:
    end = time.monotonic() + BROKER_SECONDS
    while time.monotonic() < end:
        if url := url_of_running():
            return url
        time.sleep(0.05)
    raise SystemExit("No embedded broker answers. Set BROKER_URL, or run `uv run honcho start`.")


class Restarted:
    """A command that is started again whenever it ends, until a signal comes."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._stopping = False

    def run(self) -> NoReturn:
        """Run it until SIGTERM or SIGINT; then end as it does."""
        for how in (signal.SIGTERM, signal.SIGINT):
            signal.signal(how, self._stop)
        failures = 0
        while True:
            start = time.monotonic()
            code = self._run_once()
            failures = 0 if time.monotonic() - start > LONG_ENOUGH_SECONDS else failures + 1
            pause = PAUSES[min(failures, len(PAUSES) - 1)]
            if not self._stopping:
                log.error("restarting", command=self._command[0], exit_code=code, in_seconds=pause)
                self._sleep(pause)
            if self._stopping:
                sys.exit(code)

    def _stop(self, *_: object) -> None:
        # Not an Event: a handler that comes while the main thread waits for one never returns.
        self._stopping = True

    def _sleep(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self._stopping:
            time.sleep(LOOK_SECONDS)

    def _run_once(self) -> int:
        # In a group of its own: honcho signals a whole group, and workers that are told to stop
        # by their parent and by honcho take the second signal as an order to stop at once.
        with subprocess.Popen(self._command, process_group=0) as process, _ended_with_us(process):
            while process.poll() is None and not self._stopping:
                time.sleep(LOOK_SECONDS)
            process.terminate()
            return process.wait()


@contextmanager
def _ended_with_us(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Kill the process's group when it has ended or when we do, however that happens."""
    command = ["/bin/sh", "-c", "read -r _; kill -9 -$0 2>/dev/null", str(process.pid)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, process_group=0):
        yield  # afterwards its standard input is closed, as it is when this process is killed


if __name__ == "__main__":
    main()
