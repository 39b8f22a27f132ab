"""The stages that check a project without serving it: lint, types, tests."""

import re
from pathlib import Path

from fastoffload.recipes.place import TESTS
from fastoffload.smoke.project.project import Project
from fastoffload.smoke.stages.outcome import NotRunError

STRATEGY_TESTS = (
    "tests/offload/faults",
    "tests/offload/installed",
    "tests/offload/queue_strategies",
)


async def lint(project: Project) -> str:
    """`ruff check` and `ruff format --check`."""
    ruff = project.programs / "ruff"
    await project.run("lint", ruff, "check", "--no-cache", ".")
    await project.run("lint", ruff, "format", "--no-cache", "--check", ".")
    return ""


async def types(project: Project) -> str:
    """`mypy`, strict as the project has it; the variants share its cache."""
    cache = project.place.root / f"types-{project.entry.python}"
    await project.run("types", project.programs / "mypy", "--cache-dir", cache)
    return ""


async def tests(project: Project) -> str:
    """The project's own tests, on the given services if there are any.

    Those that know nothing of strategies pass or fail alike in all variants: one runs them for all.
    """
    settings = {}
    if services := project.place.services:
        settings = services.settings(project.choice)
    elif project.choice.answers.get("broker") == "rabbitmq":
        raise NotRunError("no RabbitMQ: give --services; with Redis the same code is tested")
    # By itself pytest takes a path so long that no socket could be made below it.
    folder = f"--basetemp={project.temporary('tests') / 'p'}"
    command = ("-m", "pytest", "-q", "-ra", "-p", "no:cacheprovider", folder, *_beside(project))
    if not project.tested_whole:
        command += (*of_strategy(project.folder), *of_kinds(project))
    await project.run("tests", project.programs / "python", *command, **settings)
    return summary(project.log("tests"))


def of_strategy(folder: Path) -> tuple[str, ...]:
    """The folders of the tests that start the service as its strategy runs it."""
    return tuple(name for name in STRATEGY_TESTS if (folder / name).is_dir())


def of_kinds(project: Project) -> list[str]:
    """The tests of its kinds."""
    tests = project.folder / TESTS
    found = (path for kind in project.kinds for path in tests.glob(f"test_{kind.name}*.py"))
    return sorted({str(path.relative_to(project.folder)) for path in found})


def _beside(project: Project) -> list[str]:
    """Tests wait twice as long as they compute: three at once, and more when cores are free."""
    if not any((project.folder / ".venv").glob("lib/python*/site-packages/xdist")):
        return []
    return [f"--numprocesses={3 + 2 * project.place.slots.unwanted}"]


def summary(log: Path) -> str:
    """What pytest says last: `153 passed, 1 skipped`; "" if it says nothing of the kind."""
    text = log.read_text(errors="replace")
    found = re.findall(r"^=*\s*(\d+ \w+(?:, \d+ \w+)*) in ", text, flags=re.MULTILINE)
    return found[-1] if found else ""
