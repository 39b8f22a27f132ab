"""Where everything stands: a cell for each stage of each entry of the matrix."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from fastoffload.smoke.matrix import Entry


class Status(StrEnum):
    """What has become of a stage. `not reached`: what it needs has failed."""

    WAITING = "waiting"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not run"
    NOT_REACHED = "not reached"


@dataclass(slots=True)
class Cell:
    """One stage of one entry. Times are in seconds of the monotonic clock."""

    entry: Entry
    stage: str
    status: Status = Status.WAITING
    started: float = 0.0
    ended: float = 0.0
    note: str = ""
    output: str = ""

    @property
    def seconds(self) -> float:
        """How long it took, or takes by now."""
        if self.status == Status.RUNNING:
            return time.monotonic() - self.started
        return self.ended - self.started


@dataclass(slots=True)
class Board:
    """All cells, in the order of the matrix; `tell` hears of each that ends."""

    entries: Sequence[Entry]
    stages: Sequence[str]
    tell: Callable[[Cell], None]
    _cells: dict[tuple[Entry, str], Cell] = field(init=False)

    def __post_init__(self) -> None:
        self._cells = {
            (entry, stage): Cell(entry, stage) for entry in self.entries for stage in self.stages
        }

    def cell(self, entry: Entry, stage: str) -> Cell:
        """The cell of a stage."""
        return self._cells[entry, stage]

    @property
    def cells(self) -> list[Cell]:
        """All of them."""
        return list(self._cells.values())

    @property
    def failed(self) -> list[Cell]:
        """Those that failed."""
        return [cell for cell in self.cells if cell.status == Status.FAILED]

    def start(self, cell: Cell) -> None:
        """Note that a stage begins."""
        cell.status, cell.started = Status.RUNNING, time.monotonic()

    def end(self, cell: Cell, status: Status, note: str = "", output: str = "") -> None:
        """Note how a stage has ended, with the reason or the last of its output."""
        cell.status, cell.note, cell.output = status, note, output
        cell.ended = time.monotonic()
        cell.started = cell.started or cell.ended
        self.tell(cell)
