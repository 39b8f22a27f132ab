"""Works out what an application becomes by `init`; nothing is written."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fastoffload.catalog import Choice
from fastoffload.errors import FastoffloadError
from fastoffload.file_changes import Change, Changes, becoming, diff
from fastoffload.initializing.found import Found
from fastoffload.initializing.lines import lines
from fastoffload.initializing.patch import PATCH
from fastoffload.initializing.requirements import REQUIREMENTS
from fastoffload.initializing.starting.worker import worker
from fastoffload.ownership import TESTS, engine_in, inside
from fastoffload.recipes.files import Files, files_of
from fastoffload.recipes.place import TESTS as KINDS_TESTS
from fastoffload.recipes.place import Place
from fastoffload.recipes.recipe import DEFAULT, in_templates
from fastoffload.requirements import copies, declared
from fastoffload.requirements.managers import requirements_in
from fastoffload.templating import names, releases
from fastoffload.templating.answers import Answers
from fastoffload.templating.render import rendered

KINDS = "project/app/jobs/__init__.py"  # of the templates
FIRST_TEST = f"{KINDS_TESTS}/test_{DEFAULT}.py"
DESCRIPTION = "An application with durable jobs beside it"


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes, and what is left to the user. Without changes there is nothing to do."""

    found: Found
    choice: Choice
    changes: dict[Path, Change]
    left: list[str]
    install: list[str]
    worker: list[str]

    @property
    def edited(self) -> dict[Path, Change]:
        """Of files that are there already."""
        return {file: one for file, one in self.changes.items() if one.before is not None}

    @property
    def added(self) -> dict[Path, Change]:
        """Of files that are not there yet."""
        return {file: one for file, one in self.changes.items() if one.before is None}


def plan(found: Found, choice: Choice, *, own_database: bool) -> Plan:
    """Raises FastoffloadError for the first thing that stands in the way."""
    check_free(found)
    made = {
        found.root / name: Change(None, content)
        for name, content in _rendered(found, choice).items()
    }
    wanted = wanted_in(made[found.root / engine_in(found.package) / REQUIREMENTS])
    declared.check(found.root, wanted)
    made |= {
        found.root / name: Change(None, content)
        for name, content in first_kind(releases.newest(), found.place).items()
    }
    edits = lines(found, own_database=own_database)
    brought = copies.bring(found.root, wanted)
    beside = worker(found, choice)
    theirs = edits.changes | beside.changes | becoming(brought.files)
    made[found.root / PATCH] = Change(None, diff(recorded(theirs), found.root))
    left = [*(f"run `{command}`" for command in brought.commands), *edits.left]
    return Plan(found, choice, theirs | made, left, brought.install, beside.said)


def check_free(found: Found) -> None:
    """Raises FastoffloadError where something has a name that the engine needs."""
    for name in ("offload", "jobs", "offload.py", "jobs.py"):
        place = found.root / inside(found.package, name)
        if place.exists():
            raise FastoffloadError(
                f"{place} is there already, and the engine needs the name"
                f" {name.removesuffix('.py')}; rename it, or give another folder by --package"
            )
    for name in (TESTS, FIRST_TEST):
        if (found.root / name).exists():
            raise FastoffloadError(f"{found.root / name} is there already; move it elsewhere first")


def wanted_in(change: Change) -> list[str]:
    """The requirements in the engine's own list."""
    return requirements_in((change.after or b"").decode())


def recorded(changes: Changes) -> dict[Path, Change]:
    """Those that `--undo` takes back by their patch: lock files are locked anew."""
    return {file: one for file, one in changes.items() if file.suffix != ".lock"}


def first_kind(release: str, place: Place) -> Files:
    """The folder `jobs/` with one kind to begin with, and its test."""
    with releases.templates(release) as templates:
        package = (templates / KINDS).read_bytes()
        kind = files_of(in_templates(templates)[DEFAULT], DEFAULT, place, None)
    return {f"{place.jobs}/__init__.py": package, **kind}


def _rendered(found: Found, choice: Choice) -> Files:
    name = _name(found.root)
    answers = Answers(releases.newest(), name, DESCRIPTION, choice, found.package)
    return rendered(answers.data(choice), answers.release)


def _name(root: Path) -> str:
    given = next(filter(None, _names(root)), root.name)
    return given if names.is_valid(given) else names.valid_name_like(given) or "application"


def _names(root: Path) -> Iterator[str]:
    try:
        document = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    yield document.get("project", {}).get("name", "")
    yield document.get("tool", {}).get("poetry", {}).get("name", "")
