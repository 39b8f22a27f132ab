"""Metrics for Prometheus.

What happens in API processes is counted there. What becomes of reports is read from the database
when Prometheus asks: it is the same whichever process answers, and wherever the workers are.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import metrics_folder
from app.models import Report, Status, Tally, now
from app.tallies import RUN_SECONDS

FOLDER = metrics_folder.share()

REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LAG_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

REQUESTS = Histogram(
    "http_request_seconds",
    "Time until the answer to a request began.",
    ["method", "route", "status"],
    buckets=REQUEST_SECONDS,
)
LOOP_LAG = Histogram(
    "event_loop_lag_seconds",
    "How long the event loop took to get round to something.",
    buckets=LAG_SECONDS,
)
LOOP_STALLS = Counter("event_loop_stalls_total", "How often the event loop stood still.")
CALLBACKS = Counter("callback_tries_total", "Tries to deliver a callback.", ["outcome"])


class _Families(Collector):
    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def render(of_reports: Sequence[Metric]) -> bytes:
    """The metrics of this server's processes and of its reports, in Prometheus's text format."""
    registry = CollectorRegistry()
    registry.register(_Families(of_reports))
    of_processes = REGISTRY
    if FOLDER:
        of_processes = CollectorRegistry()
        MultiProcessCollector(of_processes, str(FOLDER))  # type: ignore[no-untyped-call]
    return generate_latest(of_processes) + generate_latest(registry)


def of_reports(session: Session) -> list[Metric]:
    """What the database says."""
    return [*_standing(session), *_ended(session)]


def _standing(session: Session) -> list[Metric]:
    counts = select(Report.status, func.count(), func.min(Report.queued_at)).group_by(Report.status)
    found = {status: (count, first) for status, count, first in session.execute(counts)}
    standing = GaugeMetricFamily("reports", "Reports that are kept.", labels=["status"])
    for status in Status:
        standing.add_metric([status], found.get(status, (0, None))[0])
    _, first = found.get(Status.QUEUED, (0, None))
    waited = (now() - first).total_seconds() if first else 0.0
    oldest = GaugeMetricFamily(
        "reports_oldest_queued_seconds", "For how long the oldest queued report has waited.", waited
    )
    return [standing, oldest]


def _ended(session: Session) -> list[Metric]:
    tallies = session.execute(select(Tally)).scalars().all()
    seconds = HistogramMetricFamily(
        "report_run_seconds", "Run time of reports, by how they ended.", labels=["status"]
    )
    attempts = CounterMetricFamily(
        "report_attempts_total",
        "Attempts that ended reports took, by how they ended.",
        labels=["status"],
    )
    for status in sorted({tally.status for tally in tallies}):
        mine = [tally for tally in tallies if tally.status == status]
        counts = {tally.up_to_seconds: tally.reports for tally in mine}
        summed = accumulate(counts.get(bound, 0) for bound in RUN_SECONDS)
        bounds = [str(bound).replace("inf", "+Inf") for bound in RUN_SECONDS]
        seconds.add_metric(
            [status], list(zip(bounds, summed, strict=True)), sum(tally.seconds for tally in mine)
        )
        attempts.add_metric([status], sum(tally.attempts for tally in mine))
    return [seconds, attempts]
