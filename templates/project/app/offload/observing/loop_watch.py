"""Watches the event loop, and names the code that holds it up.

A thread asks the loop for a sign of life. When none comes for LOOP_STALL_SECONDS it looks at what
the loop's thread is doing, which is the code to blame. aiodebug's hang_inspection and aiocop look
in the same way. But the first writes the stacks of all threads into files, also when it was the
machine that stood still, and the second tells what it saw when the callback has ended, which may
be never. Here the log has the line of the project's own code while the loop still stands.
"""

import asyncio
import threading
import traceback
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from inspect import CO_COROUTINE
from pathlib import Path
from sys import _current_frames  # documented; the underscore says that it is for debuggers
from time import monotonic
from types import CodeType, FrameType

import structlog

from ..settings import get_settings
from .metrics import LOOP_LAG, LOOP_STALLS

log = structlog.get_logger()

ROOT = Path(__file__).resolve().parents[3]  # above the package that has the engine
ASK_SECONDS = 0.1  # between two questions
LOOK_SECONDS = 0.025  # between two looks for the answer
KEPT = 50
# With which an asyncio loop waits, and reads and writes what is ready: a loop found there is idle.
LOOP_MODULES = {"selectors", "asyncio.selector_events"}


@dataclass(frozen=True)
class Look:
    """What the loop's thread was doing: where in the project's own code, and all of its stack."""

    file: str
    line: int
    function: str
    stack: str


@dataclass(frozen=True)
class Stall:
    """A time for which the loop stood still."""

    ended_at: datetime
    seconds: float
    look: Look


_recent: deque[Stall] = deque(maxlen=KEPT)


def recent_stalls() -> list[Stall]:
    """The last stalls of this process, the newest first."""
    return list(_recent)


class LoopWatch:
    """Watches the loop that it is made on, from `start` to `stop`."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._machinery: set[CodeType] = set()
        self._limit = get_settings().loop_stall_seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="loop-watch", daemon=True)

    async def start(self) -> None:
        """Begin to watch."""
        known = asyncio.Event()
        self._loop.call_soon(self._know_machinery, known)
        await known.wait()
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._over.set()

    def _know_machinery(self, known: asyncio.Event) -> None:
        """Remember what calls a callback: a stack of nothing else is an idle loop's."""
        frame = _current_frames()[self._loop_thread]
        self._machinery = {outer.f_code for outer in _outwards(frame.f_back)}
        known.set()

    def _watch(self) -> None:
        while not self._over.wait(ASK_SECONDS):
            try:
                self._ask()
            except RuntimeError:  # the loop is closed
                return

    def _ask(self) -> None:
        answered = threading.Event()
        asked, answered_at = monotonic(), 0.0

        def answer() -> None:
            nonlocal answered_at
            answered_at = monotonic()
            answered.set()

        self._loop.call_soon_threadsafe(answer)
        look = self._wait(answered)
        if not answered.is_set():
            return  # the loop is being stopped
        LOOP_LAG.observe(answered_at - asked)
        if look:
            stall = Stall(datetime.now(UTC), answered_at - asked, look)
            _recent.appendleft(stall)
            log.warning("event_loop_resumed", seconds=round(stall.seconds, 3), **_place(look))

    def _wait(self, answered: threading.Event) -> Look | None:
        """Wait for the answer; what was seen of the loop if it took longer than is allowed."""
        waited, look = 0.0, None
        while not answered.is_set() and not self._over.is_set():
            begin = monotonic()
            answered.wait(LOOK_SECONDS)
            # Where this thread could not run either, because the machine slept, is busy, or C
            # code held the GIL, nothing is known about the loop: such time does not count.
            waited += min(monotonic() - begin, LOOK_SECONDS)
            if look is None and waited >= self._limit and (look := self._look()):
                LOOP_STALLS.inc()
                log.warning("event_loop_stalled", **_place(look), stack=look.stack)
        return look

    def _look(self) -> Look | None:
        """What the loop's thread is doing; None when it is idle or only late."""
        frame = _current_frames().get(self._loop_thread)
        frames = [found for found in _outwards(frame) if found.f_code not in self._machinery]
        if not frames or frames[0].f_globals.get("__name__") in LOOP_MODULES:
            return None
        blamed = next(_to_blame(frames), frames[0])
        return Look(
            file=_relative(blamed.f_code.co_filename),
            line=blamed.f_lineno,
            function=blamed.f_code.co_qualname,
            stack="".join(traceback.format_stack(frames[0])),
        )


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame:
        yield frame
        frame = frame.f_back


def _to_blame(frames: list[FrameType]) -> Iterator[FrameType]:
    """The project's own, the innermost first, without what only awaits the next application."""
    inner: FrameType | None = None
    for frame in frames:
        awaits = inner is not None and inner.f_code.co_flags & CO_COROUTINE
        if _is_own(frame) and not (awaits and _is_middleware(frame.f_code)):
            yield frame
        inner = frame


def _is_middleware(code: CodeType) -> bool:
    """Whether it is given ASGI's `send`, or stands in its place."""
    return "send" in {*code.co_varnames[: code.co_argcount], *code.co_freevars}


def _is_own(frame: FrameType) -> bool:
    file = Path(frame.f_code.co_filename)
    return file.is_relative_to(ROOT) and "site-packages" not in file.parts


def _relative(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else file


def _place(look: Look) -> dict[str, str | int]:
    return {"file": look.file, "line": look.line, "function": look.function}
