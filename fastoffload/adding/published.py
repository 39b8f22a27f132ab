"""Files that come into a project all at once, or not at all."""

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from errno import EEXIST
from pathlib import Path

from fastoffload.system.processes import held


@contextmanager
def staged(root: Path, files: Mapping[str, bytes], shared: Iterable[Path]) -> Iterator[None]:
    """Writes the files beside their places; they are moved there when the block has succeeded.

    If it has not, or the move fails, everything is as before: the `shared` files too, which the
    block may change.
    """
    staging = root / f".add-{secrets.token_hex(4)}"
    before = {file: file.read_bytes() if file.exists() else None for file in shared}
    moved = _Moved(root)
    try:
        for path, content in files.items():
            file = staging / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        yield
        with held():
            for path in files:
                moved.move(staging / path, path)
    except BaseException:
        with held():
            moved.back()
            _restore(before)
        raise
    finally:
        with held():
            shutil.rmtree(staging, ignore_errors=True)


class _Moved:
    """Notes what was made, so that it can be taken away again."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._made: list[Path] = []

    def move(self, source: Path, path: str) -> None:
        """Puts a file in its place. Raises FileExistsError when somebody else has put one there."""
        target = self._root / path
        for folder in reversed([one for one in target.parents if not one.exists()]):
            folder.mkdir()
            self._made.append(folder)
        if target.exists():
            raise FileExistsError(EEXIST, os.strerror(EEXIST), str(target))
        source.rename(target)
        self._made.append(target)

    def back(self) -> None:
        """Takes it all away; a folder in which somebody has put something meanwhile stays."""
        for path in reversed(self._made):
            with suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()


def _restore(before: Mapping[Path, bytes | None]) -> None:
    for file, content in before.items():
        if content is None:
            file.unlink(missing_ok=True)
        elif not file.exists() or file.read_bytes() != content:
            file.write_bytes(content)
