"""What update and switch share: render twice, merge, and change the tree in one step."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fastoffload import console, install
from fastoffload.answers import Answers
from fastoffload.apply import apply
from fastoffload.changes import Changes
from fastoffload.errors import FastoffloadError
from fastoffload.journal import Journal
from fastoffload.merge import LOCK_FILE, Merged, merge
from fastoffload.options import Choice
from fastoffload.render import render
from fastoffload.scratch import Entry, Scratch, scratch
from fastoffload.worktree import WorkTree

PYPROJECT = "pyproject.toml"
RESULT = "refs/heads/result"
LOCK_LATER = (
    "the old uv.lock stays, for uv could not make it anew; run `uv lock` when there is a network,"
    " and commit it with the rest. uv said:\n{}"
)


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

    scratch: Scratch
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
            with console.progress("Running the project's tests on the result"):
                said = install.test(Path(folder))
        if said is not None:
            console.warn(said)
            raise FastoffloadError(
                f"the project's tests fail after {self.journal.title}; nothing was changed"
            )

    def carry_out(self) -> None:
        """Brings the result to the tree, staged."""
        options = ("--no-write-fetch-head", "--no-tags", "--no-recurse-submodules", "--refmap=")
        source = str(self.scratch.folder)
        # Whatever the user lets git fetch from elsewhere: this is a folder of ours.
        allowed = {"GIT_ALLOW_PROTOCOL": "file"}
        self.work.git("fetch", "--quiet", *options, source, RESULT, env=allowed)
        apply(self.work, self.journal)


@contextmanager
def plan(work: WorkTree, answers: Answers, target: Target) -> Iterator[Plan]:
    """Works out what the project becomes; nothing of the user's is written."""
    with scratch(work) as repository:
        with console.progress(f"Working out {target.title}"):
            made = _plan(work, repository, answers, target)
        yield made


def _plan(work: WorkTree, repository: Scratch, answers: Answers, target: Target) -> Plan:
    head = work.head()
    yours = work.tree(head)
    base = _rendered(repository, answers.data(answers.choice), answers.release)
    theirs = _rendered(repository, answers.data(target.choice), target.release)
    merged = merge(repository, base, yours, theirs, target.label, renames=target.follow_renames)
    warnings = _lock(repository, yours, merged)
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


def _rendered(repository: Scratch, answers: dict[str, str], release: str) -> str:
    with tempfile.TemporaryDirectory(prefix="fastoffload-") as folder:
        render(Path(folder), answers, release)
        return repository.tree_of(Path(folder), ignored=True)


def _lock(repository: Scratch, yours: str, merged: Merged) -> list[str]:
    """Locks anew when the dependencies may have changed, into the entries; returns warnings."""
    dependencies = repository.entries(yours).get(PYPROJECT), merged.entries.get(PYPROJECT)
    conflict = any(stage.path == PYPROJECT for stage in merged.stages)
    if LOCK_FILE not in merged.entries or dependencies[0] == dependencies[1] or conflict:
        return []
    with tempfile.TemporaryDirectory(prefix="fastoffload-") as folder:
        repository.write_to(Path(folder), repository.tree(merged.entries))
        said = install.lock(Path(folder))
        content = (Path(folder) / LOCK_FILE).read_bytes()
    if said is not None:
        return [LOCK_LATER.format(said)]
    old = merged.entries[LOCK_FILE]
    merged.entries[LOCK_FILE] = Entry(old.mode, repository.blob(content))
    return []
