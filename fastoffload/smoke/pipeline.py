"""A project goes through its stages."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path

from fastoffload.smoke.board import Board, Cell, Status
from fastoffload.smoke.project.project import Project
from fastoffload.smoke.stages.outcome import NotRunError, StageError
from fastoffload.smoke.stages.table import Stage

SHOWN_LINES = 40


class Pipeline:
    """Starts each stage as soon as what it needs has passed and a slot is free."""

    def __init__(self, project: Project, stages: Sequence[Stage], board: Board) -> None:
        self._project = project
        self._stages = stages
        self._board = board
        self._over = {stage.name: asyncio.Event() for stage in stages}

    @property
    def seconds(self) -> float:
        """What the longest way through the stages usually takes."""
        return max(map(self._way_to_go, self._stages), default=0.0)

    async def run(self) -> None:
        """All stages to their end; whatever the service has left is ended too."""
        try:
            async with asyncio.TaskGroup() as group:
                for stage in self._stages:
                    group.create_task(self._reach(stage))
        finally:
            if running := self._project.running:
                await running.client.close()
                running.family.kill()

    async def _reach(self, stage: Stage) -> None:
        cell = self._cell(stage.name)
        for name in (stage.needs, stage.after):
            if name in self._over:
                await self._over[name].wait()
        if stage.needs and self._cell(stage.needs).status != Status.PASSED:
            self._board.end(cell, Status.NOT_REACHED)
        else:
            # First its turn, then a slot: one that waits for its turn keeps no core idle.
            async with self._turn(stage), self._slot(stage):
                await self._pass(stage, cell)
        self._over[stage.name].set()

    async def _pass(self, stage: Stage, cell: Cell) -> None:
        self._board.start(cell)
        try:
            async with asyncio.timeout(stage.limit_seconds):
                note = await stage.run(self._project)
        except NotRunError as reason:
            self._board.end(cell, Status.NOT_RUN, str(reason))
        except TimeoutError:
            self._fail(cell, f"not done after {stage.limit_seconds:g} s")
        except Exception as reason:  # noqa: BLE001 (whatever it is, it belongs in this cell)
            self._fail(cell, f"{type(reason).__name__}: {reason}")
        else:
            self._board.end(cell, Status.PASSED, note)

    def _fail(self, cell: Cell, reason: str) -> None:
        reason = reason.removeprefix(f"{StageError.__name__}: ")
        output = last_lines(self._project.log(cell.stage)) or last_lines(self._project.log("boot"))
        self._board.end(cell, Status.FAILED, reason, output)

    def _cell(self, stage: str) -> Cell:
        return self._board.cell(self._project.entry, stage)

    def _turn(self, stage: Stage) -> AbstractAsyncContextManager[None]:
        return self._project.place.alone[stage.name] if stage.one_at_a_time else nullcontext()

    def _slot(self, stage: Stage) -> AbstractAsyncContextManager[None]:
        slots = self._project.place.slots
        return nullcontext() if stage.only_waits else slots.one(self._way_to_go(stage))

    def _way_to_go(self, stage: Stage) -> float:
        """Seconds from the beginning of this stage to the end of the longest that need it."""
        behind = [self._way_to_go(other) for other in self._stages if other.needs == stage.name]
        more = stage.broker_seconds if self._project.choice.is_queue else 0.0
        return stage.usual_seconds + more + max(behind, default=0.0)


def last_lines(log: Path) -> str:
    """The end of what a stage has printed."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").rstrip().splitlines()[-SHOWN_LINES:])
