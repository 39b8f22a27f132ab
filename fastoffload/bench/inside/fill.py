"""Queues as many empty jobs as told, in one transaction; nobody is told of them.

python fill.py JOBS [SECONDS THAT EACH RESTS]
"""

import sys

from app.jobs.empty.kind import KIND
from app.offload.database.engines import transact
from app.offload.database.migrate import migrate
from app.offload.queue.submit import NewJob, insert
from sqlalchemy import Connection


def fill(connection: Connection, jobs: int, seconds: float = 0) -> None:
    """Write the rows."""
    for _ in range(jobs):
        insert(connection, NewJob(kind=KIND, params={"seconds": seconds}))


if __name__ == "__main__":
    migrate()
    transact(fill, int(sys.argv[1]), *map(float, sys.argv[2:]))
