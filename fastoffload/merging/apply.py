"""The one moment in which the user's files change: noted before, finished or undone after."""

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath

from fastoffload.errors import FastoffloadError, os_errors_expected
from fastoffload.git.call import encoded
from fastoffload.git.repository import index as private_index
from fastoffload.git.worktree import WorkTree
from fastoffload.merging.journal import Journal, exclusive
from fastoffload.system.processes import held

NOTHING = "0" * 40


def apply(work: WorkTree, journal: Journal) -> None:
    """Changes the tree and the index; an interruption waits until that is done."""
    with exclusive(work) as keep, suppress(KeyboardInterrupt), held():
        journal.write(work)
        try:
            with os_errors_expected(), _index(work) as index:
                _check_unchanged(work, journal)
        except FastoffloadError:
            journal.remove(work)
            raise
        try:
            _finish(work, journal, index, keep)
        except FastoffloadError:
            _write(work, journal, journal.head, index, keep)
            journal.remove(work)
            raise


def finish(work: WorkTree, journal: Journal) -> None:
    """Does what an interrupted `apply` had not."""
    with exclusive(work) as keep, suppress(KeyboardInterrupt), held():
        _check_untouched(work, journal)
        _finish(work, journal, _index_of_the_dead(work), keep)


def undo(work: WorkTree, journal: Journal) -> None:
    """Puts back every path that `apply` changes or would have changed."""
    with exclusive(work) as keep, suppress(KeyboardInterrupt), held():
        if not journal.applied:
            _check_untouched(work, journal)
        _write(work, journal, journal.head, _index_of_the_dead(work), keep)
        journal.remove(work)


def _finish(work: WorkTree, journal: Journal, index: Path, keep: int) -> None:
    _write(work, journal, journal.after, index, keep)
    if journal.stages:
        replace(journal, applied=True).write(work)
    else:
        journal.remove(work)


def _write(work: WorkTree, journal: Journal, source: str, index: Path, keep: int) -> None:
    """Makes the paths in the tree and in the index what they are in the source."""
    env = {"GIT_INDEX_FILE": str(index)}
    # Known to the index, a path that the source does not have is removed.
    known = work.listed(journal.head, journal.paths) | work.listed(journal.after, journal.paths)
    _enter(work, [f"{about}\t{path}" for path, about in known.items()], index, keep)
    options = ("--staged", "--worktree", "--pathspec-from-file=-", "--pathspec-file-nul")
    paths = encoded("\0".join(journal.paths))
    work.git("restore", f"--source={source}", *options, stdin=paths, env=env, keep=[keep])
    if source == journal.after:
        _enter(work, _conflicts(journal), index, keep)
    index.replace(work.index)


def _conflicts(journal: Journal) -> list[str]:
    stages = [
        f"{stage.entry.mode} {stage.entry.oid} {stage.number}\t{stage.path}"
        for stage in journal.stages
    ]
    return [*(f"0 {NOTHING}\t{path}" for path in {one.path for one in journal.stages}), *stages]


def _enter(work: WorkTree, lines: list[str], index: Path, keep: int) -> None:
    env = {"GIT_INDEX_FILE": str(index)}
    stdin = encoded("".join(f"{line}\0" for line in lines))
    work.git("update-index", "-z", "--index-info", stdin=stdin, env=env, keep=[keep])


@contextmanager
def _index(work: WorkTree) -> Iterator[Path]:
    """A copy of the index where git itself prepares a new one; gone if the block fails."""
    copy = work.index.with_name("index.lock")
    try:
        with copy.open("xb") as stream:
            stream.write(work.index.read_bytes())
    except FileExistsError as error:
        raise FastoffloadError(
            f"another git is at work in {work.root} ({copy} exists); wait for it, and try again"
        ) from error
    try:
        yield copy
    except BaseException:
        copy.unlink()
        raise


def _index_of_the_dead(work: WorkTree) -> Path:
    """The same, when what is there was left by an `apply` that was killed."""
    # An update with conflicts has ended in order: a lock that is there now is somebody else's.
    if (journal := Journal.read(work)) and not journal.applied:
        for name in ("index.lock", "index.lock.lock"):
            work.index.with_name(name).unlink(missing_ok=True)
    with _index(work) as copy:
        return copy


# What must hold before the user's files change, so that nothing of theirs is lost.


def _check_unchanged(work: WorkTree, journal: Journal) -> None:
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


def _check_untouched(work: WorkTree, journal: Journal) -> None:
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
    with private_index() as env:
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
