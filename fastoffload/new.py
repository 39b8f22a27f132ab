"""`fastoffload new`: from options to a project."""

import tempfile
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path

from fastoffload import console, git, names, releases
from fastoffload.checks import check
from fastoffload.errors import UsageError, os_errors_expected
from fastoffload.install import sync
from fastoffload.next_steps import next_steps
from fastoffload.options import Choice, NewOptions
from fastoffload.place import Place
from fastoffload.prompts import ask_choice
from fastoffload.render import render


@dataclass(frozen=True, slots=True)
class NewResult:
    """What `new` made or, with `dry_run`, would make. The files are those of the template."""

    path: Path
    name: str
    strategy: str
    pool: str | None
    broker: str | None
    release: str
    files: list[str]
    dry_run: bool = True
    installed: bool = False
    git: bool = False
    warnings: list[str] = field(default_factory=list)
    next_steps: list[str] = field(default_factory=list)


def new(options: NewOptions, given: Choice | None, *, dry_run: bool) -> NewResult:
    """Checks, asks for the strategy if none is given, and makes the project."""
    git.leave_foreign_repository()
    with os_errors_expected():
        check(options)
        releases.check_known(options.release or releases.newest())
        choice = given or ask_choice()
        result = _preview(options, choice) if dry_run else _make(options, choice)
    return replace(result, warnings=[*filter(None, [choice.cost]), *result.warnings])


def _preview(options: NewOptions, choice: Choice) -> NewResult:
    with tempfile.TemporaryDirectory() as folder:
        return _render(Path(folder), options, choice)


def _make(options: NewOptions, choice: Choice) -> NewResult:
    """The steps; whatever stops them, nothing is left behind."""
    with Place(options.path) as place:
        result = _render(place.staging, options, choice)
        place.publish()
        failed_sync = _install(options)
        failed_commit = _commit(options)
    return replace(
        result,
        dry_run=False,
        installed=options.install and failed_sync is None,
        git=options.git and failed_commit is None,
        warnings=[*filter(None, [failed_sync, failed_commit])],
        next_steps=next_steps(
            options.path, choice, installed=options.install and failed_sync is None
        ),
    )


def _render(folder: Path, options: NewOptions, choice: Choice) -> NewResult:
    release = options.release or releases.newest()
    files = render(folder, options.answers | choice.answers, release)
    if names.normalized(options.name) in names.dependency_names(folder / "pyproject.toml"):
        raise UsageError(
            f"a project named '{options.name}' cannot depend on the package '{options.name}',"
            " as this one does; give another name by --name"
        )
    return NewResult(
        path=options.path,
        name=options.name,
        strategy=choice.strategy.name,
        pool=choice.answers.get("pool"),
        broker=choice.answers.get("broker"),
        release=release,
        files=files,
    )


def _install(options: NewOptions) -> str | None:
    """The warning to give, if any."""
    if not options.install:
        return None
    with console.progress("Installing dependencies (uv sync)"):
        reason = sync(options.path)
    if reason is None:
        return None
    return f"uv sync failed; the project is complete, run `uv sync` in it later. uv said:\n{reason}"


def _commit(options: NewOptions) -> str | None:
    """The warning to give, if any."""
    if not options.git:
        return None
    if around := git.enclosing_work_tree(options.path):
        return f"no repository was made: the project lies in that of {around}; commit it there"
    with console.progress("Making the first commit"):
        release = f"fastoffload {version('fastoffload')}"
        git.commit_all(options.path, f"Start {options.name} with {release}")
    return None
