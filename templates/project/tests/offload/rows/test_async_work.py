"""Work that is an `async def`: one job after the other, in a process and on threads."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from sqlalchemy import text
from structlog.contextvars import bind_contextvars, get_contextvars

from app.offload import reading_async, writing_async
from app.offload.run import Run
from app.offload.running.calling import call
from app.offload.running.signals import RunSignal
from app.offload.testing import FolderFiles
from offload.rows.making import Params, Result

pytestmark = pytest.mark.usefixtures("database")


def run_here(work: Any, folder: Path) -> Any:
    """Run it as a process of the pool does: on its main thread."""
    signal = RunSignal(uuid4().hex, 600, lambda: False)
    run = Run(uuid4(), 1, signal, FolderFiles(folder, {}))
    try:
        return call(work, run, Params(number=20), signal)
    finally:
        run.close()


def run_on_a_thread(work: Any, folder: Path) -> Any:
    """Run it as a strategy with threads does, each time on the same one."""
    return THREAD.submit(run_here, work, folder).result()


THREAD = ThreadPoolExecutor(1)
WAYS = [run_here, run_on_a_thread]


async def sums(run: Run, params: Params) -> Result:
    """Fetch, compute, write: the work of somebody whose event loop stood still."""
    async with reading_async() as session:
        number = (await session.execute(text("SELECT coalesce(max(n), 0) FROM sums"))).scalar_one()
    total = number + sum(range(params.number))
    async with writing_async() as session:
        await session.execute(text("INSERT INTO sums VALUES (:n)"), {"n": total})
    return Result(number=total)


@pytest.mark.parametrize("run", WAYS)
def test_its_database_answers_in_every_job(run: Callable[..., Result], tmp_path: Path) -> None:
    async def begin(_run: Run, _params: Params) -> None:
        async with writing_async() as session:
            await session.execute(text("DROP TABLE IF EXISTS sums"))
            await session.execute(text("CREATE TABLE sums (n integer)"))

    run(begin, tmp_path)
    assert [run(sums, tmp_path).number for _ in range(3)] == [190, 380, 570]


def test_what_a_module_holds_lives_on_in_a_process(tmp_path: Path) -> None:
    held: list[asyncio.StreamReader] = []
    here, there = socket.socketpair()

    async def connect(_run: Run, _params: Params) -> None:
        reader, writer = await asyncio.open_connection(sock=here)
        held.append(reader)
        held.append(cast(Any, writer))

    async def use(_run: Run, _params: Params) -> bytes:
        async with asyncio.timeout(60):
            return await held[0].readexactly(1)

    async def close(_run: Run, _params: Params) -> None:
        cast(Any, held[1]).close()
        await cast(Any, held[1]).wait_closed()

    with there:
        run_here(connect, tmp_path)
        there.sendall(b"x")
        assert run_here(use, tmp_path) == b"x"
        run_here(close, tmp_path)


@pytest.mark.parametrize("run", WAYS)
def test_nothing_of_a_job_goes_on_after_it(run: Callable[..., Any], tmp_path: Path) -> None:
    ended: list[str] = []
    begun = threading.Event()

    def compute() -> None:
        begun.set()
        time.sleep(0.2)
        ended.append("thread")

    async def aside() -> None:
        try:
            await asyncio.sleep(600)
        finally:
            ended.append("task")

    async def work(_run: Run, _params: Params) -> None:
        tasks = asyncio.create_task(aside()), asyncio.create_task(asyncio.to_thread(compute))
        await asyncio.to_thread(begun.wait)
        bind_contextvars(of="this job", tasks=len(tasks))

    run(work, tmp_path)
    assert sorted(ended) == ["task", "thread"]

    async def context(_run: Run, _params: Params) -> dict[str, Any]:
        await asyncio.to_thread(int)  # there are threads again
        return get_contextvars()

    assert "of" not in run(context, tmp_path)
