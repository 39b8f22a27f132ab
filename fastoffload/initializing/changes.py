"""What shall become of files, all or nothing: shown as a diff first, then done in one step."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fastoffload.errors import FastoffloadError
from fastoffload.git.repository import Repository, scratch
from fastoffload.system.processes import held


@dataclass(frozen=True, slots=True)
class Change:
    """A file before and after; None where there is none."""

    before: bytes | None
    after: bytes | None


Changes = Mapping[Path, Change]


def diff(changes: Changes, root: Path, *, colour: bool = False) -> str:
    """As git shows it, with paths from the root."""
    with scratch() as repository, tempfile.TemporaryDirectory(prefix="fastoffload-") as folder:
        trees = [
            _tree(repository, Path(folder, side), changes, root, side)
            for side in ("before", "after")
        ]
        colours = "--color=always" if colour else "--color=never"
        return repository.text("diff", colours, "--no-ext-diff", "--no-renames", *trees)


def reverse(patch: str, contents: Mapping[str, bytes]) -> dict[str, bytes] | None:
    """The contents with a patch taken out; None where it does not fit any more."""
    with scratch() as repository, tempfile.TemporaryDirectory(prefix="fastoffload-") as folder:
        for name, content in contents.items():
            file = Path(folder, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        done = repository.git(
            "apply",
            "--reverse",
            "-",
            stdin=f"{patch}\n".encode(errors="surrogateescape"),
            allowed=(0, 1, 128),
            env={"GIT_WORK_TREE": folder},
            cwd=Path(folder),
        )
        if done.returncode:
            return None
        return {name: Path(folder, name).read_bytes() for name in contents}


def carry_out(changes: Changes) -> None:
    """Does it. Whatever stops it, every file is as it was; an interruption waits until it is done."""
    with held():
        _check_unchanged(changes)
        done: list[Path] = []
        made: list[Path] = []
        try:
            for file, change in changes.items():
                made += [folder for folder in reversed(file.parents) if not folder.exists()]
                done.append(file)
                _put(file, change.after)
        except BaseException:
            for file in done:
                _put(file, changes[file].before)
            _remove_empty(made)
            raise
        _remove_empty([file.parent for file, change in changes.items() if change.after is None])


def _check_unchanged(changes: Changes) -> None:
    for file, change in changes.items():
        if (file.read_bytes() if file.is_file() else None) != change.before:
            raise FastoffloadError(f"{file} was changed meanwhile; nothing was done, try again")


def _put(file: Path, content: bytes | None) -> None:
    if content is None:
        file.unlink(missing_ok=True)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        beside.write_bytes(content)
        if file.exists():
            shutil.copymode(file, beside)
        os.replace(beside, file)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _remove_empty(folders: list[Path]) -> None:
    """Also what is above them, as long as it is empty but for what Python keeps there."""
    for folder in sorted(set(folders), key=lambda one: len(one.parts), reverse=True):
        for one in (folder, *folder.parents):
            if not one.is_dir() or any(path.name != "__pycache__" for path in one.iterdir()):
                break
            shutil.rmtree(one)


def _tree(
    repository: Repository, folder: Path, changes: Changes, root: Path, side: str
) -> str:
    folder.mkdir()
    for file, change in changes.items():
        content: bytes | None = getattr(change, side)
        if content is not None:
            place = folder / os.path.relpath(file, root).replace("../", "")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
    return repository.tree_of(folder, ignored=True)
