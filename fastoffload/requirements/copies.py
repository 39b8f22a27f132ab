"""A package manager at work on a copy of a project: what it changes there is taken over, or not."""

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fastoffload import terminal
from fastoffload.requirements.declared import declared
from fastoffload.requirements.managers import (
    Manager,
    append,
    drop,
    lacking,
    list_of,
    manager_of,
    split,
)

# Nothing of the application's own is in them.
SKIPPED = {".git", ".venv", "venv", "node_modules", "__pycache__", ".tox", "site-packages"}
MOST_BYTES = 1_000_000  # of a file that a package manager may want to read; a lock has no limit
PYPROJECT = "pyproject.toml"


@dataclass(frozen=True, slots=True)
class Bring:
    """What files become, and the commands to type where the package manager is not installed."""

    files: dict[Path, bytes]
    commands: list[str]


def bring(root: Path, wanted: Collection[str], unwanted: Collection[str] = ()) -> Bring:
    """The unwanted names out, the wanted requirements in; a name may be in both.

    Raises FastoffloadError, with what the package manager said, where it fails.
    """
    staying = [one for one in declared(root) if split(one)[0] not in unwanted]
    missing = lacking(wanted, staying)
    if not missing and not unwanted:
        return Bring({}, [])
    manager = manager_of(root)
    if manager is None:
        return _in_list(root, missing, unwanted)
    verbs = [(manager.remove, [*unwanted]), (manager.add, missing)]
    verbs = [(verb, names) for verb, names in verbs if names]
    if not manager.is_here:
        return Bring({}, [manager.command(verb, *names) for verb, names in verbs])
    with terminal.progress(f"Changing the requirements ({manager.name})"), copied(root) as copy:
        for verb, names in verbs:
            manager.run(copy, verb, *names)
        return Bring(_changed(root, copy, manager), [])


def lock(root: Path, pyproject: bytes) -> dict[Path, bytes]:
    """The lock file that goes with another pyproject.toml."""
    manager = manager_of(root)
    if manager is None or not manager.lock or not manager.is_here:
        return {}
    with terminal.progress(f"Locking ({manager.name})"), copied(root) as copy:
        (copy / PYPROJECT).write_bytes(pyproject)
        manager.run(copy, manager.lock)
        changed = _changed(root, copy, manager)
    changed.pop(root / PYPROJECT, None)
    return changed


def _in_list(root: Path, missing: list[str], unwanted: Collection[str]) -> Bring:
    file = list_of(root)
    if file is None:
        return Bring({}, [f"pip install {' '.join(map(repr, missing))}"])
    return Bring({file: append(drop(file.read_bytes(), unwanted), missing)}, [])


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
            for file in (Path(place, name) for name in files):
                if _may_be_read(file):
                    shutil.copy(file, target / file.name)
        yield whole / root.relative_to(top)


def _may_be_read(file: Path) -> bool:
    return file.is_file() and (file.suffix == ".lock" or file.stat().st_size <= MOST_BYTES)


def _changed(root: Path, copy: Path, manager: Manager) -> dict[Path, bytes]:
    """What the package manager changed in the copy, as files of what it is a copy of."""
    pairs = [(root / PYPROJECT, copy / PYPROJECT)]
    for above, beside in zip((root, *root.parents), (copy, *copy.parents), strict=False):
        if manager.lock_file and (above / manager.lock_file).exists():
            pairs.append((above / manager.lock_file, beside / manager.lock_file))
            break
    found = {file: twin.read_bytes() for file, twin in pairs}
    return {file: content for file, content in found.items() if content != file.read_bytes()}
