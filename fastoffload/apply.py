"""The one moment in which the user's files change: noted before, finished or undone after."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from fastoffload.alone import alone
from fastoffload.errors import FastoffloadError, os_errors_expected
from fastoffload.guards import check_unchanged, check_untouched
from fastoffload.interrupts import held
from fastoffload.journal import Journal
from fastoffload.scratch import encoded
from fastoffload.worktree import WorkTree

NOTHING = "0" * 40


def apply(work: WorkTree, journal: Journal) -> None:
    """Changes the tree and the index; an interruption waits until that is done."""
    with alone(work) as keep, suppress(KeyboardInterrupt), held():
        journal.write(work)
        try:
            with os_errors_expected(), _index(work) as index:
                check_unchanged(work, journal)
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
    with alone(work) as keep, suppress(KeyboardInterrupt), held():
        check_untouched(work, journal)
        _finish(work, journal, _index_of_the_dead(work), keep)


def undo(work: WorkTree, journal: Journal) -> None:
    """Puts back every path that `apply` changes or would have changed."""
    with alone(work) as keep, suppress(KeyboardInterrupt), held():
        if not journal.applied:
            check_untouched(work, journal)
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
