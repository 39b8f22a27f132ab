"""What the database says of jobs, as metrics.

Ended jobs are as many as RETENTION_DAYS keeps: they are not counted here, but by the janitor's
statistics. The others are found by an index each.
"""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import accumulate
from time import monotonic

import structlog
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from sqlalchemy import Connection, func, literal_column, select

from ..database.clock import now_
from ..database.engines import read_async
from ..database.outage import is_outage
from ..database.tables import Status, is_status, jobs, statistics
from ..queue.statistics import RUN_SECONDS

log = structlog.get_logger()

NOT_ENDED = (Status.DELAYED, Status.QUEUED, Status.RUNNING)
FRESH_SECONDS = 1.0
COST_FACTOR = 10  # a query that takes a second is asked every ten: a tenth of one connection


class JobMetrics:
    """Asks the database for everybody: one query at a time, and not again while it is fresh."""

    def __init__(self, queues: Mapping[str, str]) -> None:
        self._queues = queues  # of the kinds, by name: those without a job are told of, too
        self._asking = asyncio.Lock()
        self._found: Sequence[Metric] = ()
        self._fresh_until = 0.0

    async def get(self) -> Sequence[Metric]:
        """The metrics, a moment old perhaps; none when the database does not tell them."""
        async with self._asking:
            if (begin := monotonic()) >= self._fresh_until:
                self._found = await self._ask()
                took = monotonic() - begin
                self._fresh_until = monotonic() + max(FRESH_SECONDS, COST_FACTOR * took)
        return self._found

    async def _ask(self) -> Sequence[Metric]:
        try:
            return await read_async(of_jobs, self._queues)
        except Exception as error:
            if is_outage(error):
                log.warning("metrics_without_database", error=str(error).partition("\n")[0])
            else:
                log.exception("metrics_without_database")
            return ()


def of_jobs(connection: Connection, queues: Mapping[str, str]) -> list[Metric]:
    """What stands in the tables; every kind's queue, by the kind's name, is told of in any case."""
    return [*_standing(connection, queues), *_ended(connection)]


def _standing(connection: Connection, queues: Mapping[str, str]) -> list[Metric]:
    counts = {(k, q, s): 0 for k, q in queues.items() for s in NOT_ENDED}
    oldest = dict.fromkeys(queues.values(), 0.0)
    for status in NOT_ENDED:
        for row in connection.execute(_COUNT[status]):
            counts[row.of_kind, row.of_queue, status] = row.number
            if status is Status.QUEUED:
                waited = (row.at - row.first).total_seconds()
                oldest[row.of_queue] = max(oldest.get(row.of_queue, 0.0), waited)
    standing = GaugeMetricFamily(
        "offload_jobs", "Jobs that have not ended.", labels=["kind", "queue", "status"]
    )
    for labels, number in counts.items():
        standing.add_metric(labels, number)
    waiting = GaugeMetricFamily(
        "offload_oldest_queued_seconds",
        "For how long the oldest queued job has waited.",
        labels=["queue"],
    )
    for queue, seconds in oldest.items():
        waiting.add_metric([queue], seconds)
    return [standing, waiting]


# Not the columns as such: by those SQLite groups through the index on `kind`, over all rows.
_KIND, _QUEUE = (column + literal_column("''") for column in (jobs.c.kind, jobs.c.queue))
_COUNT = {
    status: select(
        _KIND.label("of_kind"),
        _QUEUE.label("of_queue"),
        func.count().label("number"),
        func.min(jobs.c.run_at).label("first"),
        now_().label("at"),
    )
    .where(is_status(status))
    .group_by(_KIND, _QUEUE)
    for status in NOT_ENDED
}


def _ended(connection: Connection) -> list[Metric]:
    rows = connection.execute(select(statistics)).all()
    seconds = HistogramMetricFamily(
        "offload_run_seconds", "Run time of ended jobs.", labels=["kind", "status"]
    )
    attempts = CounterMetricFamily(
        "offload_attempts_total", "Attempts that ended jobs took.", labels=["kind", "status"]
    )
    for labels in sorted({(row.kind, row.status) for row in rows}):
        mine = [row for row in rows if (row.kind, row.status) == labels]
        counts = {row.up_to_seconds: row.jobs for row in mine}
        seconds.add_metric(labels, _buckets(counts), sum(row.seconds for row in mine))
        attempts.add_metric(labels, sum(row.attempts for row in mine))
    return [seconds, attempts]


def _buckets(counts: Mapping[float, int]) -> list[tuple[str, float]]:
    summed = accumulate(counts.get(bound, 0) for bound in RUN_SECONDS)
    bounds = [*map(str, RUN_SECONDS[:-1]), "+Inf"]
    return list(zip(bounds, summed, strict=True))
