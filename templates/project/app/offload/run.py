"""What the work of a job is given: its inputs, and where it says how far it is and what it made."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Connection

from .scratch import ScratchFolder

LONGEST_NAME = 200

AtEnd = Callable[[Connection], Any]


class Signal(Protocol):
    """Carries progress out, and the reasons to stop in."""

    def progress(self, fraction: float) -> None:
        """Note the fraction done. Raises RunStopped when the run must not go on."""

    def check(self) -> None:
        """Raises RunStopped when the run must not go on."""


class Files(Protocol):
    """What came with the job, and what it leaves."""

    def fetch(self, name: str, folder: Callable[[], Path]) -> list[Path]:
        """The files of an input, to be read only."""

    def keep(self, name: str, content: Path | bytes, media_type: str) -> None:
        """Store an artifact."""


class Run:
    """One attempt at a job."""

    def __init__(self, job_id: UUID, attempt: int, signal: Signal, files: Files) -> None:
        self.id, self.attempt = job_id, attempt
        self._signal, self._files = signal, files
        self._scratch: ScratchFolder | None = None
        self.ends: list[AtEnd] = []

    def progress(self, fraction: float) -> None:
        """Say how much is done, from 0 to 1, as often as you like: it costs next to nothing.

        This is where a run that was cancelled, is overdue or must make room for a new release ends:
        it raises, and no `except Exception` holds it up. Raises ValueError beyond 0 and 1.
        """
        if not 0 <= fraction <= 1:
            raise ValueError(f"progress takes a fraction from 0 to 1, not {fraction}")
        self._signal.progress(fraction)

    def check(self) -> None:
        """End here, as `progress` does, if the run is to end; for work that knows no fraction."""
        self._signal.check()

    def input(self, name: str) -> Path:
        """The file that came as this input; leave it as it is. Raises KeyError if none came."""
        found = self.inputs(name)
        if not found:
            raise KeyError(f"no file came as the input {name!r}")
        return found[0]

    def inputs(self, name: str) -> list[Path]:
        """All the files that came as this input, in their order."""
        return self._files.fetch(name, lambda: self.folder)

    @property
    def folder(self) -> Path:
        """A scratch folder of this run's own; it is gone when the run is over, however it ends."""
        if self._scratch is None:  # made on first use: making one takes up to 20 ms on a busy disk
            self._scratch = ScratchFolder()
        return self._scratch.path

    def keep(self, name: str, content: Path | bytes, media_type: str) -> None:
        """Keep a file, or bytes, as an artifact: to be had under its name when the job is done.

        Raises ValueError when the name is taken or would not do, TransientError when the store is
        away.
        """
        if not name or len(name) > LONGEST_NAME or any(c in name for c in "/\\\0\r\n"):
            raise ValueError(f"an artifact cannot be called {name!r}")
        self._files.keep(name, content, media_type)

    def at_end(self, write: AtEnd) -> None:
        """Have `write(connection)` called in the transaction that ends the job: exactly once.

        What it raises ends the job as failed, and nothing of it is written.
        """
        self.ends.append(write)

    def close(self) -> None:
        """Remove the scratch folder."""
        if self._scratch is not None:
            self._scratch.close()
            self._scratch = None
