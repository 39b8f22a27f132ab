"""The service, with routes that do what no route may."""

import asyncio
import json
import time

from anyio import to_thread

from app.compute import analyse
from app.main import app


@app.get("/planted/sleep")
async def sleep_on_the_loop() -> None:
    """Wait where nobody else can go on meanwhile."""
    time.sleep(1)  # noqa: ASYNC251 (the rule that finds this)


@app.get("/planted/compute")
async def compute_on_the_loop() -> None:
    """The long computation, awaited by nobody."""
    analyse([1.0, 2.0, 3.0] * 100, resamples=100_000, seed=1, progress=lambda _: None)


@app.get("/planted/broken")
async def break_down() -> None:
    """Fail as nobody expected."""
    raise RuntimeError("planted")


@app.get("/planted/many-short")
async def many_short() -> None:
    """Busy for long, but in pieces that let others in."""
    for _ in range(300):
        json.dumps(list(range(2000)))
        await asyncio.sleep(0)


@app.post("/planted/threads-busy")
async def take_all_threads() -> None:
    """Leave `def` routes no thread, as uploads do for as long as they take."""
    limiter = to_thread.current_default_thread_limiter()
    while limiter.available_tokens:
        limiter.acquire_on_behalf_of_nowait(object())
