"""The smoke as it goes: a live table on a terminal, a line for each stage elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fastoffload import terminal
from fastoffload.smoke.board import Board, Cell, Status
from fastoffload.smoke.options import SmokeOptions

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

STYLES = {
    Status.WAITING: "dim",
    Status.RUNNING: "yellow",
    Status.PASSED: "green",
    Status.FAILED: "bold red",
    Status.NOT_RUN: "dim",
    Status.NOT_REACHED: "dim",
}


@contextmanager
def view(options: SmokeOptions) -> Iterator[Board]:
    """A board that is shown on stderr while the block runs."""
    from rich.console import Console
    from rich.live import Live

    screen = Console(stderr=True)
    stages = [stage.name for stage in options.stages]
    if not screen.is_terminal:
        yield Board(options.entries, stages, _tell)
        return
    board = Board(options.entries, stages, lambda _: None)
    with Live(console=screen, get_renderable=lambda: table(board), refresh_per_second=4):
        yield board


def table(board: Board) -> "Table":
    """Entries by stages, with the seconds of each."""
    from rich.table import Table
    from rich.text import Text

    drawn = Table("Variant", "Python")
    for stage in board.stages:
        drawn.add_column(stage, justify="right")
    for entry in board.entries:
        cells = (_text(board.cell(entry, stage)) for stage in board.stages)
        drawn.add_row(Text(entry.variant), Text(entry.python), *cells)
    return drawn


def _text(cell: Cell) -> "Text":
    from rich.text import Text

    match cell.status:
        case Status.PASSED:
            text = f"{cell.seconds:.1f}"
        case Status.RUNNING:
            text = f"{cell.seconds:.0f} …"
        case Status.FAILED:
            text = f"failed {cell.seconds:.1f}"
        case Status.WAITING:
            text = ""
        case _:
            text = str(cell.status)
    return Text(text, style=STYLES[cell.status])


def _tell(cell: Cell) -> None:
    reason = f"  {cell.note.splitlines()[0]}" if cell.note else ""
    words = f"{cell.entry.name:<23} {cell.stage:<8} {cell.status:<11} {cell.seconds:6.1f} s{reason}"
    terminal.line(words.rstrip(), STYLES[cell.status])
