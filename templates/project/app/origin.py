"""Where a report comes from: the request that asked for it, by its id and its place in a trace.

Both travel on the row, for no context survives a queue, a pool of processes or a restart.
"""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from structlog.contextvars import bound_contextvars, get_contextvars

from app import tracing
from app.models import Report

WELL_FORMED = re.compile(r"[A-Za-z0-9._~+/=:@-]{1,128}")


def new_request_id(given: str) -> str:
    """The id that the caller gave its request, or a new one if it will not do."""
    return given if WELL_FORMED.fullmatch(given) else uuid.uuid4().hex


def current_request_id() -> str | None:
    """The id of the request that is answered here."""
    return get_contextvars().get("request_id")


def mark(report: Report) -> None:
    """Write down that the report is asked for by the request that is answered here."""
    report.request_id = current_request_id()
    report.traceparent = tracing.current_traceparent()


@contextmanager
def resumed(report: Report) -> Iterator[None]:
    """Let every line that is logged meanwhile name the report and the request it is from."""
    with bound_contextvars(
        report_id=str(report.id), request_id=report.request_id, attempt=report.attempts
    ):
        yield
