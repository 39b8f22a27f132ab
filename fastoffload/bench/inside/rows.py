"""Prints when each of as many empty jobs ended: run from their rows by processes, without a queue.

python rows.py WORKERS JOBS
"""

import os
import sys
from itertools import count
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier

from app.offload.database.engines import get_engine, transact
from app.offload.database.migrate import migrate
from app.offload.database.tables import jobs
from app.offload.observing import logs
from app.offload.running.heartbeat import Watcher
from app.offload.running.machine import worker_name
from app.offload.running.runner import Workplace, look
from fill import fill
from sqlalchemy import select


def run_until_empty(barrier: Barrier) -> None:
    """Run jobs as a child of the pool does, when all processes are ready."""
    logs.configure()
    watcher = Watcher(lambda _signal, _reason: None)
    place = Workplace(["default"], worker_name(), watcher, lambda: False, lambda: False)
    barrier.wait()
    for number in count():
        watcher.prefix = f"{os.getpid()}.{number}."
        if not look(watcher.prefix, place):
            return


def main() -> None:
    """Run the jobs, then read when they ended."""
    workers, number = map(int, sys.argv[1:])
    migrate()
    transact(fill, number)
    context = get_context("spawn")
    barrier = context.Barrier(workers)
    processes = [context.Process(target=run_until_empty, args=(barrier,)) for _ in range(workers)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    with get_engine().connect() as connection:
        for end in connection.execute(select(jobs.c.finished_at)).scalars():
            sys.stdout.write(f"{end.timestamp()}\n")


if __name__ == "__main__":
    main()
