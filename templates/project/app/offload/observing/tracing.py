"""Where a job comes from: the request that asked for it, by its id and its place in a trace.

Both travel on the row, for no context survives a queue, a pool of processes or a restart. Traces
are OpenTelemetry's: the request, the wait for a worker and the run are one. Without an OTLP
endpoint in the environment nothing is exported, and nothing that would do it is imported.
"""

import os
import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from sqlalchemy import Row
from structlog.contextvars import bound_contextvars, get_contextvars

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
EXPORT_MILLIS = 1000  # what a process that is killed may not have exported yet
FLUSH_SECONDS = 1
WELL_FORMED = re.compile(r"[A-Za-z0-9._~+/=:@-]{1,128}")

_propagator = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("offload")


@dataclass(frozen=True)
class TraceContext:
    """The request that is answered, and its place in a trace as W3C Trace Context writes it."""

    request_id: str | None
    traceparent: str | None


def current() -> TraceContext:
    """Where a job that is asked for here and now comes from."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return TraceContext(get_contextvars().get("request_id"), carrier.get("traceparent"))


def new_request_id(given: str) -> str:
    """The id that the caller gave its request, or a new one if it will not do."""
    return given if WELL_FORMED.fullmatch(given) else uuid.uuid4().hex


@contextmanager
def resumed(row: Row[Any]) -> Iterator[None]:
    """Let all that is logged and traced meanwhile belong to a job's run, and to who asked for it.

    The row is one of the jobs table, claimed.
    """
    lines = bound_contextvars(
        job_id=str(row.id), kind=row.kind, request_id=row.request_id, attempt=row.attempts
    )
    with lines, _run_span(row) if _is_traced() else nullcontext():
        yield


def _is_traced() -> bool:
    """Whether spans go anywhere: to make them for nobody costs a tenth of a millisecond."""
    has_provider = not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
    return has_provider or not isinstance(_tracer, trace.ProxyTracer)


@contextmanager
def _run_span(row: Row[Any]) -> Iterator[None]:
    # It begins with an empty context: what this thread did before is no part of it.
    asked = _propagator.extract({"traceparent": row.traceparent or ""})
    wait = _tracer.start_span("wait", asked, start_time=_nanoseconds(row.run_at))
    wait.end(_nanoseconds(row.started_at))
    attributes = {"job.id": str(row.id), "job.kind": row.kind, "job.attempt": row.attempts}
    with _tracer.start_as_current_span(
        "run", asked, kind=trace.SpanKind.CONSUMER, attributes=attributes
    ):
        yield


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1000


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
