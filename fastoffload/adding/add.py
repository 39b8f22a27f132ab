"""`fastoffload add`: what it would write, and writing it."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from fastoffload import file_changes
from fastoffload.adding import messages
from fastoffload.adding.project import Project
from fastoffload.errors import os_errors_expected
from fastoffload.file_changes import Change
from fastoffload.git.call import check_git
from fastoffload.recipes import taken
from fastoffload.recipes.curl import curl_line
from fastoffload.recipes.files import Files, files_of, prefix_of
from fastoffload.recipes.migration import migration_of
from fastoffload.recipes.recipe import DEFAULT, Recipe, named
from fastoffload.requirements import copies
from fastoffload.requirements.managers import manager_of


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

    files: Files
    result: AddResult

    @property
    def changes(self) -> dict[Path, Change]:
        """Its files, none of which is there yet."""
        root = self.result.path
        return {root / path: Change(None, content) for path, content in self.files.items()}


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
def diff(planned: Plan, *, colour: bool) -> bytes:
    """What would be written, as git shows it."""
    check_git()
    return file_changes.diff(planned.changes, planned.result.path, colour=colour)


@os_errors_expected()
def carry_out(planned: Plan) -> AddResult:
    """Writes it; whatever stops that, nothing is left behind."""
    result = planned.result
    brought = copies.bring(result.path, result.dependencies, dev=result.dev_dependencies)
    file_changes.carry_out(planned.changes | file_changes.becoming(brought.files))
    steps = [*brought.commands, *brought.install, *result.next_steps]
    return replace(result, dry_run=False, next_steps=steps)


def _planned(project: Project, recipe: Recipe, name: str, queue: str | None) -> Plan:
    place = project.place
    if project.answers.package is not None:
        taken.check_needs(recipe)
    taken.check_free(place, recipe, name)
    files = files_of(recipe, name, place, queue)
    route = prefix_of(files, name, place)
    taken.check_routes(place, name, route)
    if place.has_migrations():
        files |= migration_of(recipe, name, place)
    taken.check_files(place, name, files)
    manager = manager_of(place.root)
    runner = f"{manager.name} run " if manager else ""
    needed, of_tests = copies.missing(place.root, recipe.dependencies, recipe.dev_dependencies)
    result = AddResult(
        path=place.root,
        name=name,
        recipe=recipe.name,
        queue=queue,
        route=route,
        files=[*files],
        dependencies=needed,
        dev_dependencies=of_tests,
        curl=curl_line(recipe, name, place, route),
        test=messages.test_command(runner, name),
        next_steps=[*messages.next_steps(project, recipe, name, runner, queue)],
    )
    return Plan(files, result)
