"""The engine's requirements into an application, by its own package manager, on a copy of it."""

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fastoffload import terminal
from fastoffload.initializing.changes import Change
from fastoffload.initializing.declared import declared
from fastoffload.initializing.looking import SKIPPED
from fastoffload.system.managers import (
    Manager,
    append,
    lacking,
    list_of,
    manager_of,
)

MOST_BYTES = 1_000_000  # of a file that a package manager may want to read
PYPROJECT = "pyproject.toml"


@dataclass(frozen=True, slots=True)
class Added:
    """What changes, and what is left to type where the package manager is not installed."""

    changes: dict[Path, Change]
    left: str | None = None


def add(root: Path, wanted: Collection[str]) -> Added:
    """The changes that bring the wanted requirements. Raises FastoffloadError where that fails."""
    missing = lacking(wanted, declared(root))
    if not missing:
        return Added({})
    manager = manager_of(root)
    if manager is None:
        return _to_list(root, missing)
    if not manager.is_here:
        return Added({}, manager.command(manager.add, *missing))
    with terminal.progress(f"Adding what the engine needs ({manager.name})"), copied(root) as copy:
        manager.run(copy, manager.add, *missing)
        return Added(taken_over(root, copy, manager))


def lock(root: Path, pyproject: bytes) -> dict[Path, Change]:
    """The change of the lock file that goes with another pyproject.toml."""
    manager = manager_of(root)
    if manager is None or not manager.lock or not manager.is_here:
        return {}
    with terminal.progress(f"Locking ({manager.name})"), copied(root) as copy:
        (copy / PYPROJECT).write_bytes(pyproject)
        manager.run(copy, manager.lock)
        changes = taken_over(root, copy, manager)
    changes.pop(root / PYPROJECT, None)
    return changes


def _to_list(root: Path, missing: list[str]) -> Added:
    file = list_of(root)
    if file is None:
        return Added({}, f"pip install {' '.join(repr(one) for one in missing)}")
    before = file.read_bytes()
    return Added({file: Change(before, append(before, missing))})


@contextmanager
def copied(root: Path) -> Iterator[Path]:
    """A copy of what package managers read, with the workspace around it; gone afterwards."""
    top = next((one for one in (root, *root.parents) if (one / "uv.lock").exists()), root)
    with tempfile.TemporaryDirectory(prefix="fastoffload-") as folder:
        whole = Path(folder, top.name or "root")
        for place, below, files in os.walk(top):
            below[:] = [name for name in below if name not in SKIPPED]
            target = whole / Path(place).relative_to(top)
            target.mkdir(parents=True, exist_ok=True)
            for name in files:
                file = Path(place, name)
                if file.is_file() and file.stat().st_size <= _limit(name):
                    shutil.copy(file, target / name)
        yield whole / root.relative_to(top)


def _limit(name: str) -> int:
    return MOST_BYTES * (100 if name.endswith(".lock") else 1)


def taken_over(root: Path, copy: Path, manager: Manager) -> dict[Path, Change]:
    """What the package manager changed in the copy, as changes of what it is a copy of."""
    pairs = [(root / PYPROJECT, copy / PYPROJECT)]
    for above, beside in zip((root, *root.parents), (copy, *copy.parents), strict=False):
        if manager.lock_file and (above / manager.lock_file).exists():
            pairs.append((above / manager.lock_file, beside / manager.lock_file))
            break
    found = {file: Change(file.read_bytes(), twin.read_bytes()) for file, twin in pairs}
    return {file: change for file, change in found.items() if change.before != change.after}
