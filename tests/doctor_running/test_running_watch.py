"""What the watch takes for a stall, on a real loop."""

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from fastoffload.doctor.running.watch import BlockingWatch, Stall, watcher

# ruff: noqa: ASYNC221, ASYNC251 (it is what is watched)
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
    async def twice() -> None:
        time.sleep(0.3)
        time.sleep(0.6)

    first, second = sorted(stalls_of(twice), key=lambda stall: stall.seconds)
    assert second.line == first.line + 1
    assert second.seconds == pytest.approx(2 * first.seconds, rel=0.5)


def test_short_waits_in_a_row_are_one() -> None:
    async def often() -> None:
        time.sleep(0.4)
        time.sleep(0.4)
        time.sleep(0.4)

    (stall,) = stalls_of(often, limit=0.8)  # none of them alone
    assert stall.seconds == pytest.approx(1.2, abs=0.2)


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

    async def waits() -> None:
        time.sleep(0.8)

    (stall,) = stalls_of(waits)
    assert stall.seconds == pytest.approx(0.4, abs=0.1)


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    import threading

    yield
    end = time.monotonic() + 30
    while any(thread.name == "loop-watch" for thread in threading.enumerate()):
        assert time.monotonic() < end
        time.sleep(0.02)
