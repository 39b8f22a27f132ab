"""A generated project that is to be changed: found, checked, and nothing under way in it."""

from pathlib import Path

from fastoffload.alone import alone
from fastoffload.answers import ANSWERS_FILE, Answers
from fastoffload.git import check_merges, leave_foreign_repository
from fastoffload.journal import Journal
from fastoffload.worktree import WorkTree


def ready(path: Path) -> tuple[WorkTree, Answers]:
    """Raises FastoffloadError for the first thing that stands in the way."""
    leave_foreign_repository()
    answers = Answers.read(path)
    work = WorkTree.around(path)
    check_merges()
    work.head()
    with alone(work):
        Journal.check_none(work)
    work.check_clean()
    work.check_committed(ANSWERS_FILE)
    return work, answers
