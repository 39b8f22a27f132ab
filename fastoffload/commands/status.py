"""`fastoffload status`: what a project is, and how far it is from what it came from."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fastoffload import terminal
from fastoffload.commands._parameters import Json, Project

if TYPE_CHECKING:
    from fastoffload.merging.status import Status

EXAMPLE = "fastoffload status --check"


def status(
    path: Project = Path(),
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Exit 1 for an unfinished update, conflict markers, or a lost file that is used.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Says what a project is, and what differs from its templates."""
    from fastoffload.merging import status as merging

    found = merging.status(path)
    if as_json:
        terminal.show_json(asdict(found) | {"faults": found.faults})
    else:
        _show(found)
    raise typer.Exit(1 if check and found.faults else 0)


def _show(status: "Status") -> None:
    option = status.pool or status.broker
    newer = f"; newer: {', '.join(status.behind)}" if status.behind else ", the newest"
    typer.echo(f"{status.name}: {status.strategy}{f' ({option})' if option else ''}")
    typer.echo(f"release {status.release}{newer}")
    if status.yours:
        typer.echo(f"yours, and touched by no update: {', '.join(status.yours)}")
    terminal.show_paths({key: getattr(status, key) for key in ("edited", "missing", "extra")})
    for fault in status.faults:
        terminal.warn(terminal.visible(fault))
