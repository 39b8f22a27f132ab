"""`fastoffload recipes`: the kinds of work that `add` has a first version of."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from fastoffload import terminal
from fastoffload.commands._parameters import Json

if TYPE_CHECKING:
    from fastoffload.recipes.recipe import Recipe

EXAMPLE = "fastoffload recipes pandas"


def recipes(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="WORD", help="Only those that mention every word."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Lists what `add` can begin with, and what fits each."""
    from fastoffload.recipes import recipe
    from fastoffload.templating import releases

    found = recipe.search(recipe.in_templates(releases.templates_dir()), words or [])
    if as_json:
        terminal.show_json([one.facts for one in found])
    else:
        _show(found)


def _show(found: Iterable["Recipe"]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("Recipe", "What it does")
    for one in found:
        table.add_row(one.name, one.summary, style="bold")
        table.add_row("  fits", f"{one.fits}: {one.why}")
        table.add_row("  found by", ", ".join(one.words))
        if one.dependencies:
            table.add_row("  needs", ", ".join(one.dependencies))
        table.add_section()
    Console().print(table)
