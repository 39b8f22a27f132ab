"""`init` from beginning to end: look, plan, and carry out once the plan is accepted."""

from pathlib import Path

from fastoffload import file_changes
from fastoffload.catalog import Choice
from fastoffload.errors import FastoffloadError, os_errors_expected
from fastoffload.git.call import check_git
from fastoffload.initializing import looking, undo
from fastoffload.initializing.found import Found
from fastoffload.initializing.looking import Ask
from fastoffload.initializing.plan import Plan, plan
from fastoffload.merging.left_behind import after_undo
from fastoffload.templating.answers import ANSWERS_FILE, Answers


@os_errors_expected()
def answered(path: Path) -> Answers | None:
    """The answers of an application that has the engine already; None where it has not.

    Raises FastoffloadError for a project that `new` generated.
    """
    if not (path / ANSWERS_FILE).exists():
        return None
    answers = Answers.read(path)
    if answers.package is None:
        raise FastoffloadError(
            f"{path} is a project that fastoffload generated: it has the engine;"
            " `fastoffload status` says more"
        )
    return answers


@os_errors_expected()
def look(path: Path, app: str | None, package: str | None, ask: Ask | None) -> Found:
    """What is there; reads and asks, and writes nothing."""
    check_git()
    return looking.look(path, app, package, ask)


@os_errors_expected()
def work_out(found: Found, choice: Choice, *, own_database: bool) -> Plan:
    """What it would become."""
    return plan(found, choice, own_database=own_database)


@os_errors_expected()
def work_out_undo(path: Path) -> file_changes.Changes:
    """What it was before."""
    check_git()
    return undo.undo(path)


@os_errors_expected()
def left_behind(path: Path) -> list[str]:
    """What taking it out leaves where no file is."""
    return after_undo(path, Answers.read(path))


@os_errors_expected()
def diff(made: file_changes.Changes, root: Path, *, colour: bool) -> bytes:
    """As git shows it."""
    return file_changes.diff(made, root, colour=colour)


@os_errors_expected()
def carry_out(made: file_changes.Changes) -> None:
    """Does it, all or nothing."""
    file_changes.carry_out(made)
