"""The terminal: errors, warnings and progress on stderr, tables and JSON on stdout."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import typer


def is_interactive() -> bool:
    """Whether somebody is there to answer."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def has_colours() -> bool:
    """Whether stdout takes colours."""
    from rich.console import Console

    return Console().color_system is not None


def show_json(document: object) -> None:
    """One JSON document on stdout."""
    import json

    typer.echo(json.dumps(document, indent=2, default=str))


def show_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Labels and texts on stdout, side by side."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for label, text in facts:
        table.add_row(Text(label, style="bold"), Text(text))
    Console().print(table)


def show_paths(rows: Mapping[str, list[str]]) -> None:
    """A table on stdout of headings, how many paths each has, and which."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not any(rows.values()):
        return
    table = Table("", "files", "which")
    for heading, paths in rows.items():
        table.add_row(heading, str(len(paths)), Text("\n".join(map(visible, paths))))
    Console().print(table)


def error(message: str) -> None:
    """One red line."""
    _print(f"Error: {visible(message)}", "bold red")


def warn(message: str) -> None:
    """A yellow line, or several if the message has them."""
    _print("\n".join(map(visible, f"Warning: {message}".splitlines())), "yellow")


def line(message: str, style: str = "") -> None:
    """One line on how something goes."""
    _print(visible(message), style)


@contextmanager
def progress(doing: str) -> Iterator[None]:
    """Says what is being done: a spinner on a terminal, a plain line elsewhere."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        _print(doing)
        yield
        return
    with console.status(doing):
        yield


def visible(text: str) -> str:
    """On one line what a path may hold: a newline, an escape sequence, bytes that are no text."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def _print(text: str, style: str = "") -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True)
    # As Text, for a user's words may look like markup. Elsewhere than on a terminal, one line stays
    # one line: somebody searches it.
    console.print(Text(text, style=style), soft_wrap=not console.is_terminal)
