"""One id and one trace from the request to the end of the run, over the row that lies between."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import BaseModel
from sqlalchemy import Connection, Row, select
from structlog.contextvars import bound_contextvars, get_contextvars

from app.offload.database.clock import after, now_
from app.offload.database.engines import read, transact
from app.offload.database.tables import Status, jobs
from app.offload.kinds import Kind
from app.offload.observing import tracing
from app.offload.queue import submit


class Nothing(BaseModel):
    """What a job takes and gives."""


PROBE = Kind("probe", Nothing, Nothing)


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """The spans of this test."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_tracer", provider.get_tracer("test"))
    yield exporter
    provider.shutdown()


def claimed(came_from: tracing.TraceContext) -> Row[object]:
    """The row of a job that was asked for there, has waited for a while and runs now."""
    new = submit.NewJob(
        kind=PROBE,
        params={},
        request_id=came_from.request_id,
        traceparent=came_from.traceparent,
    )
    transact(submit.insert, new)
    transact(
        lambda connection: connection.execute(
            jobs.update().values(
                status=Status.RUNNING, run_at=after(-5), started_at=now_(), attempts=2
            )
        )
    )
    return read(_row)


def _row(connection: Connection) -> Row[object]:
    return connection.execute(select(jobs)).one()


def test_every_line_of_a_run_names_the_job_and_who_asked(database: None) -> None:
    with bound_contextvars(request_id="asked-1"):
        came_from = tracing.current()
    row = claimed(came_from)
    with bound_contextvars(request_id="another"), tracing.resumed(row):
        assert get_contextvars() == {
            "job_id": str(row.id),
            "kind": "probe",
            "request_id": "asked-1",
            "attempt": 2,
        }
    assert "job_id" not in get_contextvars()


def test_the_run_and_its_wait_are_traced_under_the_request(
    database: None, exported: InMemorySpanExporter
) -> None:
    with tracing._tracer.start_as_current_span("request") as request:
        came_from = tracing.current()
    with tracing._tracer.start_as_current_span("what the thread did before"):
        row = claimed(came_from)
        with tracing.resumed(row):
            in_run = trace.get_current_span().get_span_context()
    spans = {span.name: span for span in exported.get_finished_spans()}
    wait, run = spans["wait"], spans["run"]
    for span in (wait, run):
        assert span.parent and span.parent.span_id == request.get_span_context().span_id
        assert span.context.trace_id == request.get_span_context().trace_id
    assert in_run.span_id == run.context.span_id
    assert run.attributes == {"job.id": str(row.id), "job.kind": "probe", "job.attempt": 2}
    assert wait.start_time and wait.end_time
    waited = timedelta(microseconds=(wait.end_time - wait.start_time) / 1000)
    assert timedelta(seconds=4.9) < waited < timedelta(seconds=60)


def test_a_job_that_nobody_traced_begins_a_trace(
    database: None, exported: InMemorySpanExporter
) -> None:
    came_from = tracing.current()
    assert came_from == tracing.TraceContext(None, None)
    with tracing.resumed(claimed(came_from)):
        pass
    assert {span.name for span in exported.get_finished_spans()} == {"wait", "run"}


@pytest.mark.parametrize("given", ["", "two words", "x" * 129, 'quo"ted', "näh", "line\n"])
def test_an_id_that_will_not_do_is_replaced(given: str) -> None:
    assert tracing.new_request_id(given) not in ("", given)
    assert tracing.new_request_id("from-the-caller-1") == "from-the-caller-1"
