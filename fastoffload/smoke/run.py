"""The smoke itself: a place, every project at once, and nothing left at the end."""

import asyncio
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from fastoffload.catalog import variants
from fastoffload.recipes.recipe import SAMPLE
from fastoffload.smoke.board import Board
from fastoffload.smoke.matrix import Entry
from fastoffload.smoke.options import SmokeOptions
from fastoffload.smoke.pipeline import Pipeline
from fastoffload.smoke.progress import view
from fastoffload.smoke.project import services
from fastoffload.smoke.project.environments import Environments
from fastoffload.smoke.project.family import Family
from fastoffload.smoke.project.project import Place, Project
from fastoffload.smoke.project.pythons import check_pythons
from fastoffload.smoke.project.slots import Slots
from fastoffload.smoke.project.templates import take
from fastoffload.smoke.result import SmokeResult, Usage
from fastoffload.system.processes import STOP_SIGNALS, held

KEY = "a-key"


def smoke(options: SmokeOptions) -> SmokeResult:
    """Takes every entry of the matrix through the stages; a stage that fails raises nothing."""
    choices = [variants()[entry.variant] for entry in options.entries]
    with services.given(choices) if options.services else nullcontext() as servers, _root() as root:
        check_pythons({entry.python for entry in options.entries})
        templates = take(options.templates, root)
        options = options.with_recipes_of(templates)
        place = Place(root, templates, Environments(root), servers, Slots(options.jobs))
        projects = projects_of(options, place)
        with view(options) as board:
            usage = Usage()
            asyncio.run(_follow_all(projects, options, board))
            usage.end()
        kept = _kept(projects, board, keep=options.keep)
        return SmokeResult.of(options, board, usage, kept)


def matrix(options: SmokeOptions) -> list[Entry]:
    """What there is to smoke, with the recipes of each."""
    with tempfile.TemporaryDirectory(prefix="smoke-") as root:
        return options.with_recipes_of(take(options.templates, Path(root))).entries


def projects_of(options: SmokeOptions, place: Place) -> list[Project]:
    """One for each entry; the first on each Python is tested whole, and asked without a key.

    With one is asked the first that has the recipe with the most routes, or else the last.
    """
    with_key = {entry.python: entry for entry in options.entries}
    with_key |= {e.python: e for e in reversed(options.entries) if SAMPLE in e.recipes}
    first = {entry.python: entry for entry in reversed(options.entries)}
    return [
        Project(
            entry,
            variants()[entry.variant],
            place,
            tested_whole=entry is first[entry.python],
            keys=("",) * (entry is first[entry.python])
            + (KEY,) * (entry is with_key[entry.python]),
        )
        for entry in options.entries
    ]


async def _follow_all(projects: list[Project], options: SmokeOptions, board: Board) -> None:
    pipelines = [Pipeline(project, options.stages, board) for project in projects]
    with _interruptible():
        async with asyncio.TaskGroup() as group:
            for pipeline in sorted(pipelines, key=lambda one: one.seconds, reverse=True):
                group.create_task(pipeline.run())


@contextmanager
def _interruptible() -> Iterator[None]:
    """The first signal to stop cancels the task, which ends in KeyboardInterrupt.

    After it no other is heard any more: what is left to do is to clean up.
    """
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    heard = False

    def hear(*_: object) -> None:
        nonlocal heard
        if not heard and task:
            heard = True
            loop.call_soon_threadsafe(task.cancel)

    listened = [one for one in STOP_SIGNALS if signal.getsignal(one) is not signal.SIG_IGN]
    before = {one: signal.signal(one, hear) for one in listened}
    try:
        yield
    except asyncio.CancelledError as error:
        raise KeyboardInterrupt from error
    finally:
        if not heard:
            for one, handler in before.items():
                signal.signal(one, handler)


@contextmanager
def _root() -> Iterator[Path]:
    """A temporary folder; at the end no process lives in it, and it is gone unless `kept` is."""
    root = Path(tempfile.mkdtemp(prefix="smoke-")).resolve()
    try:
        yield root
    finally:
        with held():
            Family(f"{root}:", [root], {}).kill()
            if not (root / KEPT).exists():
                shutil.rmtree(root, ignore_errors=True)


KEPT = "kept"


def _kept(projects: list[Project], board: Board, *, keep: bool) -> Path | None:
    """The folder that stays: all of it, or what a failure leaves to be looked at."""
    if not (keep or board.failed):
        return None
    root = projects[0].place.root
    failed = {cell.entry for cell in board.failed}
    for project in projects:
        if not keep and project.entry not in failed:
            shutil.rmtree(project.folder, ignore_errors=True)
    (root / KEPT).touch()
    return root
