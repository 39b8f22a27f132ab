"""`fastoffload init`: the engine inside an application that exists; and out again."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fastoffload import terminal
from fastoffload.commands._parameters import Broker, Json, Pool, StrategyName
from fastoffload.errors import UsageError

if TYPE_CHECKING:
    from fastoffload.file_changes import Changes
    from fastoffload.initializing.plan import Plan

EXAMPLE = "fastoffload init --strategy executor --dry-run"


@dataclass(frozen=True, slots=True)
class Shown:
    """How it is shown, and whether it is done."""

    dry_run: bool
    diff: bool
    yes: bool
    as_json: bool

    @property
    def writes_nothing(self) -> bool:
        """Whether it is only shown."""
        return self.dry_run or self.diff

    @property
    def may_ask(self) -> bool:
        """Whether somebody is there to be asked."""
        return terminal.is_interactive() and not self.as_json and not self.yes

    def check(self) -> None:
        """Raises UsageError where nobody could accept what would be written."""
        if not (self.writes_nothing or self.yes or self.may_ask):
            raise UsageError(
                "there is no terminal to accept the diff on; look at it by --diff, then give --yes"
            )


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for."""

    strategy: str | None
    options: Mapping[str, str | None]
    app: str | None
    package: str | None
    own_database: bool


def init(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH",
            help="The application's folder; the present one if left out.",
            resolve_path=True,
        ),
    ] = Path(),
    strategy: StrategyName = None,
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
    shown = Shown(dry_run=dry_run, diff=diff, yes=yes, as_json=as_json)
    if undo:
        if any((strategy, pool, broker, app, package, own_database)):
            raise UsageError("--undo takes no other choice; leave the others out")
        _take_out(path, shown)
        return
    given = {"pool": pool, "broker": broker}
    wanted = Wanted(strategy, given, app, package, own_database)
    _put_in(path, wanted, shown)


def _put_in(path: Path, wanted: Wanted, shown: Shown) -> None:
    """`init`."""
    from fastoffload.choosing import questions_of_new
    from fastoffload.initializing import messages, workflow

    if answers := workflow.answered(path):
        _say_done(path, answers.choice.strategy.name, shown)
        return
    found = workflow.look(path, wanted.app, wanted.package, _ask if shown.may_ask else None)
    shown.check()
    given = questions_of_new.given_choice(
        wanted.strategy, wanted.options, defaults=None, may_ask=shown.may_ask
    )
    if workflow.answered(found.root):
        _say_done(found.root, "", shown)
        return
    if not shown.as_json:
        terminal.show_facts(messages.facts(found, own_database=wanted.own_database))
    plan = workflow.work_out(
        found, given or questions_of_new.ask_choice(), own_database=wanted.own_database
    )
    if _accepted(plan, shown):
        workflow.carry_out(plan.changes)
    _show_end(plan, shown)


def _take_out(path: Path, shown: Shown) -> None:
    """`init --undo`."""
    from fastoffload.initializing import workflow

    shown.check()
    left = workflow.left_behind(path)
    made = workflow.work_out_undo(path)
    edited = {file: one for file, one in made.items() if one.after is not None}
    removed = [file for file, one in made.items() if one.after is None]
    if not shown.as_json:
        _show_diff(made if shown.diff else _read(edited), path)
        typer.echo(f"{len(removed)} files of the engine, its tests and jobs/ go out again")
    if not shown.writes_nothing and (shown.yes or _confirm("Take it out?")):
        workflow.carry_out(made)
    if shown.as_json:
        names = {"restored": [*edited], "removed": removed, "left": left}
        terminal.show_json(names | {"dry_run": shown.writes_nothing})
    elif not shown.writes_nothing:
        typer.echo("Done: the application is as it was before `init`.")
        for line in left:
            typer.echo(line)


def _accepted(plan: "Plan", shown: Shown) -> bool:
    """Shows the diff; whether it shall be carried out."""
    from fastoffload.initializing import messages

    if not shown.as_json:
        _show_diff(plan.changes if shown.diff else _read(plan.edited), plan.found.root)
        for line in messages.summary(plan):
            typer.echo(terminal.visible(line))
    if shown.writes_nothing:
        return False
    return shown.yes or _confirm("Write this?")


def _read(edited: "Changes") -> "Changes":
    """What somebody reads of it: not the thousands of lines of a lock file."""
    from fastoffload.initializing.plan import recorded

    return recorded(edited)


def _confirm(question: str) -> bool:
    """Raises typer.Abort for a no: then nothing is written."""
    return typer.confirm(question, abort=True)


def _show_diff(changes: "Changes", root: Path) -> None:
    from fastoffload.initializing import workflow

    typer.echo(workflow.diff(changes, root, colour=terminal.has_colours()))


def _show_end(plan: "Plan", shown: Shown) -> None:
    from fastoffload.initializing import messages

    if shown.as_json:
        terminal.show_json(_document(plan, shown))
        return
    if shown.writes_nothing:
        typer.echo("\nNothing was written.")
        return
    typer.echo("\nDone. Next:")
    for step in messages.steps(plan):
        typer.echo(f"  {step}")


def _document(plan: "Plan", shown: Shown) -> dict[str, object]:
    from fastoffload.initializing import messages, workflow

    found = plan.found
    return {
        "path": found.root,
        "application": found.application.label(found.root),
        "factory": found.application.is_factory,
        "package": found.package,
        "imported_as": found.dotted,
        "engine": found.engine.name if found.engine else None,
        "guard": found.guard.name if found.guard else None,
        "migrations": list(found.environments),
        "broker": found.broker,
        **plan.choice.answers,
        "edited": list(plan.edited),
        "added": list(plan.added),
        "diff": workflow.diff(plan.edited, found.root, colour=False).decode(errors="replace"),
        "left": plan.left,
        "next_steps": list(messages.steps(plan)),
        "dry_run": shown.writes_nothing,
    }


def _say_done(path: Path, strategy: str, shown: Shown) -> None:
    if shown.as_json:
        terminal.show_json({"path": path, "edited": [], "added": [], "strategy": strategy})
        return
    said = f"{path.name} has the engine already; `fastoffload status`, `switch` and `update` go on"
    typer.echo(terminal.visible(f"{said} from here, and `init --undo` takes it out"))


def _ask(labels: list[str]) -> str:
    from questionary import select

    answer: str = select("Which application?", labels).unsafe_ask()
    return answer
