"""`fastoffload init`: the engine inside an application that exists."""

from pathlib import Path
from typing import Annotated

import typer

from fastoffload.commands._parameters import Broker, Json, Pool, complete_strategy
from fastoffload.errors import UsageError

EXAMPLE = "fastoffload init --strategy executor --dry-run"


def init(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="[PATH]",
            help="The application's folder; the present one if left out.",
            resolve_path=True,
        ),
    ] = Path(),
    strategy: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Who runs the jobs; see `fastoffload strategies`.",
            autocompletion=complete_strategy,
        ),
    ] = None,
    pool: Pool = None,
    broker: Broker = None,
    app: Annotated[
        str | None,
        typer.Option(metavar="MODULE:NAME", help="Which application, where there are several."),
    ] = None,
    package: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="Where `offload` and `jobs` go; by default beside it."),
    ] = None,
    own_database: Annotated[
        bool, typer.Option("--own-database", help="Not the application's: DATABASE_URL.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be written; write nothing.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Print the whole diff, new files too; write nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Accept the diff unseen.")] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Take out what `init` put in, to the byte.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Puts durable jobs into an application that exists."""
    from fastoffload.commands import _init

    shown = _init.Shown(dry_run=dry_run, diff=diff, yes=yes, as_json=as_json)
    if undo:
        if any((strategy, pool, broker, app, package, own_database)):
            raise UsageError("--undo takes no other choice; leave the others out")
        _init.undo(path, shown)
        return
    given = {"pool": pool, "broker": broker}
    wanted = _init.Wanted(strategy, given, app, package, own_database)
    _init.put_in(path, wanted, shown)
