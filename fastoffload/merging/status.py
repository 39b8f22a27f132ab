"""`fastoffload status`: what a project is, and how far it is from what it came from."""

from collections.abc import Iterable, Set
from dataclasses import dataclass
from pathlib import Path

from fastoffload.errors import FastoffloadError, os_errors_expected
from fastoffload.git.call import check_git, decoded
from fastoffload.git.repository import Repository, scratch
from fastoffload.git.worktree import WorkTree
from fastoffload.merging.journal import Journal, is_locked
from fastoffload.merging.merge import LOCK_FILE, MARKERS, lend
from fastoffload.merging.needed import still_needed
from fastoffload.ownership import TESTS, USERS, engine_in, is_kept_by_init, users
from fastoffload.templating import releases
from fastoffload.templating.answers import ANSWERS_FILE, Answers
from fastoffload.templating.render import render_to_tree

NOT_OURS = {ANSWERS_FILE, LOCK_FILE}


@dataclass(frozen=True, slots=True)
class Status:
    """What a project is. Its files are compared with those of its own release.

    `needed` are those of the missing that the present ones still use. `yours` are the files and
    folders that are no part of the comparison, for no update touches them.
    """

    path: Path
    name: str
    strategy: str
    pool: str | None
    broker: str | None
    release: str
    newest: str
    yours: list[str]
    behind: list[str]
    unfinished: str | None
    edited: list[str]
    missing: list[str]
    needed: list[str]
    extra: list[str]
    marked: list[str]

    @property
    def faults(self) -> list[str]:
        """What CI should refuse, a line for each."""
        lost = [f"{path} is missing, and the project still uses it" for path in self.needed]
        marked = [f"{path} holds conflict markers" for path in self.marked]
        return [*filter(None, [self.unfinished]), *lost, *marked]


@os_errors_expected()
def status(path: Path) -> Status:
    """Looks, and changes nothing; the project need not be in a repository."""
    check_git()
    answers = Answers.read(path)
    releases.check_known(answers.release)
    with scratch() as repository:
        rendered = render_to_tree(repository, answers.data(answers.choice), answers.release)
        present = _present(repository, path, repository.entries(rendered))
        rendered = lend(repository, rendered, rendered, present)
        before, now = repository.entries(rendered), repository.entries(present)
        not_compared = NOT_OURS | _theirs(answers, before.keys() | now.keys())
        missing = sorted(before.keys() - now.keys() - not_compared)
        changed = {name for name in before.keys() & now.keys() if before[name] != now[name]}
        marked = _marked(repository, present)
    options = answers.choice.answers
    return Status(
        path=path,
        name=answers.name,
        strategy=options["strategy"],
        pool=options.get("pool"),
        broker=options.get("broker"),
        release=answers.release,
        newest=releases.newest(),
        yours=_named_yours(answers, before.keys()),
        behind=releases.between(answers.release, releases.newest()),
        unfinished=_unfinished(path),
        edited=sorted(changed - not_compared),
        missing=missing,
        needed=still_needed(missing, path, now.keys()),
        extra=sorted(now.keys() - before.keys() - not_compared),
        marked=marked,
    )


def _theirs(answers: Answers, paths: Set[str]) -> set[str]:
    """The user's files; in an application that has the engine by `init`, all but ours."""
    if answers.package is None:
        return users(paths)
    engine = engine_in(answers.package)
    return {path for path in paths if not is_kept_by_init(path, engine)}


def _named_yours(answers: Answers, rendered: Set[str]) -> list[str]:
    if answers.package is None:
        return [*USERS] if users(rendered) else []
    return [f"all but {engine_in(answers.package)} and {TESTS}"]


def _present(repository: Repository, path: Path, ours: Iterable[str]) -> str:
    """As it would be committed, and what it has of ours though git ignores it."""
    try:
        return repository.tree_of(path, also=ours)
    except FastoffloadError as error:
        raise FastoffloadError(f"{error}; mend what it names, or add it to .gitignore") from error


def _marked(repository: Repository, tree: str) -> list[str]:
    found = repository.git(
        "grep", "-z", "-lIE", f"^({'|'.join(MARKERS)})", tree, allowed=(0, 1)
    ).stdout
    names = decoded(found).split("\0")[:-1]
    return [name.removeprefix(f"{tree}:") for name in names]


def _unfinished(path: Path) -> str | None:
    try:
        work = WorkTree.around(path)
    except FastoffloadError:
        return None
    try:
        if Journal.read(work) is None or is_locked(work):
            return None
        # Who had it until now may have brought it to its end.
        journal = Journal.read(work)
    except FastoffloadError as error:
        return str(error)
    return journal.state() if journal else None
