"""`fastoffload new`: a project from the templates."""

from collections import Counter
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated

import typer

from fastoffload import terminal
from fastoffload.commands._parameters import Broker, Json, Pool, StrategyName, complete_recipe

if TYPE_CHECKING:
    from fastoffload.templating.project import NewResult

EXAMPLE = "fastoffload new demo --strategy executor --pool process"


def new(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="The folder to make; an empty one may exist.")
    ],
    strategy: StrategyName = None,
    pool: Pool = None,
    broker: Broker = None,
    recipe: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RECIPE",
            help="A kind of job to begin with, as often as needed; `report` by default, or `none`.",
            autocompletion=complete_recipe,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The project's name; by default the folder's."),
    ] = None,
    description: Annotated[
        str | None, typer.Option(metavar="TEXT", help="One line on what the project does.")
    ] = None,
    release: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Of the templates; by default the newest.")
    ] = None,
    defaults: Annotated[
        bool, typer.Option("--defaults", "-y", help="Ask nothing: executor, process pool.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be written; write nothing.")
    ] = False,
    no_install: Annotated[
        bool, typer.Option("--no-install", help="Do not install the dependencies.")
    ] = False,
    no_git: Annotated[bool, typer.Option("--no-git", help="Make no git repository.")] = False,
    as_json: Json = False,
) -> None:
    """Generates a project."""
    from fastoffload.choosing import questions_of_new
    from fastoffload.templating import project
    from fastoffload.templating.options import NewOptions

    may_ask = terminal.is_interactive() and not as_json
    given = questions_of_new.given_choice(
        strategy, {"pool": pool, "broker": broker}, defaults=defaults, may_ask=may_ask
    )
    options = NewOptions.of(
        path,
        name=name,
        description=description,
        release=release,
        install=not no_install,
        git=not no_git,
        recipes=recipe or [],
    )
    project.check_possible(options)
    make = project.preview if dry_run else project.create
    _show(make(options, given or questions_of_new.ask_choice()), as_json=as_json)


def _show(result: "NewResult", *, as_json: bool) -> None:
    """What was made and what to do next; warnings go to stderr."""
    for warning in result.warnings:
        terminal.warn(warning)
    if as_json:
        terminal.show_json(asdict(result))
    elif result.dry_run:
        _show_preview(result)
    else:
        _show_next_steps(result)


def _show_preview(result: "NewResult") -> None:
    """The folders with the number of their files, and the sum: `--json` has them one by one."""
    files = [PurePosixPath(file) for file in result.files]
    folders = Counter(f"{file.parts[0]}/" for file in files if len(file.parts) > 1)
    single = {file.name: 1 for file in files if len(file.parts) == 1}
    typer.echo(f"Would make {_what(result)}\n")
    for name, number in {**dict(sorted(folders.items())), **single}.items():
        typer.echo(f"{number:>5}  {name}" if name in folders else f"       {name}")
    typer.echo(f"\n{len(files)} files; nothing was written. `--json` lists every file.")


def _show_next_steps(result: "NewResult") -> None:
    typer.echo(f"\nMade {_what(result)}\n\nNext:")
    for step in result.next_steps:
        typer.echo(f"  {step}")


def _what(result: "NewResult") -> str:
    options = {"pool": result.pool, "broker": result.broker}
    variant = "".join(f", {value} {option}" for option, value in options.items() if value)
    return f"{result.name} ({result.strategy}{variant}) in {result.path}"
