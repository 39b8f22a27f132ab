"""A package manager at work on a copy of a project: what it changes there is taken over, or not."""

import os
import shlex
import shutil
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fastoffload import terminal
from fastoffload.requirements.declared import declared, declared_for_developers
from fastoffload.requirements.managers import (
    DEV_LISTS,
    LISTS,
    Manager,
    append,
    drop,
    lacking,
    list_of,
    locked_in,
    manager_of,
    split,
)

# Nothing of the application's own is in them.
SKIPPED = {".git", ".venv", "venv", "node_modules", "__pycache__", ".tox", "site-packages"}
MOST_BYTES = 1_000_000  # of a file that a package manager may want to read; a lock has no limit
PYPROJECT = "pyproject.toml"


@dataclass(frozen=True, slots=True)
class Bring:
    """What files become, and the commands to type: where nothing of ours can, and to install it."""

    files: dict[Path, bytes] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    install: list[str] = field(default_factory=list)


def missing(
    root: Path, wanted: Collection[str], dev: Collection[str] = (), unwanted: Collection[str] = ()
) -> tuple[list[str], list[str]]:
    """What the project does not ask for yet, for the service and for its developers alone."""
    staying = [one for one in declared(root) if split(one)[0] not in unwanted]
    for_all = lacking(wanted, staying)
    return for_all, lacking(dev, [*staying, *declared_for_developers(root), *for_all])


def bring(
    root: Path,
    wanted: Collection[str],
    unwanted: Collection[str] = (),
    *,
    dev: Collection[str] = (),
) -> Bring:
    """The unwanted names out, the wanted requirements in; a name may be in both.

    `dev` are for the project's developers alone. Raises FastoffloadError, with what the package
    manager said, where it fails.
    """
    for_all, for_developers = missing(root, wanted, dev, unwanted)
    manager = manager_of(root)
    if manager is None:
        return _in_lists(root, for_all, for_developers, unwanted)
    verbs = [
        (manager.remove, [*unwanted]),
        (manager.add, for_all),
        (manager.add_dev, for_developers),
    ]
    return _by(manager, root, [(verb, names) for verb, names in verbs if names])


def _by(manager: Manager, root: Path, verbs: Sequence[tuple[Sequence[str], list[str]]]) -> Bring:
    if not verbs:
        return Bring()
    if not manager.is_here:
        return Bring(commands=[manager.command(verb, *names) for verb, names in verbs])
    with terminal.progress(f"Changing the requirements ({manager.name})"), copied(root) as copy:
        for verb, names in verbs:
            manager.run(copy, verb, *names)
        return Bring(_changed(root, copy, manager), install=[manager.install])


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


def _in_lists(
    root: Path, for_all: list[str], for_developers: list[str], unwanted: Collection[str]
) -> Bring:
    brought = Bring()
    for names, added, dropped in ((LISTS, for_all, unwanted), (DEV_LISTS, for_developers, ())):
        file = list_of(root, names)
        if file and (added or dropped):
            brought.files[file] = append(drop(file.read_bytes(), dropped), added)
            brought.install.append(f"pip install -r {file.relative_to(root).as_posix()}")
        elif added:
            brought.commands.append(shlex.join(["pip", "install", *added]))
    return brought


@contextmanager
def copied(root: Path) -> Iterator[Path]:
    """A copy of what package managers read, with the workspace around it; gone afterwards."""
    top = locked_in(root)
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
