"""Parameters that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

Project = Annotated[
    Path,
    typer.Argument(
        metavar="[PATH]",
        help="The project's folder; the present one if left out.",
        resolve_path=True,
    ),
]
Pool = Annotated[
    str | None,
    typer.Option(metavar="process|thread", help="What the executor's pool is made of."),
]
Broker = Annotated[
    str | None,
    typer.Option(metavar="redis|rabbitmq", help="What feeds the celery or dramatiq workers."),
]
Test = Annotated[
    bool,
    typer.Option("--test", help="Run the project's tests on the result; go on if they pass."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
