"""What the watch takes for a stall, on a real loop."""

import asyncio
import re
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from doctor_running.conftest import is_measured
from fastoffload.doctor.running.watch import BlockingWatch, Stall, watcher
from fastoffload.doctor.running.watch.clock import GIL_SECONDS

# ruff: noqa: ASYNC110, ASYNC221, ASYNC251 (it is what is watched)
SLEEPS = "import time; time.sleep(0.3)"
HTTP = {"type": "http", "method": "GET", "path": "/things", "headers": []}


async def never(*_: object) -> None:
    """Receives and sends nothing."""


def stalls_of(
    handle: Callable[[], Awaitable[object]],
    limit: float = 0.1,
    run: Callable[[Coroutine[object, object, None]], None] = asyncio.run,
) -> list[Stall]:
    """What is told while an application handles a request."""
    told: list[Stall] = []

    async def application(*_: object) -> None:
        await handle()

    async def last(*_: object) -> None:
        time.sleep(3 * limit)

    async def main() -> None:
        loop, all_told = asyncio.get_running_loop(), asyncio.Event()

        def tell(stall: Stall) -> None:
            told.append(stall)
            if stall.chain == ("last",):
                loop.call_soon_threadsafe(all_told.set)

        watched = BlockingWatch(never, limit, (str(Path(__file__).parent),), tell)
        await watched(dict(HTTP), never, never)  # from now on it watches
        await asyncio.sleep(0.1)
        watched.app = application
        await watched(dict(HTTP), never, never)
        await asyncio.sleep(0)
        watched.app = last  # when this has been told, all has
        async with asyncio.timeout(60):
            while not all_told.is_set():  # a busy machine may come to look too late
                await watched(dict(HTTP), never, never)
                await asyncio.sleep(limit)

    run(main())
    return [stall for stall in told if stall.chain != ("last",)]


class Stood:
    """How long a loop stood still, by itself."""

    def begins(self) -> None:
        """From now to the loop's next turn, in which it answers the watch as well."""
        self._begin = self._end = time.monotonic()
        asyncio.get_running_loop().call_soon(self._ends)

    def _ends(self) -> None:
        self._end = time.monotonic()

    @property
    def seconds(self) -> float:
        """Afterwards."""
        return self._end - self._begin


def test_python_code_c_code_and_a_wait_are_told_apart() -> None:
    async def in_python() -> None:
        number = 0
        while number < 10_000_000:
            number += 1

    async def in_c_with_the_gil() -> None:
        assert not re.match(r"(a+)+$", "a" * 24 + "b")

    async def waits() -> None:
        time.sleep(0.3)

    def how(handle: Callable[[], Awaitable[object]]) -> tuple[str, str]:
        (stall,) = stalls_of(handle)
        return stall.how, stall.call.rpartition(".<locals>.")[2]

    assert how(in_python)[0] == "computes"
    assert how(in_c_with_the_gil) == ("in C, with the GIL", "re.match")
    assert how(waits) == ("waits", "time.sleep")


def test_who_waits_as_a_loop_does_is_no_idle_loop() -> None:
    async def reads_two_pipes() -> None:  # with a selector, like asyncio
        subprocess.run([sys.executable, "-c", SLEEPS], capture_output=True, check=True)

    (stall,) = stalls_of(reads_two_pipes)
    assert (stall.how, stall.call) == ("waits", "subprocess.run")


def test_two_waits_in_a_row_are_two() -> None:
    stood = Stood()

    async def twice() -> None:
        stood.begins()
        time.sleep(0.3)
        time.sleep(0.6)

    first, second = sorted(stalls_of(twice), key=lambda stall: stall.seconds)
    assert second.line == first.line + 1
    assert is_measured(first.seconds + second.seconds, [stood.seconds])


def test_short_waits_in_a_row_are_one() -> None:
    stood = Stood()

    async def often() -> None:
        stood.begins()
        time.sleep(0.4)
        time.sleep(0.4)
        time.sleep(0.4)

    (stall,) = stalls_of(often, limit=0.8)  # none of them alone
    assert is_measured(stall.seconds, [stood.seconds])


def test_a_loop_that_is_idle_or_only_awaits_does_not_stall() -> None:
    async def awaits() -> None:
        await asyncio.sleep(0.4)
        await asyncio.to_thread(time.sleep, 0.4)

    assert stalls_of(awaits) == []


def test_an_idle_loop_is_not_woken() -> None:
    asked: list[object] = []
    while_idle: list[object] = []

    class Loop(asyncio.SelectorEventLoop):
        def call_soon_threadsafe(self, *args: Any, **options: Any) -> asyncio.Handle:  # noqa: ANN401
            asked.append(args)
            return super().call_soon_threadsafe(*args, **options)

    async def idles() -> None:
        asked.clear()
        await asyncio.sleep(1)
        while_idle.extend(asked)

    with asyncio.Runner(loop_factory=Loop) as runner:
        assert stalls_of(idles, run=runner.run) == []
    assert len(while_idle) < 10  # of some fifty looks


def test_less_than_the_limit_is_not_told() -> None:
    async def waits() -> None:
        time.sleep(0.3)

    assert stalls_of(waits, limit=0.8) == []


def test_what_is_imported_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slow_to_import.py").write_text("import time\ntime.sleep(0.3)\n")
    monkeypatch.syspath_prepend(tmp_path)

    async def lazy() -> None:
        import slow_to_import  # noqa: F401

    assert stalls_of(lazy) == []


def test_time_in_which_the_machine_let_the_loop_wait_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def busy_machine() -> Callable[[], tuple[float, float, float]]:
        return lambda: (0.0, time.monotonic() / 2, 0.0)  # it is ready for half of the time

    monkeypatch.setattr(watcher, "thread_clock", busy_machine)

    stood = Stood()

    async def waits() -> None:
        stood.begins()
        time.sleep(0.8)

    (stall,) = stalls_of(waits)
    assert is_measured(stall.seconds, [stood.seconds / 2])


def test_who_held_the_gil_is_seen_before_a_clock_lets_it_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In turns that are fixed: the watching thread wakes late, looks, and reads its clock."""
    begun, late, blocked, goes_on, gone = (threading.Event() for _ in range(5))

    class Time:
        monotonic = time.monotonic

        @staticmethod
        def sleep(seconds: float) -> None:
            time.sleep(seconds)
            if begun.is_set() and not late.is_set():
                late.set()
                assert blocked.wait(60)
                time.sleep(3 * watcher.LIMIT_SECONDS)  # as if it got no GIL meanwhile

    def clock() -> tuple[float, float, float]:
        if late.is_set() and threading.current_thread().name == "loop-watch":
            goes_on.set()
            assert gone.wait(60)
        return time.monotonic(), 0.0, time.monotonic() / GIL_SECONDS  # it computes, all the time

    async def holds() -> None:
        begun.set()
        while not late.is_set():
            await asyncio.sleep(0.001)
        asyncio.get_running_loop().call_soon(gone.set)
        blocked.set()
        assert goes_on.wait(60)

    monkeypatch.setattr(watcher, "time", Time)
    monkeypatch.setattr(watcher, "thread_clock", lambda: clock)
    (stall,) = stalls_of(holds)
    assert (stall.chain[-1], stall.how) == ("holds", "in C, with the GIL")


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    end = time.monotonic() + 30
    while any(thread.name == "loop-watch" for thread in threading.enumerate()):
        assert time.monotonic() < end
        time.sleep(0.02)
