"""What the user sees on stderr besides results: errors, warnings, progress."""

from collections.abc import Iterator
from contextlib import contextmanager


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
