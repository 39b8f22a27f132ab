"""`fastoffload`, `python -m fastoffload`: runs a command; errors as one line and a code."""

import os
import sys
from importlib import import_module
from typing import Annotated, NoReturn

import typer

from fastoffload.commands import COMMANDS, INTERNAL
from fastoffload.errors import FastoffloadError, UsageError
from fastoffload.system import processes

INTERRUPTED = 130
SEE_HELP = "(see `fastoffload --help`)"

# Rich's help pages would treble the time to start; plain ones say the same.
app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"fastoffload {version('fastoffload')}")
        raise typer.Exit


@app.callback(
    epilog="Example: fastoffload new demo --strategy executor", invoke_without_command=True
)
def fastoffload(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Generates FastAPI projects that do heavy work off the event loop."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


for name in COMMANDS:
    module = import_module(f"fastoffload.commands.{name}")
    command = app.command(epilog=f"Example: {module.EXAMPLE}", hidden=name in INTERNAL)
    command(getattr(module, name))


def main() -> NoReturn:
    """Runs the command line; the one place where an error becomes a line and an exit code."""
    from fastoffload.git.call import leave_foreign_repository

    processes.listen()
    leave_foreign_repository()
    try:
        code = app(standalone_mode=False)
    except OSError as error:
        _check_stdout(error)
        raise
    except FastoffloadError as error:
        _fail(str(error), error.exit_code)
    except typer.TyperException as error:
        _fail(f"{error.format_message().rstrip('.')} {SEE_HELP}", UsageError.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    # Typer itself answers an interruption inside a command by returning this code.
    if code == INTERRUPTED:
        _fail("interrupted; nothing was kept", code)
    sys.exit(code)


def _check_stdout(error: OSError) -> None:
    """Fails in one line if it is stdout that cannot be written: another try tells."""
    try:
        typer.echo()
    except OSError:
        # What is left in its buffer would fail once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _fail(f"stdout: {error.strerror}; give another place for the output", 1)


def _fail(message: str, code: int) -> NoReturn:
    from fastoffload import terminal

    terminal.error(message)
    sys.exit(code)


if __name__ == "__main__":
    main()
