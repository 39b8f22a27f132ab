"""`fastoffload update --continue` and `--abort`: what conflicts or a power cut left."""

import os
from pathlib import Path

from fastoffload.errors import FastoffloadError, os_errors_expected
from fastoffload.git.worktree import WorkTree
from fastoffload.merging.apply import finish, undo
from fastoffload.merging.journal import Journal
from fastoffload.merging.merge import LOCK_FILE, MARKERS, PYPROJECT, Changes
from fastoffload.merging.plan import lock
from fastoffload.merging.update import UpdateResult


@os_errors_expected()
def go_on(path: Path) -> UpdateResult:
    """Finishes: first what an interrupted update had not done, then what the user resolved."""
    work, journal = _under_way(path)
    if not journal.applied:
        finish(work, journal)
        return UpdateResult(path, f"Finished: {journal.title}; commit it", _left(journal))
    _check_resolved(work, journal)
    warnings = _lock(work, journal)
    journal.remove(work)
    return UpdateResult(path, f"Finished: {journal.title}; commit it", warnings=warnings)


def _left(journal: Journal) -> Changes:
    return Changes(conflict=sorted({stage.path for stage in journal.stages}))


@os_errors_expected()
def abort(path: Path) -> UpdateResult:
    """Puts everything back as it was before."""
    work, journal = _under_way(path)
    undo(work, journal)
    return UpdateResult(path, f"Undone: {journal.title}")


def _under_way(path: Path) -> tuple[WorkTree, Journal]:
    work = WorkTree.around(path)
    journal = Journal.read(work)
    if journal is None:
        raise FastoffloadError(f"no update is under way in {work.root}; `git status` shows what is")
    if journal.prefix != work.prefix:
        there = work.root / journal.prefix
        raise FastoffloadError(f"{journal.title} is under way in {there}, not here; run this there")
    return work, journal


def _check_resolved(work: WorkTree, journal: Journal) -> None:
    paths = sorted({stage.path for stage in journal.stages})
    listed = work.git("ls-files", "--unmerged", "-z", "--", *paths).stdout
    left = {line.partition("\t")[2] for line in os.fsdecode(listed).split("\0") if line}
    left |= {path for path in paths if _has_markers(work.root / path)}
    if left:
        raise FastoffloadError(
            f"conflicts are left in {', '.join(sorted(left))}; resolve them, `git add` or `git rm`"
            " the files, and try again"
        )


def _has_markers(file: Path) -> bool:
    if not file.is_file():
        return False
    markers = tuple(marker.encode() for marker in MARKERS)
    return any(line.startswith(markers) for line in file.read_bytes().splitlines())


def _lock(work: WorkTree, journal: Journal) -> list[str]:
    """Locks anew if that had to wait for the user; returns warnings."""
    project = work.root / journal.prefix
    waited = any(stage.path == f"{journal.prefix}{PYPROJECT}" for stage in journal.stages)
    if not waited or not (project / LOCK_FILE).exists():
        return []
    warnings = lock(project)
    if not warnings:
        work.git("add", "--", f"{journal.prefix}{LOCK_FILE}")
    return warnings
