"""What update, switch and status say, as text or as one JSON document."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from fastoffload import console
from fastoffload.output import show_json
from fastoffload.scratch import encoded

if TYPE_CHECKING:
    from fastoffload.status import Status
    from fastoffload.update import Check, UpdateResult

CONFLICTS = 3
BEHIND = 1
HEADINGS = {
    "updated": "updated",
    "added": "added",
    "removed": "removed",
    "kept": "kept as yours",
    "conflict": "in conflict",
}


def show_check(result: "Check", *, as_json: bool) -> int:
    """Returns the exit code."""
    if as_json:
        show_json(asdict(result))
    elif result.between:
        _say(f"{result.path.name} has release {result.release}; newer:")
        _echo_notes(result.between, result.notes)
    else:
        _say(f"{result.path.name} has the newest release, {result.release}")
    return BEHIND if result.between else 0


def coloured() -> bool:
    """Whether stdout takes colours."""
    from rich.console import Console

    return Console().color_system is not None


def show_diff(text: str) -> int:
    """Returns the exit code."""
    if text:
        typer.echo(encoded(text))
    return 0


def show_update(result: "UpdateResult", *, as_json: bool) -> int:
    """Returns the exit code."""
    for warning in result.warnings:
        console.warn(warning)
    if as_json:
        show_json(asdict(result))
    else:
        _show_changes(result)
    return CONFLICTS if result.changes.conflict else 0


def show_status(status: "Status", *, as_json: bool, check: bool) -> int:
    """Returns the exit code, which with `check` is 1 for what CI should refuse."""
    if as_json:
        show_json(asdict(status) | {"faults": status.faults})
    else:
        _show_status(status)
    return 1 if check and status.faults else 0


def _show_changes(result: "UpdateResult") -> None:
    changes = asdict(result.changes)
    _table({HEADINGS[key]: paths for key, paths in changes.items() if paths})
    _echo_notes(list(result.notes), result.notes)
    if result.changes.conflict:
        typer.echo(
            f"Conflicts are left by {result.title}. Resolve them, `git add` the files, then run"
            " `fastoffload update --continue`; `--abort` puts everything back."
        )
    elif result.changes.touched:
        typer.echo(
            f"Done: {result.title}. It is staged: look at `git diff --staged`, and commit it."
        )
    else:
        _say(f"{result.title}.")


def _show_status(status: "Status") -> None:
    option = status.pool or status.broker
    newer = f"; newer: {', '.join(status.behind)}" if status.behind else ", the newest"
    typer.echo(f"{status.name}: {status.strategy}{f' ({option})' if option else ''}")
    typer.echo(f"release {status.release}{newer}")
    _table({key: getattr(status, key) for key in ("edited", "missing", "extra")})
    for fault in status.faults:
        console.warn(console.visible(fault))


def _say(line: str) -> None:
    typer.echo(console.visible(line))


def _table(rows: dict[str, list[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not any(rows.values()):
        return
    table = Table("", "files", "which")
    for heading, paths in rows.items():
        table.add_row(heading, str(len(paths)), Text("\n".join(map(console.visible, paths))))
    Console().print(table)


def _echo_notes(versions: list[str], notes: dict[str, str]) -> None:
    for version in versions:
        typer.echo(f"\n{version}\n{notes.get(version, '')}".rstrip())
    if versions:
        typer.echo()
