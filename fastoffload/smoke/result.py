"""What came of a smoke, with the way that took longest and what the cores did meanwhile."""

import resource
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from fastoffload.smoke.board import Board, Cell, Status
from fastoffload.smoke.options import SmokeOptions
from fastoffload.system.cpu import available_cores


@dataclass(slots=True)
class Usage:
    """Wall time and the processor time of all programs that were waited for, in seconds.

    What outlives its parent, as a killed service's children do, is not in the processor time.
    """

    seconds: float = field(default_factory=lambda: -time.monotonic())
    cpu_seconds: float = field(default_factory=lambda: -_cpu_seconds())

    def end(self) -> None:
        """Stop counting."""
        self.seconds += time.monotonic()
        self.cpu_seconds += _cpu_seconds()

    @property
    def idle_seconds(self) -> float:
        """What the cores could have done besides."""
        return max(0.0, self.seconds * available_cores() - self.cpu_seconds)


@dataclass(frozen=True, slots=True)
class StageResult:
    """One cell. The output is the last of what a stage that failed has printed."""

    stage: str
    status: Status
    seconds: float
    note: str
    output: str
    repeat: str | None


@dataclass(frozen=True, slots=True)
class EntryResult:
    """One row; the folder is the project's if it was kept."""

    variant: str
    python: str
    recipes: tuple[str, ...]
    stages: list[StageResult]
    folder: Path | None

    @property
    def name(self) -> str:
        """Both, as in the matrix."""
        return f"{self.variant}-{self.python}"


@dataclass(frozen=True, slots=True)
class SmokeResult:
    """The table, and what it took."""

    passed: bool
    entries: list[EntryResult]
    seconds: float
    cpu_seconds: float
    idle_seconds: float
    cores: int
    critical_path: list[str]
    kept: Path | None

    @classmethod
    def of(cls, options: SmokeOptions, board: Board, usage: Usage, kept: Path | None) -> Self:
        """The result of all that stands on the board."""
        return cls(
            passed=not board.failed,
            entries=_rows(options, board, kept),
            seconds=usage.seconds,
            cpu_seconds=usage.cpu_seconds,
            idle_seconds=usage.idle_seconds,
            cores=available_cores(),
            critical_path=[
                f"{cell.entry.name} {cell.stage} {cell.seconds:.1f} s"
                for cell in critical_path(board.cells)
            ],
            kept=kept,
        )


def critical_path(cells: Sequence[Cell]) -> list[Cell]:
    """The stages that end and begin each other, back from the last to end: to be fast, cut these.

    Each began when the one before ended, which it needed or which gave its slot to it.
    """
    run = sorted((cell for cell in cells if cell.seconds > 0), key=lambda cell: cell.ended)
    path: list[Cell] = []
    while run:
        path.append(run[-1])
        run = [cell for cell in run if cell.ended <= path[-1].started]
    return path[::-1]


def _rows(options: SmokeOptions, board: Board, kept: Path | None) -> list[EntryResult]:
    rows = []
    for entry in options.entries:
        stages = [_stage_result(options, board.cell(entry, stage.name)) for stage in options.stages]
        folder = kept / entry.name if kept else None
        rows.append(
            EntryResult(
                entry.variant,
                entry.python,
                entry.recipes,
                stages,
                folder if folder and folder.exists() else None,
            )
        )
    return rows


def _stage_result(options: SmokeOptions, cell: Cell) -> StageResult:
    repeat = _repeat(options, cell) if cell.status == Status.FAILED else None
    seconds = round(cell.seconds, 2)
    return StageResult(cell.stage, cell.status, seconds, cell.note, cell.output, repeat)


def _repeat(options: SmokeOptions, cell: Cell) -> str:
    """The one command that runs this stage, and what it needs, again."""
    words = ["fastoffload", "smoke", "--variant", cell.entry.variant, "--stage", cell.stage]
    words += ["--python", cell.entry.python, "--keep"]
    words += [word for name in options.recipes for word in ("--recipe", name)]
    if options.services:
        words.append("--services")
    if options.templates:
        words += ["--templates", options.templates]
    return shlex.join(words)


def _cpu_seconds() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)
