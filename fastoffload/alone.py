"""One of our kind at a time in a repository."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from fastoffload.errors import FastoffloadError, os_errors_expected
from fastoffload.journal import lock_file
from fastoffload.worktree import WorkTree


@contextmanager
def alone(work: WorkTree) -> Iterator[int]:
    """Keeps others away as long as we live, or a git that we hand the descriptor to."""
    file = lock_file(work)
    with os_errors_expected():
        file.parent.mkdir(exist_ok=True)
        with file.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise FastoffloadError(f"another fastoffload is at work in {work.root}") from error
            yield lock.fileno()


def is_taken(work: WorkTree) -> bool:
    """Whether somebody is alone there now; writes nothing."""
    try:
        with lock_file(work).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    return False
