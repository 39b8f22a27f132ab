"""Parameters that several commands have, and what a shell completes them with."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from fastoffload.catalog import BROKERS, POOLS, STRATEGIES, Strategy, Variant

Completions = list[tuple[str, str]]
"""Values and what a shell says of each."""


def matching(records: Iterable[Strategy | Variant], incomplete: str) -> Completions:
    """Those of the catalog that begin with what was typed."""
    return [(one.name, one.reason) for one in records if one.name.startswith(incomplete)]


def complete_recipe(incomplete: str) -> Completions:
    """For RECIPE: those of the newest release."""
    from fastoffload.recipes.recipe import in_templates
    from fastoffload.templating.releases import templates_dir

    recipes = in_templates(templates_dir()).values()
    return [(one.name, one.summary) for one in recipes if one.name.startswith(incomplete)]


def complete_strategy(incomplete: str) -> Completions:
    """For STRATEGY."""
    return matching(STRATEGIES.values(), incomplete)


def _complete_pool(incomplete: str) -> Completions:
    return matching(POOLS, incomplete)


def _complete_broker(incomplete: str) -> Completions:
    return matching(BROKERS, incomplete)


Project = Annotated[
    Path,
    typer.Argument(
        metavar="PATH",
        help="The project's folder; the present one if left out.",
        resolve_path=True,
    ),
]
StrategyName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Who runs the jobs; see `fastoffload strategies`.",
        autocompletion=complete_strategy,
    ),
]
Pool = Annotated[
    str | None,
    typer.Option(
        metavar="process|thread",
        help="What the executor's pool is made of.",
        autocompletion=_complete_pool,
    ),
]
Broker = Annotated[
    str | None,
    typer.Option(
        metavar="redis|rabbitmq",
        help="What feeds the celery or dramatiq workers.",
        autocompletion=_complete_broker,
    ),
]
Test = Annotated[
    bool,
    typer.Option("--test", help="Run the project's tests on the result; go on if they pass."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
