"""`fastoffload update`: a project to a newer release of its templates."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fastoffload import terminal
from fastoffload.commands._outcome import CONFLICTS, show_notes, show_outcome
from fastoffload.commands._parameters import Json, Project, Test
from fastoffload.errors import UsageError

if TYPE_CHECKING:
    from fastoffload.merging.update import Check

EXAMPLE = "fastoffload update --check"
BEHIND = 1
# What has no meaning beside each mode.
ALONE = {
    "--check": ("--to", "--test"),
    "--diff": ("--test", "--json"),
    "--continue": ("--to", "--test"),
    "--abort": ("--to", "--test"),
}


def update(
    path: Project = Path(),
    to: Annotated[
        str | None, typer.Option(metavar="VERSION", help="The release; by default the newest.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only say whether the project is behind: exit 1 if so.")
    ] = False,
    diff: Annotated[
        bool,
        typer.Option("--diff", help="Show what would change: exit 3 if that has conflicts."),
    ] = False,
    go_on: Annotated[
        bool, typer.Option("--continue", help="Finish when the conflicts are resolved.")
    ] = False,
    abort: Annotated[
        bool, typer.Option("--abort", help="Put everything back as it was before.")
    ] = False,
    test: Test = False,
    as_json: Json = False,
) -> None:
    """Updates a project to the newest templates. Your edits are kept."""
    from fastoffload.initializing.requirements import follow
    from fastoffload.merging import resume
    from fastoffload.merging import update as merging

    modes = {"--check": check, "--diff": diff, "--continue": go_on, "--abort": abort}
    _check_together(modes | {"--to": to is not None, "--test": test, "--json": as_json})
    if check:
        code = _show_check(merging.check(path), as_json=as_json)
    elif diff:
        code = _show_diff(*merging.diff(path, to, follow, colour=terminal.has_colours()))
    elif go_on:
        code = show_outcome(resume.go_on(path), as_json=as_json)
    elif abort:
        code = show_outcome(resume.abort(path), as_json=as_json)
    else:
        code = show_outcome(merging.update(path, to, follow, test=test), as_json=as_json)
    raise typer.Exit(code)


def _check_together(given: Mapping[str, bool]) -> None:
    """Raises UsageError when two options do not go together."""
    modes = [name for name in ALONE if given[name]]
    if len(modes) > 1:
        raise UsageError(f"{modes[0]} and {modes[1]} do not go together; give one of them")
    for mode in modes:
        for name in ALONE[mode]:
            if given[name]:
                raise UsageError(f"{name} does not go with {mode}; leave it out")


def _show_check(result: "Check", *, as_json: bool) -> int:
    """Returns the exit code."""
    if as_json:
        terminal.show_json(asdict(result))
    elif result.between:
        newer = f"{result.path.name} has release {result.release}; newer:"
        typer.echo(terminal.visible(newer))
        show_notes(result.between, result.notes)
    else:
        newest = f"{result.path.name} has the newest release, {result.release}"
        typer.echo(terminal.visible(newest))
    return BEHIND if result.between else 0


def _show_diff(text: str, conflicts: list[str]) -> int:
    """Returns the exit code."""
    if text:
        typer.echo(text.encode(errors="surrogateescape"))
    if conflicts:
        terminal.warn(terminal.visible(f"this would leave conflicts in {', '.join(conflicts)}"))
    return CONFLICTS if conflicts else 0
