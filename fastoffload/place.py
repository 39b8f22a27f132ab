"""The folder in which a project comes into being, and which is gone again if it does not."""

import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from fastoffload.interrupts import held


class Place:
    """A context: work in `staging`, then `publish`. Leaving by an exception removes all traces.

    An existing empty target is kept, for it may be somebody's working directory.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._keep_target = target.exists()
        self._new_parents = [parent for parent in target.parents if not parent.exists()]
        beside = target if self._keep_target else target.parent
        self.staging = beside / f".{target.name}.{secrets.token_hex(4)}"
        self._published = False

    def __enter__(self) -> Self:
        try:
            self.staging.mkdir(parents=True)
        except BaseException:
            self._remove()
            raise
        return self

    def publish(self) -> None:
        """Moves what was made to its target."""
        with held():
            if self._keep_target:
                self._published = True
                for entry in self.staging.iterdir():
                    entry.rename(self._target / entry.name)
                self.staging.rmdir()
            else:
                self.staging.rename(self._target)
                self._published = True

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
            shutil.rmtree(self.staging, ignore_errors=True)
            if self._published:
                self._remove_published()
            for parent in self._new_parents:
                # Somebody else may have put something there by now.
                with suppress(OSError):
                    parent.rmdir()

    def _remove_published(self) -> None:
        if not self._keep_target:
            shutil.rmtree(self._target, ignore_errors=True)
            return
        for entry in self._target.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)
