"""What update and switch share: render twice, merge, and change the tree in one step."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fastoffload import terminal
from fastoffload.catalog import Choice
from fastoffload.errors import FastoffloadError
from fastoffload.git.call import check_merges
from fastoffload.git.repository import FROM_OURS, Entries, Entry, Repository, scratch
from fastoffload.git.worktree import WorkTree
from fastoffload.merging.apply import apply
from fastoffload.merging.journal import Journal, exclusive
from fastoffload.merging.merge import LOCK_FILE, PYPROJECT, Changes, Merged, lend, merge
from fastoffload.system import uv
from fastoffload.templating.answers import ANSWERS_FILE, Answers
from fastoffload.templating.render import render_to_tree

RESULT = "refs/heads/result"
LOCK_LATER = (
    "the old uv.lock stays, for uv could not make it anew; run `uv lock` when what it says is"
    " mended, and commit it with the rest. uv said:\n{}"
)

Follow = Callable[[Repository, str, Entries, Entries, Merged], list[str]]
"""What an application that has the engine by `init` needs beside the merge.

It is called with its package, and with the templates' files of before and of now; it changes the
merged entries, and returns warnings.
"""


@dataclass(frozen=True, slots=True)
class Target:
    """What a project shall become. Only a new release renames files of the templates."""

    release: str
    choice: Choice
    title: str
    label: str
    follow_renames: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """The result, complete, beside the tree that it is for."""

    scratch: Repository
    work: WorkTree
    journal: Journal
    tree: str
    changes: Changes
    warnings: list[str]

    def diff(self, *, colour: bool) -> str:
        """What would change, as git shows it."""
        colours = "--color=always" if colour else "--color=never"
        before = self.work.tree(self.journal.head)
        return self.scratch.text("diff", colours, "--no-ext-diff", before, self.tree)

    def check_tests(self) -> None:
        """Runs the project's tests on the result; raises when they fail."""
        if self.journal.stages:
            raise FastoffloadError(
                f"{self.journal.title} leaves conflicts, so its tests cannot be run first: "
                f"{', '.join(self.changes.conflict)}; nothing was changed, leave out --test"
            )
        with tempfile.TemporaryDirectory(prefix="fastoffload-") as folder:
            self.scratch.write_to(Path(folder), self.tree)
            with terminal.progress("Running the project's tests on the result"):
                said = uv.test(Path(folder))
        if said is not None:
            terminal.warn(said)
            raise FastoffloadError(
                f"the project's tests fail after {self.journal.title}; nothing was changed"
            )

    def carry_out(self) -> None:
        """Brings the result to the tree, staged."""
        options = ("--no-write-fetch-head", "--no-tags", "--no-recurse-submodules", "--refmap=")
        source = str(self.scratch.folder)
        self.work.git("fetch", "--quiet", *options, source, RESULT, env=FROM_OURS)
        apply(self.work, self.journal)


def ready(path: Path) -> tuple[WorkTree, Answers]:
    """A project to change. Raises FastoffloadError for the first thing that stands in the way."""
    answers = Answers.read(path)
    work = WorkTree.around(path)
    check_merges()
    work.head()
    with exclusive(work):
        Journal.check_none(work)
    work.check_clean()
    work.check_committed(ANSWERS_FILE)
    return work, answers


def lock(project: Path) -> list[str]:
    """Makes the lock file anew; returns a warning when uv could not."""
    said = uv.lock(project)
    return [] if said is None else [LOCK_LATER.format(said)]


@contextmanager
def plan(work: WorkTree, answers: Answers, target: Target, follow: Follow) -> Iterator[Plan]:
    """Works out what the project becomes; nothing of the user's is written."""
    with scratch(work) as repository:
        with terminal.progress(f"Working out {target.title}"):
            made = _plan(work, repository, answers, target, follow)
        yield made


def _plan(
    work: WorkTree, repository: Repository, answers: Answers, target: Target, follow: Follow
) -> Plan:
    head = work.head()
    yours = work.tree(head)
    base = render_to_tree(repository, answers.data(answers.choice), answers.release)
    theirs = render_to_tree(repository, answers.data(target.choice), target.release)
    theirs = lend(repository, theirs, base, yours)
    base = lend(repository, base, base, yours)
    merged = merge(repository, base, yours, theirs, target.label, renames=target.follow_renames)
    warnings = _lock(repository, yours, merged)
    if answers.package is not None:
        sides = (repository.entries(base), repository.entries(theirs))
        warnings += follow(repository, answers.package, *sides, merged)
    tree = repository.tree(merged.entries)
    after = repository.within(work.text("rev-parse", f"{head}^{{tree}}"), work.prefix, tree)
    repository.git("update-ref", RESULT, repository.commit(after, target.label))
    changes = Changes.of(repository.entries(base), repository.entries(yours), merged)
    journal = Journal(
        title=target.title,
        prefix=work.prefix,
        head=head,
        after=after,
        paths=[f"{work.prefix}{path}" for path in changes.touched],
        stages=[stage.below(work.prefix) for stage in merged.stages],
    )
    return Plan(repository, work, journal, tree, changes, warnings)


def _lock(repository: Repository, yours: str, merged: Merged) -> list[str]:
    """Locks anew when the dependencies may have changed, into the entries; returns warnings."""
    dependencies = repository.entries(yours).get(PYPROJECT), merged.entries.get(PYPROJECT)
    conflict = any(stage.path == PYPROJECT for stage in merged.stages)
    if LOCK_FILE not in merged.entries or dependencies[0] == dependencies[1] or conflict:
        return []
    with tempfile.TemporaryDirectory(prefix="fastoffload-") as folder:
        repository.write_to(Path(folder), repository.tree(merged.entries))
        warnings = lock(Path(folder))
        content = (Path(folder) / LOCK_FILE).read_bytes()
    if not warnings:
        old = merged.entries[LOCK_FILE]
        merged.entries[LOCK_FILE] = Entry(old.mode, repository.blob(content))
    return warnings
