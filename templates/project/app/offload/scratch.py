"""Scratch folders: what a run makes on this machine's disk, and nobody after it.

Each is locked for as long as its process lives, whatever ends that; so what a killed process has
left can be told from what is in use, in another container that shares the folder too.
"""

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

PREFIX = "offload-run-"


class ScratchFolder:
    """A folder for temporary files, until it is closed."""

    def __init__(self) -> None:
        remove_left()
        made = Path(tempfile.mkdtemp(prefix="offload-new-"))
        self._lock = os.open(made, os.O_RDONLY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        # Only now may it be looked at: in between it was nobody's.
        self.path = made.rename(made.with_name(made.name.replace("offload-new-", PREFIX)))

    def close(self) -> None:
        """Remove it, with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def remove_left() -> None:
    """Remove the folders whose processes were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # in use, another user's, or being removed
            _remove_unless_locked(folder)


def _remove_unless_locked(folder: Path) -> None:
    lock = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)
