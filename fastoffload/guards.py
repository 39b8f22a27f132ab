"""What must hold before the user's files change, so that nothing of theirs is lost."""

import os
import shlex

from fastoffload.errors import FastoffloadError
from fastoffload.journal import Journal
from fastoffload.worktree import WorkTree


def check_unchanged(work: WorkTree, journal: Journal) -> None:
    """Raises before the first write; seconds have passed since the project was looked at."""
    if work.head() != journal.head or work.uncommitted():
        raise FastoffloadError(f"{work.project} was changed meanwhile; nothing was done, try again")
    _check_seen(work, journal)
    there = {*journal.paths} - work.listed(journal.head, journal.paths).keys()
    for path in sorted(there):
        if os.path.lexists(work.root / path):
            raise FastoffloadError(f"{path} is in the way, ignored by git; move it elsewhere first")


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
