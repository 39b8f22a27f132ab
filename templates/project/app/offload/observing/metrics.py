"""Metrics for Prometheus.

What happens in API processes is counted there. What becomes of jobs is read from the database when
Prometheus asks (`job_metrics`): it is the same whichever process answers, and wherever the workers
are.
"""

from collections.abc import Iterable, Mapping, Sequence

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from . import metrics_folder

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
CALLBACK_TRIES = Counter(
    "offload_callback_tries_total", "Tries to deliver a callback.", ["outcome"]
)


class _Families(Collector):
    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def of_parts(well: Mapping[str, bool]) -> Metric:
    """Whether the parts that jobs need are well, as this process sees them."""
    family = GaugeMetricFamily(
        "offload_part_up", "1 while a part that jobs need is well, else 0.", labels=["part"]
    )
    for part, is_well in well.items():
        family.add_metric([part], is_well)
    return family


def render(of_jobs: Sequence[Metric]) -> bytes:
    """The metrics of this server's processes and of the jobs, in Prometheus's text format.

    Reads files where the server has several processes: to be called on a thread.
    """
    registry = CollectorRegistry()
    registry.register(_Families(of_jobs))
    of_processes = REGISTRY
    if FOLDER:
        of_processes = CollectorRegistry()
        MultiProcessCollector(of_processes, str(FOLDER))  # type: ignore[no-untyped-call]
    return generate_latest(of_processes) + generate_latest(registry)
