"""Watches event loops, and tells what holds one up: entry, line, and whether it waits or computes.

A thread looks fifty times a second what each loop's thread does. One that idles gives a sign of
life by that; any other loop is asked for one, and while none comes the thread looks at its stack.
How long that thread was on a CPU tells waiting from computing. Time in which this thread could not
run counts only when the loop's thread computed meanwhile, in C code that holds the GIL, and time in
which a busy machine let the loop's thread wait never counts.

Needs the standard library only, so that it runs in an environment without fastoffload.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType

from .blame import stalls_of
from .clock import thread_clock
from .stack import Look, Roots, Spent
from .stall import Stall

Tell = Callable[[Stall], None]

TICK_SECONDS = 0.02
LATE_SECONDS = 0.04
LIMIT_SECONDS = 0.1
MANY_TURNS = 10  # in a tick: who waits for the GIL of Python code gets it after two or three
# A look for each fiftieth of the stall so far: enough to share it out, and memory stays bounded.
LOOKS = 50
# With which an asyncio loop waits, and reads and writes what is ready: called by it, it is idle.
LOOP_MODULES = {"selectors", "asyncio.selector_events"}


class Watcher:
    """A thread that watches every loop it is shown, for as long as there is an open one."""

    def __init__(self, limit: float, roots: Roots, tell: Tell) -> None:
        self._limit, self._tell = limit, tell
        self._roots = tuple(str(Path(root).resolve()) for root in roots)  # of the code to blame
        self._loops: dict[asyncio.AbstractEventLoop, _Loop] = {}
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None

    def watch_running_loop(self) -> None:
        """Watch this loop from now on; does nothing when it is watched already."""
        loop = asyncio.get_running_loop()
        if loop in self._loops:
            return
        with self._lock:
            self._loops[loop] = _Loop(loop, self._told)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="loop-watch", daemon=True)
                self._thread.start()

    def settle(self) -> bool:
        """Tell now of what has just ended, and of what lasts still; whether anything does."""
        with self._lock:
            lasting = [watched for watched in self._loops.values() if watched.close()]
        return bool(lasting)

    def _watch(self) -> None:
        clock = thread_clock()
        before = now = clock()
        seen = time.monotonic()
        while self._tick(delayed=now[1] - before[1], turns=now[2] - before[2]):
            if time.monotonic() - seen < LATE_SECONDS:
                time.sleep(TICK_SECONDS)
            # First of all: to sleep, or read a clock, gives the GIL to whoever has just held it.
            is_late = time.monotonic() - seen > TICK_SECONDS + LATE_SECONDS
            for watched in list(self._loops.values()):
                watched.see(is_late)
            seen = time.monotonic()
            before, now = now, clock()

    def _tick(self, delayed: float, turns: float) -> bool:
        with self._lock:
            for loop, watched in list(self._loops.items()):
                if loop.is_closed() or not watched.tick(delayed, turns):
                    watched.close()
                    del self._loops[loop]
            if not self._loops:
                self._thread = None
            return bool(self._loops)

    def _told(self, seconds: float, looks: list[Look]) -> None:
        if seconds >= self._limit:
            for stall in stalls_of(looks, seconds, self._limit, self._roots):
                self._tell(stall)


class _Loop:
    """What is known of one loop. Made on it, and used by the watching thread."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, told: Callable[[float, list[Look]], None]
    ) -> None:
        self._loop, self._told = loop, told
        self._thread, self._clock = threading.get_ident(), thread_clock()
        self._machinery: set[CodeType] = set()
        self._before = time.monotonic(), *self._clock()
        self._looks: list[Look] = []
        self._seen: Look | None = None
        # Since it was asked: the loop's thread was ready, and got no CPU; another one had the GIL.
        self._starved, self._others = 0.0, 0.0
        self._answered_at = 0.0
        self._ask_since(self._before[0])
        loop.call_soon(self._answer)

    def see(self, is_late: bool) -> None:
        """Look at the stack for the next tick, when that comes late; else it looks itself."""
        self._seen = self._stack() if is_late else None

    def tick(self, delayed: float, turns: float) -> bool:
        """Ask again, or look what keeps the answer; False when the loop is closed.

        For so many seconds the watching thread waited for a CPU, and so often it got one.
        """
        begun = self._before[0]
        wall, cpu, starved = self._elapsed()
        spent = _spent(wall, cpu, starved, delayed, turns)
        held = spent.held > LATE_SECONDS
        self._starved += starved
        if not self._loop.is_running():  # between two tests, say
            self.close()
            self._ask_since(self._before[0])
        elif self._answered_at:
            self._correct(spent, max(self._answered_at - begun, 0.0))
            self.close()
            # When the GIL was held, it was after the answer.
            self._ask_since(begun if held else self._before[0])
            if held:
                self._starved = starved
                self._spent = spent
                self._look()
            elif self._idles(self._frame()):  # to ask would wake it
                self._answered_at = self._before[0]
                return True
            return self._ask()
        else:
            self._spent = self._spent.and_then(spent)
            if spent.late > LATE_SECONDS and not held:
                self._others += spent.late - cpu
            if held or self._spent.wall * LOOKS >= self._before[0] - self._asked:
                self._look()
        return True

    def close(self) -> bool:
        """Tell of the stall that has ended, or lasts still; whether one lasts."""
        lasts = bool(self._looks) and not self._answered_at
        if self._looks:
            # What the machine, or another thread with the GIL, took away is not the loop's. Who
            # holds the GIL and gets no CPU is in both.
            lost = max(self._starved, self._others)
            seconds = (self._answered_at or time.monotonic()) - self._asked - lost
            self._told(seconds, self._looks)
            self._looks = []
        return lasts

    def _ask(self) -> bool:
        try:
            self._loop.call_soon_threadsafe(self._answer)
        except RuntimeError:  # the loop was closed just now
            return False
        return True

    def _ask_since(self, asked: float) -> None:
        self._asked, self._answered_at = asked, 0.0
        self._starved, self._others = 0.0, 0.0
        self._spent = Spent()  # since the last look

    def _answer(self) -> None:
        if not self._machinery:  # what calls a callback: a stack of nothing else is an idle loop's
            self._machinery = {frame.f_code for frame in _outwards(sys._getframe(1))}  # noqa: SLF001
        self._answered_at = time.monotonic()

    def _correct(self, last: Spent, until_answer: float) -> None:
        """What the clocks tell only after a stall, and was since the last look at it."""
        if self._looks:
            look, over = self._looks[-1], last.wall - until_answer
            last = last._replace(cpu=min(last.cpu, until_answer), wall=last.wall - max(over, 0.0))
            spent = look.spent.and_then(self._spent).and_then(last)
            spent = spent._replace(late=look.spent.late, held=look.spent.held)
            self._looks[-1] = look._replace(spent=spent)

    def _look(self) -> None:
        if look := self._seen or self._stack():
            self._looks.append(look._replace(spent=self._spent))
        self._spent = Spent()

    def _idles(self, frame: FrameType | None) -> bool:
        """Whether the loop waits there for something to do, and no callback does it."""
        while frame and frame.f_globals.get("__name__") in LOOP_MODULES:
            frame = frame.f_back
        return frame is None or frame.f_code in self._machinery

    def _stack(self) -> Look | None:
        """What the loop's thread does now, when that is a callback's doing."""
        frame = self._frame()
        if self._idles(frame):
            return None
        frames = [found for found in _outwards(frame) if found.f_code not in self._machinery]
        look = Look.now(frames[::-1], Spent())
        # Without either it is not known what calls the loop.
        return look if look.scope or self._machinery else None

    def _frame(self) -> FrameType | None:
        return sys._current_frames().get(self._thread)  # noqa: SLF001

    def _elapsed(self) -> tuple[float, float, float]:
        """Seconds since the last time; of them on a CPU, and waiting for one."""
        before = self._before
        self._before = time.monotonic(), *self._clock()
        wall, cpu, starved, _ = (now - then for now, then in zip(self._before, before, strict=True))
        return wall, cpu, starved


def _spent(wall: float, cpu: float, starved: float, delayed: float, turns: float) -> Spent:
    """Of a tick. What both threads did at the same time is not known, only how long each did it."""
    late = wall - TICK_SECONDS - delayed
    held = cpu - TICK_SECONDS if turns >= MANY_TURNS else 0.0
    return Spent(wall - starved, cpu, delayed + max(late, 0.0), late, held)


def _outwards(frame: FrameType | None) -> list[FrameType]:
    found = []
    while frame:
        found.append(frame)
        frame = frame.f_back
    return found
