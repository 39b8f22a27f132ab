"""What `update` and `switch` say of what they did."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from fastoffload import terminal

if TYPE_CHECKING:
    from fastoffload.merging.update import UpdateResult

CONFLICTS = 3
HEADINGS = {
    "updated": "updated",
    "added": "added",
    "removed": "removed",
    "conflict": "in conflict",
}


def show_outcome(result: "UpdateResult", *, as_json: bool) -> int:
    """Returns the exit code."""
    for warning in result.warnings:
        terminal.warn(warning)
    if as_json:
        terminal.show_json(asdict(result))
    else:
        _show_changes(result)
    return CONFLICTS if result.changes.conflict else 0


def show_notes(versions: list[str], notes: dict[str, str]) -> None:
    """What the changelog has on these releases."""
    for version in versions:
        typer.echo(f"\n{version}\n{notes.get(version, '')}".rstrip())
    if versions:
        typer.echo()


def _show_changes(result: "UpdateResult") -> None:
    changes = {key: paths for key, paths in asdict(result.changes).items() if paths}
    if kept := changes.pop("kept", None):
        files = "file" if len(kept) == 1 else "files"
        typer.echo(f"{len(kept)} {files} kept as yours: `fastoffload status` lists them")
    terminal.show_paths({HEADINGS[key]: paths for key, paths in changes.items()})
    show_notes(list(result.notes), result.notes)
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
        typer.echo(terminal.visible(f"{result.title}."))
