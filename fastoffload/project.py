"""A generated project that is to be changed: found, checked, and nothing under way in it."""

from pathlib import Path

from fastoffload.alone import alone
from fastoffload.answers import Answers
from fastoffload.git import leave_foreign_repository
from fastoffload.journal import Journal
from fastoffload.worktree import WorkTree


def ready(path: Path) -> tuple[WorkTree, Answers]:
    """Raises FastoffloadError for the first thing that stands in the way."""
    leave_foreign_repository()
    answers = Answers.read(path)
    work = WorkTree.around(path)
    work.head()
    with alone(work):
        Journal.check_none(work)
    work.check_clean()
    work.tree("HEAD")
    return work, answers
