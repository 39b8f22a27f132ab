"""Loaded by every Python of a service that is measured: counts what SQLAlchemy sends.

Each process has a file of its own in COUNTS, with three numbers: statements, those that write, and
commits. With BEFORE the reports of release 0.1.0 rest for so many seconds in place of their work.
"""

import mmap
import os
import struct
import time
from pathlib import Path

COUNTS = os.environ.get("COUNTS")
WRITES = ("INSERT", "UPDATE", "DELETE")
NUMBERS = struct.Struct("QQQ")


class _Counter:
    def __init__(self, folder: str) -> None:
        self._folder, self._pid = folder, 0

    def add(self, statements: int, writes: int, commits: int) -> None:
        if self._pid != os.getpid():  # a child that was forked has its own
            self._pid = os.getpid()
            path = Path(self._folder) / str(self._pid)
            path.write_bytes(bytes(NUMBERS.size))
            with path.open("r+b") as file:
                self._memory = mmap.mmap(file.fileno(), NUMBERS.size)
        old = NUMBERS.unpack(self._memory[:])
        added = (old[0] + statements, old[1] + writes, old[2] + commits)
        self._memory[:] = NUMBERS.pack(*added)


def _count(folder: str) -> None:
    from sqlalchemy import Engine, event

    counter = _Counter(folder)

    @event.listens_for(Engine, "before_cursor_execute")
    def _statement(*given: object) -> None:
        counter.add(1, int(str(given[2]).lstrip().upper().startswith(WRITES)), 0)

    @event.listens_for(Engine, "commit")
    def _commit(*_: object) -> None:
        counter.add(0, 0, 1)


def _rest_in_place_of_work(seconds: float) -> None:
    from app import jobs, pipeline
    from app.database import transact

    def rest(_report: object, token: str, _heartbeat: object) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))
        transact(jobs.finish, token, {}, "")

    pipeline._work = rest  # noqa: SLF001


if COUNTS:
    _count(COUNTS)
if before := os.environ.get("BEFORE"):
    _rest_in_place_of_work(float(before))
