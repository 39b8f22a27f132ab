"""Holds event streams open: a process of its own, so that who measures does nothing else.

    python benchmarks/streams.py PORT < ids

Prints a line when each stream has had its first event; when its input ends, how many are still open
and how many more came.
"""

import asyncio
import sys
from dataclasses import dataclass

LAST_CHUNK = b"0\r\n"
TOGETHER = 50  # connections that are made at once: a server's queue for them is short

_writers: list[asyncio.StreamWriter] = []


@dataclass
class Counts:
    """What came."""

    open: int = 0
    events: int = 0


async def main(port: int) -> None:
    """Open the streams, tell, read until told to end, tell."""
    ids = sys.stdin.readline().split()
    counts, few = Counts(), asyncio.Semaphore(TOGETHER)
    readers = await asyncio.gather(*(_open(port, report_id, few) for report_id in ids))
    streams = [asyncio.create_task(_follow(reader, counts)) for reader in readers]
    _tell("open")
    await asyncio.to_thread(sys.stdin.readline)
    _tell(f"{counts.open} {counts.events}")
    for stream in streams:
        stream.cancel()


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _open(port: int, report_id: str, few: asyncio.Semaphore) -> asyncio.StreamReader:
    async with few:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            f"GET /reports/{report_id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        )
        await reader.readuntil(b"data: ")
        _writers.append(writer)  # a connection is closed when nobody holds it
    return reader


async def _follow(reader: asyncio.StreamReader, counts: Counts) -> None:
    counts.open += 1
    while (line := await reader.readline()) not in {b"", LAST_CHUNK}:
        counts.events += line.startswith(b"data: ")
    counts.open -= 1


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
