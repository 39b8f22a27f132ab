"""What shall become of files, all or nothing: shown as a diff first, then done in one step."""

import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fastoffload.errors import FastoffloadError
from fastoffload.git import patches
from fastoffload.system.processes import held


@dataclass(frozen=True, slots=True)
class Change:
    """A file before and after; None where there is none."""

    before: bytes | None
    after: bytes | None


Changes = Mapping[Path, Change]


def becoming(files: Mapping[Path, bytes | None]) -> dict[Path, Change]:
    """The changes from what is there to what shall be."""
    return {file: Change(_content(file), after) for file, after in files.items()}


def diff(changes: Changes, root: Path, *, colour: bool = False) -> bytes:
    """As git shows it, with paths from the root; what is above it has its name alone."""
    sides: tuple[dict[str, bytes], dict[str, bytes]] = ({}, {})
    for file, change in changes.items():
        name = (file.relative_to(root) if file.is_relative_to(root) else Path(file.name)).as_posix()
        for side, content in zip(sides, (change.before, change.after), strict=True):
            if content is not None:
                side[name] = content
    return patches.diff(*sides, colour=colour)


def carry_out(changes: Changes) -> None:
    """Does it. Whatever stops it, every file is as it was; an interruption waits until then."""
    with held():
        for file, change in changes.items():
            if _content(file) != change.before:
                raise FastoffloadError(f"{file} was changed meanwhile; nothing was done, try again")
        done: list[Path] = []
        try:
            for file, change in changes.items():
                done.append(file)
                _put(file, change.after)
        except BaseException:
            for file in done:
                _put(file, changes[file].before)
            raise
        finally:
            _remove_empty({file.parent for file in changes})


def _content(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None


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
        beside.replace(file)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _remove_empty(folders: set[Path]) -> None:
    """Also those above them, as long as nothing is in them but what Python keeps there."""
    for folder in sorted(folders, key=lambda one: len(one.parts), reverse=True):
        for one in (folder, *folder.parents):
            if not one.is_dir() or any(path.name != "__pycache__" for path in one.iterdir()):
                break
            shutil.rmtree(one)
