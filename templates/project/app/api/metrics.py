"""What Prometheus asks for."""

import structlog
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.core import Metric

from app import metrics
from app.api.dependencies import Reading
from app.database import AWAY

router = APIRouter(tags=["metrics"])
log = structlog.get_logger()


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def get_metrics(session: Reading) -> Response:
    """The metrics as text; those of the reports are left out while the database is away."""
    of_reports: list[Metric] = []
    try:
        of_reports = metrics.of_reports(session)
    except AWAY:
        log.exception("metrics_without_database")
    return Response(metrics.render(of_reports), media_type=CONTENT_TYPE_LATEST)
