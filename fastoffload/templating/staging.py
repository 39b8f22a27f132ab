"""The folder in which a project comes into being, and which is gone again if it does not."""

import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from fastoffload.system.processes import held

# What git and uv put into a project after it is published.
MADE_LATER = {".git", ".venv", "uv.lock"}


class Staging:
    """A context: work in `folder`, then `publish`. Leaving by an exception removes all traces.

    An existing empty target is kept, for it may be somebody's working directory; and so is what
    somebody else has put there meanwhile.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._keep_target = target.exists()
        self._new_folders = [one for one in (target, *target.parents) if not one.exists()]
        beside = target if self._keep_target else target.parent
        self.folder = beside / f".{target.name}.{secrets.token_hex(4)}"
        self._ours: set[str] = set()
        # A clone of an empty repository has its .git already.
        self._made_later = {name for name in MADE_LATER if not os.path.lexists(target / name)}

    def __enter__(self) -> Self:
        try:
            self.folder.mkdir(parents=True)
        except BaseException:
            self._remove()
            raise
        return self

    def publish(self) -> None:
        """Moves what was made to its target."""
        with held():
            names = {entry.name for entry in self.folder.iterdir()}
            if self._keep_target:
                for name in names:
                    (self.folder / name).rename(self._target / name)
                    self._ours.add(name)
                self.folder.rmdir()
            else:
                self.folder.rename(self._target)
            self._ours = names | self._made_later

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._remove()

    def _remove(self) -> None:
        with held():
            shutil.rmtree(self.folder, ignore_errors=True)
            for name in self._ours:
                _remove(self._target / name)
            for folder in self._new_folders:
                # Somebody else may have put something there by now.
                with suppress(OSError):
                    folder.rmdir()


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry, ignore_errors=True)
    else:
        entry.unlink(missing_ok=True)
