"""A new project: rendered beside its place, published, installed and committed."""

import tempfile
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path

from fastoffload import terminal
from fastoffload.catalog import Choice
from fastoffload.errors import UsageError, os_errors_expected
from fastoffload.git.new_repository import commit_all, enclosing_work_tree
from fastoffload.system import uv
from fastoffload.system.uv_workspace import workspace_around
from fastoffload.templating import first_kinds, names, releases
from fastoffload.templating.next_steps import next_steps
from fastoffload.templating.options import NewOptions
from fastoffload.templating.preflight import check
from fastoffload.templating.render import render
from fastoffload.templating.staging import Staging

WORKFLOWS = ".github/workflows"


@dataclass(frozen=True, slots=True)
class NewResult:
    """What `new` made or, with `dry_run`, would make. `curl` runs a job of each kind."""

    path: Path
    name: str
    strategy: str
    pool: str | None
    broker: str | None
    release: str
    recipes: list[str]
    files: list[str]
    curl: list[str]
    dry_run: bool = True
    installed: bool = False
    git: bool = False
    warnings: list[str] = field(default_factory=list)
    next_steps: list[str] = field(default_factory=list)


@os_errors_expected()
def check_possible(options: NewOptions) -> None:
    """Raises FastoffloadError for what can be known before the first question is asked."""
    check(options)
    first_kinds.check_known(options.release or releases.newest(), options.recipes)


@os_errors_expected()
def preview(options: NewOptions, choice: Choice) -> NewResult:
    """What `create` would make; nothing stays on the disk."""
    with tempfile.TemporaryDirectory() as folder:
        return _render(Path(folder), options, choice)


@os_errors_expected()
def create(options: NewOptions, choice: Choice) -> NewResult:
    """Makes the project; whatever stops it, nothing is left behind."""
    workspace = workspace_around(options.path)
    with Staging(options.path) as staging:
        result = _render(staging.folder, options, choice)
        staging.publish()
        failed_sync = _member(options, workspace) if workspace else _install(options)
        failed_commit = _commit(options)
    installed = options.install and failed_sync is None
    return replace(
        result,
        dry_run=False,
        installed=installed,
        git=options.git and failed_commit is None,
        warnings=[*result.warnings, *filter(None, [failed_sync, failed_commit])],
        next_steps=next_steps(options.path, choice, installed=installed, curls=result.curl),
    )


def _render(folder: Path, options: NewOptions, choice: Choice) -> NewResult:
    release = options.release or releases.newest()
    files = render(folder, options.answers | choice.answers, release)
    kinds = first_kinds.write_first(folder, release, options.recipes)
    if names.normalized(options.name) in names.dependency_names(folder / "pyproject.toml"):
        raise UsageError(
            f"a project named '{options.name}' cannot depend on the package '{options.name}',"
            f" as this one does; give another name, such as --name {options.name}-service"
        )
    return NewResult(
        path=options.path,
        name=options.name,
        strategy=choice.strategy.name,
        pool=choice.answers.get("pool"),
        broker=choice.answers.get("broker"),
        release=release,
        recipes=[kind.recipe for kind in kinds],
        files=sorted([*files, *(path for kind in kinds for path in kind.files)]),
        curl=[kind.curl for kind in kinds],
        warnings=[*filter(None, [choice.cost])],
    )


def _member(options: NewOptions, workspace: Path) -> str:
    """Why it was not installed: that would change the workspace's lock and its environment."""
    return (
        f"{options.name} is a member of the uv workspace in {workspace}, so it was not installed:"
        " `uv sync --all-packages` there locks and installs it with the other members. For a lock"
        " of its own, as its Dockerfile and its CI take it, write"
        f' `exclude = ["{options.path.relative_to(workspace)}"]` into [tool.uv.workspace] of'
        f" {workspace / 'pyproject.toml'}, then run `uv sync` in {options.path}"
    )


def _install(options: NewOptions) -> str | None:
    """The warning to give, if any."""
    if not options.install:
        return None
    with terminal.progress("Installing dependencies (uv sync)"):
        reason = uv.sync(options.path)
    if reason is None:
        return None
    return f"uv sync failed; the project is complete, run `uv sync` in it later. uv said:\n{reason}"


def _repository_around(project: Path) -> str | None:
    """The work tree that it would be committed to; None where it has a repository of its own."""
    return None if (project / ".git").exists() else enclosing_work_tree(project)


def _commit(options: NewOptions) -> str | None:
    """The warning to give, if any."""
    if not options.git:
        return None
    if around := _repository_around(options.path):
        return (
            f"no repository was made: the project lies in that of {around}; commit it there."
            " Its workflows never run there: GitHub reads those of the repository's own"
            f" .github/workflows alone; move {options.path / WORKFLOWS} to it, and let them work"
            f" in {options.path.relative_to(around)}"
        )
    with terminal.progress("Making the first commit"):
        release = f"fastoffload {version('fastoffload')}"
        commit_all(options.path, f"Start {options.name} with {release}")
    return None
