"""Results on stdout, as text or as one JSON document."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import typer

from fastoffload import console
from fastoffload.strategies import STRATEGIES, Strategy

if TYPE_CHECKING:
    from fastoffload.choose import Answer
    from fastoffload.new import NewResult


def show_new(result: "NewResult", *, as_json: bool) -> None:
    """What was made and what to do next; warnings go to stderr."""
    for warning in result.warnings:
        console.warn(warning)
    if as_json:
        show_json(asdict(result))
    elif result.dry_run:
        _show_tree(result)
    else:
        _show_next_steps(result)


def show_strategies(*, as_json: bool) -> None:
    """The table of all strategies."""
    if as_json:
        show_json([asdict(strategy) for strategy in STRATEGIES.values()])
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("Strategy", "Who runs the job")
    for strategy in STRATEGIES.values():
        table.add_row(strategy.name, strategy.summary, style="bold")
        for label, text in _facts(strategy):
            table.add_row(label, text)
        table.add_section()
    Console().print(table)


def show_answer(answer: "Answer", *, as_json: bool) -> None:
    """The strategy, the reasons, the limits and the next steps."""
    if as_json:
        show_json(asdict(answer))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for label, text in _answer_facts(answer):
        table.add_row(Text(label, style="bold"), Text(text))
    Console().print(table)


def _answer_facts(answer: "Answer") -> Iterable[tuple[str, str]]:
    take = " ".join(filter(None, [answer.strategy, answer.option]))
    yield "take" if answer.possible else "not possible; nearest", take
    yield from (("because", reason) for reason in answer.reasons)
    yield from (("survives", text) for text in answer.survives)
    yield "load", answer.load
    yield "will not", answer.will_not
    yield "command", answer.command
    yield "move on when", answer.move_on
    yield "by", answer.switch


def _facts(strategy: Strategy) -> Iterable[tuple[str, str]]:
    yield "  needs", strategy.needs
    yield "  survives", strategy.survives
    yield "  take it", f"when {strategy.take_it}"
    yield "  leave it", f"when {strategy.leave_it}"
    for variant in strategy.variants:
        yield f"  --{strategy.option}", f"{variant.name}: {variant.reason}"
    if strategy.cost:
        yield "  cost", strategy.cost


def _show_tree(result: "NewResult") -> None:
    from rich.console import Console
    from rich.text import Text
    from rich.tree import Tree

    root = Tree(Text(str(result.path)))
    branches = {PurePosixPath(): root}
    for file in map(PurePosixPath, result.files):
        for path in (*reversed(file.parents), file):
            if path not in branches:
                branches[path] = branches[path.parent].add(Text(path.name))
    Console().print(root, soft_wrap=True)


def _show_next_steps(result: "NewResult") -> None:
    options = {"pool": result.pool, "broker": result.broker}
    variant = "".join(f", {value} {option}" for option, value in options.items() if value)
    typer.echo(f"\nMade {result.name} ({result.strategy}{variant}) in {result.path}\n\nNext:")
    for step in result.next_steps:
        typer.echo(f"  {step}")


def show_json(document: object) -> None:
    """One JSON document."""
    typer.echo(json.dumps(document, indent=2, default=str))
