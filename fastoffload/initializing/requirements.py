"""The requirements of an application that has the engine by `init` follow the engine's list."""

import tempfile
from pathlib import Path

from fastoffload.errors import FastoffloadError
from fastoffload.git import patches
from fastoffload.git.repository import Entries, Entry, Repository
from fastoffload.initializing.patch import PATCH, taken_out
from fastoffload.merging.merge import Merged
from fastoffload.ownership import engine_in
from fastoffload.requirements import copies
from fastoffload.requirements.declared import declared
from fastoffload.requirements.managers import requirements_in, split

REQUIREMENTS = "requirements.txt"  # of the engine, in its folder


def follow(
    repository: Repository, package: str, base: Entries, theirs: Entries, merged: Merged
) -> list[str]:
    """Takes what the engine no longer needs out of the entries, and puts in what it needs now.

    What the application required before `init` stays. Returns warnings: commands left to type.
    """
    name = f"{engine_in(package)}{REQUIREMENTS}"
    old, new = (_requirements(repository, side.get(name)) for side in (base, theirs))
    if old == new:
        return []
    with tempfile.TemporaryDirectory(prefix="fastoffload-") as folder:
        root = Path(folder)
        repository.write_to(root, repository.tree(merged.entries))
        own_files, unfit = taken_out(root)
        before = {} if unfit else own_files
        own = _names(_declared_before(before))
        changed = [one for one in new if one not in old and split(one)[0] not in own]
        gone = sorted((_names(old) - _names([one for one in new if one in old])) - own)
        try:
            brought = copies.bring(root, changed, gone)
        except FastoffloadError as error:
            return [
                f"{error}; the requirements are left to you: out with {gone}, in with {changed}"
            ]
        _enter(repository, merged, root, brought.files, before)
    return [f"type `{command}`, to have what the engine needs" for command in brought.commands]


def _enter(
    repository: Repository,
    merged: Merged,
    root: Path,
    files: dict[Path, bytes],
    before: dict[str, bytes],
) -> None:
    now = {name: (root / name).read_bytes() for name in before}
    for file, content in files.items():
        name = file.relative_to(root).as_posix()
        _set(repository, merged, name, content)
        if name in before:
            now[name] = content
    if before:
        _set(repository, merged, PATCH, patches.diff(before, now))


def _set(repository: Repository, merged: Merged, name: str, content: bytes) -> None:
    mode = merged.entries[name].mode if name in merged.entries else "100644"
    merged.entries[name] = Entry(mode, repository.blob(content))


def _declared_before(before: dict[str, bytes]) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="fastoffload-") as folder:
        for name, content in before.items():
            file = Path(folder, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        return declared(Path(folder))


def _requirements(repository: Repository, entry: Entry | None) -> list[str]:
    if entry is None:
        return []
    return requirements_in(repository.git("cat-file", "blob", entry.oid).stdout.decode())


def _names(requirements: list[str]) -> set[str]:
    return {split(one)[0] for one in requirements}
