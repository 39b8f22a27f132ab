"""What must hold before the user's files change, so that nothing of theirs is lost."""

import os
import shlex
from pathlib import Path, PurePosixPath

from fastoffload.errors import FastoffloadError
from fastoffload.journal import Journal
from fastoffload.plumbing import index
from fastoffload.scratch import encoded
from fastoffload.worktree import WorkTree


def check_unchanged(work: WorkTree, journal: Journal) -> None:
    """Raises before the first write; seconds have passed since the project was looked at."""
    if work.head() != journal.head or work.uncommitted():
        raise FastoffloadError(f"{work.project} was changed meanwhile; nothing was done, try again")
    _check_seen(work, journal)
    added = {*journal.paths} - work.listed(journal.head, journal.paths).keys()
    there = {path for path in added if os.path.lexists(work.root / path)}
    if in_the_way := there | _not_folders(work, journal):
        raise FastoffloadError(
            f"{min(in_the_way)} is in the way, ignored by git; move it elsewhere first"
        )


def check_untouched(work: WorkTree, journal: Journal) -> None:
    """Raises for a path that is neither as it was nor as it shall be: somebody's work since."""
    neither = _differing(work, journal, journal.head) & _differing(work, journal, journal.after)
    if changed := neither | _not_folders(work, journal):
        raise FastoffloadError(
            f"{min(changed)} was changed since {journal.title} was interrupted;"
            " move it elsewhere, and try again"
        )


def _check_seen(work: WorkTree, journal: Journal) -> None:
    """Raises for a file that git was told not to look at: edits of it count as none."""
    listed = work.git("ls-files", "-v", "-z", "--", work.prefix or ".").stdout
    lines = (line.partition(" ") for line in os.fsdecode(listed).split("\0"))
    tags = {path: tag for tag, _, path in lines}
    for path in journal.paths:
        tag = tags.get(path, "H")
        if tag == "S" or tag.islower():
            flag = "skip-worktree" if tag == "S" else "assume-unchanged"
            command = ["git", "-C", str(work.root), "update-index", f"--no-{flag}", path]
            raise FastoffloadError(
                f"{path} is marked {flag}, so git does not see edits of it;"
                f" run `{shlex.join(command)}` first"
            )


def _not_folders(work: WorkTree, journal: Journal) -> set[str]:
    """What is where a path needs a folder, and is none of the paths itself."""
    above = {str(parent) for path in journal.paths for parent in PurePosixPath(path).parents}
    return {path for path in above - {*journal.paths} if _is_no_folder(work.root / path)}


def _is_no_folder(place: Path) -> bool:
    return os.path.lexists(place) and (place.is_symlink() or not place.is_dir())


def _differing(work: WorkTree, journal: Journal, source: str) -> set[str]:
    """The paths that hold something, and not what they hold in the source."""
    entries = work.listed(source, journal.paths)
    lines = "".join(f"{about}\t{path}\0" for path, about in entries.items())
    with index() as env:
        work.git("update-index", "-z", "--index-info", stdin=encoded(lines), env=env)
        work.git("update-index", "-q", "--refresh", env=env, allowed=(0, 1))
        changed = os.fsdecode(work.git("diff-files", "-z", "--name-only", env=env).stdout)
    different = {*changed.split("\0")} | ({*journal.paths} - entries.keys())
    return {path for path in different & {*journal.paths} if _holds_something(work.root / path)}


def _holds_something(file: Path) -> bool:
    """A crash may leave an empty file where git was about to write."""
    if file.is_symlink() or not file.is_file():
        return os.path.lexists(file)
    return file.stat().st_size > 0
