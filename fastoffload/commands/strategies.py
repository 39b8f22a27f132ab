"""`fastoffload strategies`: what there is to choose from."""

from collections.abc import Iterable
from dataclasses import asdict

from fastoffload import terminal
from fastoffload.catalog import STRATEGIES, Strategy
from fastoffload.commands._parameters import Json

EXAMPLE = "fastoffload strategies --json"


def strategies(as_json: Json = False) -> None:
    """Lists the strategies, and when to take each."""
    if as_json:
        terminal.show_json([asdict(strategy) for strategy in STRATEGIES.values()])
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


def _facts(strategy: Strategy) -> Iterable[tuple[str, str]]:
    yield "  needs", strategy.needs
    yield "  survives", strategy.survives
    yield "  take it", f"when {strategy.take_it}"
    yield "  leave it", f"when {strategy.leave_it}"
    for variant in strategy.variants:
        yield f"  --{strategy.option}", f"{variant.name}: {variant.reason}"
    if strategy.cost:
        yield "  cost", strategy.cost
