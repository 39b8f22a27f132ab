"""Traces (OpenTelemetry): the request, the wait for a worker and the run are one.

FastAPI makes the spans of requests. Without an OTLP endpoint in the environment nothing is
exported, and nothing that would do it is imported.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from app.models import Report, now

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
EXPORT_MILLIS = 1000  # what a process that is killed may not have exported yet
FLUSH_SECONDS = 1

_propagator = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("app")


def configure() -> None:
    """Export the spans of this process if the environment says where to."""
    if not any(map(os.environ.get, ENDPOINTS)):
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(shutdown_on_exit=False)  # see flush
    provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=EXPORT_MILLIS)
    )
    trace.set_tracer_provider(provider)


def flush() -> None:
    """Export what is left, if the collector takes it at once: it must not hold up the end."""
    if force_flush := getattr(trace.get_tracer_provider(), "force_flush", None):
        flushing = threading.Thread(target=force_flush, daemon=True)
        flushing.start()
        flushing.join(FLUSH_SECONDS)


def current_traceparent() -> str | None:
    """The place in the current trace, as W3C Trace Context writes it."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent")


@contextmanager
def run_of(report: Report) -> Iterator[None]:
    """Trace a run under the request that asked for its report, and the wait before it."""
    asked = _propagator.extract({"traceparent": report.traceparent or ""})
    attributes: dict[str, str | int] = {
        "report.id": str(report.id),
        "report.attempt": report.attempts,
    }
    wait = _tracer.start_span("wait", asked, start_time=_nanoseconds(report.queued_at))
    wait.end(_nanoseconds(report.started_at or now()))
    with _tracer.start_as_current_span(
        "run", asked, kind=trace.SpanKind.CONSUMER, attributes=attributes
    ):
        yield


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1000
