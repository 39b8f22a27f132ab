"""`fastoffload add`: what it would write, and writing it."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from fastoffload.adding import words
from fastoffload.adding.managers import Manager
from fastoffload.adding.project import Project
from fastoffload.adding.published import staged
from fastoffload.errors import os_errors_expected
from fastoffload.recipes import taken
from fastoffload.recipes.curl import curl_line
from fastoffload.recipes.files import Files, files_of, prefix_of
from fastoffload.recipes.migration import migration_of
from fastoffload.recipes.recipe import DEFAULT, Recipe, named
from fastoffload.templating.requirements import DEVELOPMENT, PRODUCTION


@dataclass(frozen=True, slots=True)
class AddResult:
    """What `add` wrote or, with `dry_run`, would write. The files are relative to the project."""

    path: Path
    name: str
    recipe: str
    queue: str | None
    route: str
    files: list[str]
    dependencies: list[str]
    dev_dependencies: list[str]
    curl: str
    test: str
    dry_run: bool = True
    next_steps: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is to be written, and what will be said of it."""

    project: Project
    files: Files
    manager: Manager
    result: AddResult


@os_errors_expected()
def plan(folder: Path, name: str, recipe: str | None, queue: str | None) -> Plan:
    """What a kind of job would be in the project around a folder; nothing is written.

    Raises FastoffloadError, with a remedy, when it cannot be.
    """
    taken.check_name(name)
    if queue is not None:
        taken.check_queue(queue)
    project = Project.around(folder)
    with project.recipes() as recipes:
        return _planned(project, named(recipes, recipe or DEFAULT), name, queue)


@os_errors_expected()
def carry_out(planned: Plan) -> AddResult:
    """Writes it; whatever stops that, nothing is left behind."""
    result, manager = planned.result, planned.manager
    wanted = {PRODUCTION: result.dependencies, DEVELOPMENT: result.dev_dependencies}
    with staged(planned.project.place.root, planned.files, manager.files):
        left = manager.add(wanted)
    return replace(result, dry_run=False, next_steps=[*left, *result.next_steps])


def _planned(project: Project, recipe: Recipe, name: str, queue: str | None) -> Plan:
    place, manager = project.place, Manager.of(project.place.root)
    taken.check_free(place, recipe, name)
    files = files_of(recipe, name, place, queue)
    route = prefix_of(files, name, place)
    taken.check_routes(place, name, route)
    if place.has_migrations():
        files |= migration_of(recipe, name, place)
    taken.check_files(place, name, files)
    wanted = {PRODUCTION: recipe.dependencies, DEVELOPMENT: recipe.dev_dependencies}
    missing = manager.missing(wanted)
    result = AddResult(
        path=place.root,
        name=name,
        recipe=recipe.name,
        queue=queue,
        route=route,
        files=[*files],
        dependencies=missing[PRODUCTION],
        dev_dependencies=missing[DEVELOPMENT],
        curl=curl_line(recipe, name, place, route),
        test=words.test_command(manager, name),
        next_steps=[*words.next_steps(project, recipe, name, manager, queue)],
    )
    return Plan(project, files, manager, result)
