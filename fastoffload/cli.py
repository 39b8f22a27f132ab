"""The command line: parses and delegates."""

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from fastoffload import interrupts
from fastoffload.errors import FastoffloadError, UsageError

INTERRUPTED = 130

# Rich's help pages would treble the time to start; plain ones say the same.
app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"fastoffload {version('fastoffload')}")
        raise typer.Exit


@app.callback(epilog="Example: fastoffload new demo --strategy executor")
def fastoffload(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Generates FastAPI projects that do heavy work off the event loop."""


@app.command(epilog="Example: fastoffload new demo --strategy executor --pool process")
def new(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="The folder to make; an empty one may exist.")
    ],
    strategy: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Who runs the jobs; see `fastoffload strategies`."),
    ] = None,
    pool: Annotated[
        str | None,
        typer.Option(metavar="process|thread", help="What the executor's pool is made of."),
    ] = None,
    broker: Annotated[
        str | None,
        typer.Option(metavar="redis|rabbitmq", help="What feeds the celery or dramatiq workers."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The project's name; by default the folder's."),
    ] = None,
    description: Annotated[
        str | None, typer.Option(metavar="TEXT", help="One line on what the project does.")
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
    from fastoffload import new as command
    from fastoffload import options, output, prompts

    may_ask = prompts.on_terminal() and not as_json
    given = prompts.given_choice(
        strategy, {"pool": pool, "broker": broker}, defaults=defaults, may_ask=may_ask
    )
    wanted = options.NewOptions.of(
        path, name=name, description=description, install=not no_install, git=not no_git
    )
    output.show_new(command.new(wanted, given, dry_run=dry_run), as_json=as_json)


@app.command(epilog="Example: fastoffload strategies --json")
def strategies(as_json: Json = False) -> None:
    """Lists the strategies, and when to take each."""
    from fastoffload import output

    output.show_strategies(as_json=as_json)


def main() -> NoReturn:
    """Runs the command line; the one place where an error becomes a line and an exit code."""
    interrupts.listen()
    try:
        code = app(standalone_mode=False)
    except FastoffloadError as error:
        _fail(str(error), error.exit_code)
    except typer.TyperException as error:
        message = error.format_message().rstrip(".")
        _fail(f"{message}; see `fastoffload --help`", UsageError.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    # Typer itself answers an interruption inside a command by returning this code.
    if code == INTERRUPTED:
        _fail("interrupted; nothing was kept", code)
    sys.exit(code)


def _fail(message: str, code: int) -> NoReturn:
    from fastoffload import console

    console.error(message)
    sys.exit(code)
