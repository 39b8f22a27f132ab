"""The load generator, a process of its own: asks for health at a fixed rate, and for reports.

    python -m fastoffload.bench.measuring.generator PORT SECONDS REPORTS RESAMPLES [--held]

It prints a JSON document with all times in milliseconds. Questions are asked when they are due,
whether or not earlier ones were answered, so a server that stands still is asked all the same
("coordinated omission", Tene 2013). `late` says how late the generator itself was each time: what
it measured is no better than that.

While it asks for health, REPORTS of them are kept unfinished. Where submits are answered at once
this is seen to a few times only, with nothing asked meanwhile: what tells is the load. Submits that
are held until the report is done come from as many clients. With SECONDS 0 it only submits.
"""

import argparse
import asyncio
import gc
import json
import sys
import time
from collections import deque
from typing import Any

from fastoffload.bench.service.client import report_body

INTERVAL_SECONDS = 0.01  # between two questions
CONNECTIONS = 8  # to begin with, taken in turn: several server processes all get their share
TOP_UPS = 4
LIMIT_SECONDS = 600  # for any answer
UNFINISHED = ("queued", "running")


class Target:
    """The service under load, and what was found out about it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: deque[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = deque()
        self.answers: list[float] = []
        self.submits: list[float] = []
        self.late: list[float] = []
        self.failed = 0

    async def connect(self) -> None:
        """Open the connections to begin with."""
        opening = (asyncio.open_connection("127.0.0.1", self._port) for _ in range(CONNECTIONS))
        self._idle.extend(await asyncio.gather(*opening))

    async def ask_for_health(self, seconds: float) -> None:
        """Ask so long, and wait for all answers."""
        start = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for number in range(round(seconds / INTERVAL_SECONDS)):
                due = start + number * INTERVAL_SECONDS
                await asyncio.sleep(due - time.perf_counter())
                self.late.append((time.perf_counter() - due) * 1000)
                tasks.create_task(self._timed(self.answers, "GET", "/health/live"))

    async def submit(self, body: bytes) -> None:
        """Ask for a report."""
        await self._timed(self.submits, "POST", "/reports", body)

    async def unfinished(self) -> int:
        """How many reports wait or run."""
        pages = [await self._ask("GET", f"/reports?limit=100&status={s}") for s in UNFINISHED]
        return sum(len(json.loads(page)["items"]) for page in pages)

    async def _timed(self, times: list[float], method: str, path: str, body: bytes = b"") -> None:
        start = time.perf_counter()
        try:
            await self._ask(method, path, body)
        except (OSError, EOFError, TimeoutError, ValueError):
            self.failed += 1
            return
        times.append((time.perf_counter() - start) * 1000)

    async def _ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        connection = self._idle.popleft() if self._idle else None
        reader, writer = connection or await asyncio.open_connection("127.0.0.1", self._port)
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        async with asyncio.timeout(LIMIT_SECONDS):
            writer.write(f"{head}\r\n".encode() + body)
            answer = await _read(reader)
        self._idle.append((reader, writer))
        return answer


async def _read(reader: asyncio.StreamReader) -> bytes:
    """The body of an answer. Raises ValueError when it is an error."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    status, *lines = head.split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines if line)
    body = await reader.readexactly(int(fields["content-length"]))
    if int(status.split()[1]) >= 400:
        raise ValueError(status)
    return body


async def _submit_until(target: Target, body: bytes, end: float) -> None:
    while True:
        await target.submit(body)
        if time.perf_counter() > end:
            return


async def _hold_by_clients(target: Target, body: bytes, seconds: float, reports: int) -> None:
    end = time.perf_counter() + seconds / 2  # so that not much is left when the questions end
    async with asyncio.TaskGroup() as tasks:
        for _ in range(reports):
            tasks.create_task(_submit_until(target, body, end))
        await target.ask_for_health(seconds)


async def _hold_by_top_ups(target: Target, body: bytes, seconds: float, reports: int) -> None:
    times = TOP_UPS if reports and seconds else 1
    for _ in range(times):
        for _ in range(reports - await target.unfinished() if reports else 0):
            await target.submit(body)
        await target.ask_for_health(seconds / times)


async def _run(
    port: int, seconds: float, reports: int, resamples: int, *, held: bool
) -> dict[str, Any]:
    target, body = Target(port), report_body(resamples)
    await target.connect()
    await (_hold_by_clients if held else _hold_by_top_ups)(target, body, seconds, reports)
    return {
        "answers": target.answers,
        "submits": target.submits,
        "late": target.late,
        "failed": target.failed,
    }


def main() -> None:
    """Run, and print what was found out."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("reports", type=int)
    parser.add_argument("resamples", type=int)
    parser.add_argument("--held", action="store_true")
    options = parser.parse_args()
    gc.disable()  # a pause of ours must not look like one of theirs
    json.dump(asyncio.run(_run(**vars(options))), sys.stdout)


if __name__ == "__main__":
    main()
