"""Starts everything that the Procfile names, by honcho; every way of ending ends everything.

    python app/offload/dev/start.py

honcho's own command is not used. It reads `.env` in a way of its own; and told to stop in its first
moments, or while it prints, it stops nothing and waits for ever.
"""

import multiprocessing
import os
import signal
import sys
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from honcho.environ import parse_procfile  # type: ignore[import-untyped]
from honcho.manager import Manager  # type: ignore[import-untyped]
from honcho.printer import Printer  # type: ignore[import-untyped]

ENV_FILE, PROCFILE = Path(".env"), Path("Procfile")
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    """Run all of it to its end; the exit code."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    multiprocessing.set_start_method("fork")  # what is forked has our handlers from the first
    manager = Starter(Screen(sys.stdout))
    environment = read_environment()
    for name, command in read_procfile().items():
        # By its name the logs know that they are for people.
        manager.add_process(name, command, env={**environment, "HONCHO_PROCESS_NAME": name})
    manager.loop()
    return int(manager.returncode)


class Screen(Printer):  # type: ignore[misc]
    """Notices that nobody reads it any more: the terminal is closed, or `head` has enough."""

    is_gone = False

    def write(self, message: Any) -> None:
        """Print a line."""
        try:
            super().write(message)
        except OSError:
            self.is_gone = True


class Starter(Manager):  # type: ignore[misc]
    """Ends all when it is told to, but not before it knows the id of each process.

    honcho does it in the handler of the signal, where the id may not be there yet, and where
    another line may be on its way to the screen.
    """

    _told: int | None = None

    def _start(self) -> None:
        for how in STOPS:
            signal.signal(how, self._hear)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
        super()._start()

    def _hear(self, how: int, _frame: object) -> None:
        self._told = how

    def _all_started(self) -> bool:
        """honcho asks this after each message, and ten times a second."""
        started = bool(super()._all_started())
        if self._told is None and self._printer.is_gone:
            self._told = signal.SIGHUP
        if started and self._told is not None and not self._terminating:
            self.returncode = 128 + self._told
            self.terminate()
        return started


def read_environment() -> dict[str, str]:
    """That of this process, and what `.env` adds to it, read as the settings read it."""
    if not ENV_FILE.exists():
        return dict(os.environ)
    try:
        with ENV_FILE.open(encoding="utf-8") as file:
            wrong = [one.original.line for one in parse_stream(file) if one.error]
    except (OSError, UnicodeDecodeError) as error:
        raise SystemExit(f"{ENV_FILE} cannot be read: {error}") from None
    if wrong:
        raise SystemExit(f"{ENV_FILE}, line {wrong[0]}: is no NAME=value, or a quote is not closed")
    values = {name: value for name, value in dotenv_values(ENV_FILE).items() if value}
    return values | os.environ


def read_procfile() -> dict[str, str]:
    """The commands by their names, in order."""
    try:
        commands: dict[str, str] = parse_procfile(PROCFILE.read_text(encoding="utf-8")).processes
    except (OSError, UnicodeDecodeError, AssertionError) as error:
        raise SystemExit(f"{PROCFILE}: {error}") from None
    if not commands:
        raise SystemExit(f"{PROCFILE} names no command")
    return commands


if __name__ == "__main__":
    raise SystemExit(main())
