"""`fastoffload switch`: another strategy, pool or broker for a project that exists."""

from pathlib import Path
from typing import Annotated

import typer

from fastoffload.commands._outcome import show_outcome
from fastoffload.commands._parameters import Broker, Json, Pool, Project, Test, complete_strategy

EXAMPLE = "fastoffload switch celery --broker redis"


def switch(
    strategy: Annotated[
        str,
        typer.Argument(
            metavar="STRATEGY",
            help="See `fastoffload strategies`.",
            autocompletion=complete_strategy,
        ),
    ],
    path: Project = Path(),
    pool: Pool = None,
    broker: Broker = None,
    test: Test = False,
    as_json: Json = False,
) -> None:
    """Changes a project's strategy, pool or broker. Your edits are kept."""
    from fastoffload.initializing.requirements import follow
    from fastoffload.merging import switch as merging

    given = {"pool": pool, "broker": broker}
    result = merging.switch(path, strategy, given, follow, test=test)
    raise typer.Exit(show_outcome(result, as_json=as_json))
