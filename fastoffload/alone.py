"""One of our kind at a time in a repository."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from fastoffload import journal as notes
from fastoffload.errors import FastoffloadError, os_errors_expected
from fastoffload.worktree import WorkTree


@contextmanager
def alone(work: WorkTree) -> Iterator[int]:
    """Keeps others away as long as we live, or a git that we hand the descriptor to."""
    with os_errors_expected(), (notes.folder(work) / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FastoffloadError(f"another fastoffload is at work in {work.root}") from error
        yield lock.fileno()
