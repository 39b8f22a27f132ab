"""What counts as a loop that stands still, on a real loop."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import uvloop

from app.offload.observing import loop_watch
from app.offload.observing.loop_watch import Look, LoopWatch, Stall, recent_stalls
from app.offload.settings import get_settings


@pytest.fixture(autouse=True)
def _limit(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LOOP_STALL_SECONDS", "0.25")
    get_settings.cache_clear()
    loop_watch._recent.clear()
    yield
    get_settings.cache_clear()


def watch_while(run: Callable[[], object]) -> list[Stall]:
    """The stalls seen while the loop runs a function."""

    async def main() -> list[Stall]:
        watch = LoopWatch()
        await watch.start()
        run()
        await asyncio.sleep(0.2)  # for the answer to the question that was asked meanwhile
        end(watch)
        return recent_stalls()

    return asyncio.run(main())


def end(watch: LoopWatch) -> None:
    """Stop it, and wait for its thread, which would tell of this test in the next one."""
    watch.stop()
    watch._thread.join()


def longest(stalls: list[Stall]) -> Stall:
    """The one that the test has made: on a busy machine others come and go."""
    return max(stalls, key=lambda one: one.seconds)


def look_after_a_while(watch: LoopWatch) -> object:
    time.sleep(0.1)
    return watch._look()


def stand_still() -> None:
    time.sleep(1)


def test_a_loop_that_stands_still_is_caught_in_the_act() -> None:
    stall = longest(watch_while(stand_still))
    assert stall.look.function == "stand_still"
    assert stall.look.file.endswith("tests/offload/observing/test_stalls.py")
    assert "time.sleep(1)" in stall.look.stack.splitlines()[-1]
    assert stall.seconds > 0.25


def test_an_idle_loop_is_not() -> None:
    assert watch_while(lambda: None) == []


@pytest.mark.parametrize("make_loop", [asyncio.SelectorEventLoop, uvloop.new_event_loop])
def test_a_loop_that_only_waits_is_not_blamed_for_being_late(
    make_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def main() -> tuple[object, object]:
        watch = LoopWatch()
        await watch.start()
        looks = ThreadPoolExecutor(1)
        await asyncio.sleep(0.2)
        idle = looks.submit(look_after_a_while, watch)
        await asyncio.sleep(1)
        busy = looks.submit(look_after_a_while, watch)
        stand_still()
        end(watch)
        return idle.result(), busy.result()

    with asyncio.Runner(loop_factory=make_loop) as runner:
        idle, busy = runner.run(main())
    assert idle is None
    assert isinstance(busy, Look) and busy.function == "stand_still"


LIBRARY = """
import time

def block():
    time.sleep(1)

async def serve(scope, receive, send):
    block()
"""


@pytest.mark.parametrize(("called", "blamed"), [("serve", "block"), ("block", "middleware")])
def test_a_middleware_is_not_to_blame_for_what_it_awaits(called: str, blamed: str) -> None:
    library: dict[str, Any] = {}
    exec(compile(LIBRARY, "/venv/lib/python3/site-packages/library.py", "exec"), library)

    async def middleware(scope: object, receive: object, send: object) -> None:
        if called == "serve":
            await library["serve"](scope, receive, send)
        else:
            library["block"]()

    async def main() -> list[Stall]:
        watch = LoopWatch()
        await watch.start()
        await asyncio.create_task(middleware(None, None, None))  # its stack ends there
        await asyncio.sleep(0.2)
        end(watch)
        return recent_stalls()

    stall = longest(asyncio.run(main()))
    assert stall.look.function.rpartition(".")[2] == blamed


def test_time_in_which_nobody_could_run_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    # The watch comes late itself, as on a machine that slept or under a GIL that is held.
    hours = iter(range(0, 10**9, 3600))
    monkeypatch.setattr(loop_watch, "monotonic", lambda: float(next(hours)))
    monkeypatch.setenv("LOOP_STALL_SECONDS", "60")
    get_settings.cache_clear()
    assert watch_while(stand_still) == []
