"""`fastoffload add`: one more kind of job in a project."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fastoffload import terminal
from fastoffload.commands._parameters import Json, complete_recipe
from fastoffload.errors import UsageError

if TYPE_CHECKING:
    from fastoffload.adding.add import AddResult, Plan

EXAMPLE = "fastoffload add thumbnails --recipe image"


def add(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="Of the kind of job: a folder, a function, a route."),
    ],
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="RECIPE",
            help="The work to begin with; see `fastoffload recipes`. `blank` if nobody is asked.",
            autocompletion=complete_recipe,
        ),
    ] = None,
    queue: Annotated[
        str | None,
        typer.Option(metavar="QUEUE", help="Whose workers run it; by default everybody's."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be written; write nothing.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Show what would be written as a diff; write nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Adds a kind of job to the project: a folder and a test."""
    from fastoffload.adding import add as adding

    if diff and (dry_run or as_json):
        raise UsageError("--diff goes with neither --dry-run nor --json; leave it out")
    folder = Path.cwd()
    if recipe is None and terminal.is_interactive() and not as_json:
        recipe = _asked(folder, name)
    planned = adding.plan(folder, name, recipe, queue)
    if diff:
        _show_diff(planned)
        return
    result = planned.result if dry_run else adding.carry_out(planned)
    if as_json:
        terminal.show_json(asdict(result))
    else:
        _show(result)


def _asked(folder: Path, name: str) -> str:
    from fastoffload.adding.project import Project
    from fastoffload.choosing.questions_of_new import select
    from fastoffload.recipes import recipe, taken

    taken.check_name(name)
    project = Project.around(folder)
    with project.recipes() as recipes:
        offered = project.offered(recipes.values())
        return select("Which work to begin with?", offered, recipe.DEFAULT)


def _show_diff(planned: "Plan") -> None:
    from fastoffload.adding.add import diff

    typer.echo(diff(planned, colour=terminal.has_colours()), nl=False)
    for requirement in (*planned.result.dependencies, *planned.result.dev_dependencies):
        terminal.line(f"It would need {requirement} too.")


def _show(result: "AddResult") -> None:
    """What was written, how to run and to test it, and what comes next."""
    verb = "Would add" if result.dry_run else "Added"
    typer.echo(f"{verb} {result.name} ({result.recipe}) to {result.path}\n")
    for path in result.files:
        typer.echo(f"  {path}")
    for requirement in result.dependencies:
        typer.echo(f"  needs {requirement}")
    for requirement in result.dev_dependencies:
        typer.echo(f"  needs {requirement}, for its tests")
    if result.dry_run:
        typer.echo("\nNothing was written.")
        return
    typer.echo(f"\nRun it, when the service is started:\n  {result.curl}")
    typer.echo(f"Test it:\n  {result.test}\nNext:")
    for step in result.next_steps:
        typer.echo(f"  {step}")
