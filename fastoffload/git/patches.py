"""Changes of files as git shows them, and taken back by what was shown."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from fastoffload.git.repository import Repository, scratch

Contents = Mapping[str, bytes]
"""What files hold, by their paths."""


def diff(before: Contents, after: Contents, *, colour: bool = False) -> bytes:
    """From some files to others: those in only one of them come or go."""
    with scratch() as repository:
        trees = [_tree(repository, side) for side in (before, after)]
        colours = "--color=always" if colour else "--color=never"
        return repository.git("diff", colours, "--no-ext-diff", "--no-renames", *trees).stdout


def reverse(patch: bytes, contents: Contents) -> dict[str, bytes] | None:
    """The contents with a patch taken out; None where it does not fit any more."""
    with scratch() as repository, tempfile.TemporaryDirectory(prefix="fastoffload-") as folder:
        _write(Path(folder), contents)
        done = repository.git(
            "apply",
            "--reverse",
            "-C0",  # lines of the user's may stand around ours by now
            "-",
            stdin=patch,
            allowed=(0, 1, 128),
            env={"GIT_WORK_TREE": folder},
            cwd=Path(folder),
        )
        if done.returncode:
            return None
        return {name: Path(folder, name).read_bytes() for name in contents}


def by_file(patch: bytes) -> dict[str, bytes]:
    """The patch of each file that it changes, by its path."""
    _, *parts = (b"\n" + patch).split(b"\ndiff --git ")
    found = {}
    for part in parts:
        name = part.partition(b"\n+++ b/")[2].partition(b"\n")[0].rstrip(b"\t")
        found[name.decode()] = b"diff --git " + part.removesuffix(b"\n") + b"\n"
    return found


def _tree(repository: Repository, contents: Contents) -> str:
    with tempfile.TemporaryDirectory(prefix="fastoffload-") as folder:
        _write(Path(folder), contents)
        return repository.tree_of(Path(folder), ignored=True)


def _write(folder: Path, contents: Contents) -> None:
    for name, content in contents.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
