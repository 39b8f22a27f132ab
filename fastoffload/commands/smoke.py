"""`fastoffload smoke`: every variant taken from its templates to jobs, and down again."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fastoffload import terminal
from fastoffload.commands._parameters import Json
from fastoffload.system.extras import check_installed

if TYPE_CHECKING:
    from fastoffload.smoke.board import Status
    from fastoffload.smoke.matrix import Entry
    from fastoffload.smoke.result import EntryResult, SmokeResult, StageResult

EXAMPLE = "fastoffload smoke --variant celery-redis --stage boot --stage job"


def smoke(
    strategy: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only variants of this one; repeatable."),
    ] = None,
    variant: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this one, as --list names it; repeatable."),
    ] = None,
    recipe: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="With these, or `all` of them with every strategy; by default two in turn.",
        ),
    ] = None,
    stage: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this stage and what it needs; repeatable."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(metavar="N", help="Stages at once; by default three on two cores.")
    ] = None,
    python: Annotated[
        str | None, typer.Option(metavar="3.11,3.12", help="On these; by default on this one.")
    ] = None,
    services: Annotated[
        bool,
        typer.Option("--services", help="On REDIS_URL, RABBITMQ_URL and DATABASE_URL."),
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the projects; those that fail are kept anyway.")
    ] = False,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the result as JUnit XML.")
    ] = None,
    templates: Annotated[
        str | None, typer.Option(metavar="DIR|GIT-URL", help="Somebody's own templates.")
    ] = None,
    only_list: Annotated[
        bool, typer.Option("--list", help="Print the matrix; with --json as a workflow takes it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Takes every variant from its templates to jobs, and down again."""
    check_installed("smoke")
    from fastoffload.smoke import junit as junit_file
    from fastoffload.smoke import run
    from fastoffload.smoke.options import SmokeOptions

    wanted = SmokeOptions.of(
        strategies=strategy or [],
        variants=variant or [],
        stages=stage or [],
        pythons=python,
        jobs=jobs,
        services=services,
        keep=keep,
        templates=templates,
        junit=junit,
        recipes=recipe or [],
    )
    if only_list:
        _show_matrix(run.matrix(wanted), as_json=as_json)
        return
    result = run.smoke(wanted)
    try:
        if junit:
            junit_file.write(result, junit)
    finally:  # neither of the two may cost the other
        _show(result, as_json=as_json)
    raise typer.Exit(0 if result.passed else 1)


def _show(result: "SmokeResult", *, as_json: bool) -> None:
    """What failed with the last of its output, then what it all took."""
    if as_json:
        terminal.show_json(asdict(result))
        return
    from fastoffload.smoke.board import Status

    for entry, stage in _stages(result, Status.FAILED):
        typer.echo(_failure(entry, stage))
    for entry, stage in _stages(result, Status.NOT_RUN):
        typer.echo(f"Not run: {entry.name} {stage.stage}: {stage.note}")
    typer.echo(_summary(result))


def _show_matrix(entries: Sequence["Entry"], *, as_json: bool) -> None:
    """The matrix on one line of JSON, as a workflow takes it; a line for each entry as text."""
    if as_json:
        typer.echo(json.dumps({"include": [asdict(entry) for entry in entries]}))
        return
    for entry in entries:
        typer.echo(f"{entry.variant} {entry.python}  {' '.join(entry.recipes)}".rstrip())


def _stages(
    result: "SmokeResult", status: "Status"
) -> Iterator[tuple["EntryResult", "StageResult"]]:
    for entry in result.entries:
        for stage in entry.stages:
            if stage.status == status:
                yield entry, stage


def _failure(entry: "EntryResult", stage: "StageResult") -> str:
    lines = [f"--- {entry.name} {stage.stage}: {stage.note}", stage.output]
    lines += [f"--- kept in {entry.folder}; again: {stage.repeat}", ""]
    return "\n".join(lines)


def _summary(result: "SmokeResult") -> str:
    from fastoffload.smoke.board import Status

    statuses = [stage.status for entry in result.entries for stage in entry.stages]
    found = [f"{statuses.count(one)} {one}" for one in Status if one in statuses]
    return "\n".join(
        [
            f"{len(result.entries)} projects, stages: {', '.join(found)}",
            f"{result.seconds:.1f} s on {result.cores} cores: {result.cpu_seconds:.1f} s of work,"
            f" {result.idle_seconds:.1f} s idle",
            f"Critical path: {' → '.join(result.critical_path)}",
            *([f"Kept: {result.kept}"] if result.kept else []),
        ]
    )
