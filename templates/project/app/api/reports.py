"""Reports: asked for, looked at, cancelled, run again."""

import base64
import binascii
import hashlib
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

import structlog
from fastapi import APIRouter, Header, Query, Response
from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from app import jobs, origin, storage
from app.api.dependencies import AsyncReading, Submitter
from app.api.problems import Problem, answers
from app.database import serialize, writing_async
from app.models import ENDED, Dataset, Report, Status
from app.offloader import Submit
from app.outbound import names_refused_address
from app.schemas import ReportIn, ReportOut, ReportPage
from app.settings import get_settings

router = APIRouter(prefix="/reports", tags=["reports"])
log = structlog.get_logger()

RETRY_AFTER_SECONDS = "1"  # when to look again, or to try again

IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=255)]


@router.post("", status_code=202, responses=answers(400, 404, 409, 413, 422, 429, 503))
async def create_report(
    asked: ReportIn, submit: Submitter, response: Response, idempotency_key: IdempotencyKey = None
) -> ReportOut:
    """Accept a report. The same Idempotency-Key and body give the same report again."""
    _check_callback(asked)
    async with writing_async() as session:
        report, created = await session.run_sync(_find_or_create, asked, idempotency_key)
    if created:
        log.info("report_accepted", report_id=str(report.id))
        await _ring(submit, report.id)
    else:
        response.headers["Idempotency-Replayed"] = "true"
    return _accepted(report, response)


@router.get("", responses=answers(422, 503))
async def list_reports(
    session: AsyncReading,
    status: Status | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: str | None = None,
) -> ReportPage:
    """A page of reports, newest first."""
    place = tuple_(Report.created_at, Report.id)
    page = select(Report).order_by(Report.created_at.desc(), Report.id.desc()).limit(limit + 1)
    if status:
        page = page.where(Report.status == status)
    if cursor:
        page = page.where(place < _decode_cursor(cursor))
    found = (await session.execute(page)).scalars().all()
    next_cursor = _encode_cursor(found[limit - 1]) if len(found) > limit else None
    return ReportPage(
        items=[ReportOut.of(report) for report in found[:limit]], next_cursor=next_cursor
    )


@router.get("/{report_id}", responses=answers(404, 422, 503))
async def get_report(report_id: UUID, session: AsyncReading, response: Response) -> ReportOut:
    """One report as it stands."""
    report = _known(await session.get(Report, report_id), report_id)
    response.headers["Cache-Control"] = "no-store"
    if report.status not in ENDED:
        response.headers["Retry-After"] = RETRY_AFTER_SECONDS
    return ReportOut.of(report)


@router.get(
    "/{report_id}/pdf",
    response_class=Response,
    responses={
        200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}},
        **answers(404, 409, 410, 422, 503),
    },
)
async def get_pdf(report_id: UUID, session: AsyncReading) -> Response:
    """The PDF of a report that has succeeded."""
    report = _known(await session.get(Report, report_id), report_id)
    await session.close()  # the store may take its time
    if report.pdf_key is None:
        raise Problem(409, f"The report is {report.status}; there is no PDF.")
    document = await storage.load(report.pdf_key)
    if document is None:
        raise Problem(410, "The PDF of the report is gone from where the PDFs are kept.")
    disposition = (
        f"inline; filename=\"report.pdf\"; filename*=UTF-8''{quote(report.title, safe='')}.pdf"
    )
    return Response(
        document, media_type="application/pdf", headers={"Content-Disposition": disposition}
    )


@router.post("/{report_id}/cancel", status_code=202, responses=answers(404, 409, 422, 503))
async def cancel_report(report_id: UUID, response: Response) -> ReportOut:
    """Cancel a report that has not ended; a running one ends within seconds."""
    async with writing_async() as session:
        report = await session.run_sync(_load, report_id)
        if report.status in ENDED:
            raise Problem(409, f"The report is {report.status} already.")
        jobs.cancel(report)
    return _accepted(report, response)


@router.post("/{report_id}/retry", status_code=202, responses=answers(404, 409, 422, 429, 503))
async def retry_report(report_id: UUID, submit: Submitter, response: Response) -> ReportOut:
    """Run a failed or cancelled report again."""
    async with writing_async() as session:
        report = await session.run_sync(_retry, report_id)
    await _ring(submit, report.id)
    return _accepted(report, response)


def _check_callback(asked: ReportIn) -> None:
    if asked.callback_url is None:
        return
    if not get_settings().callback_secrets:
        raise Problem(422, "callback_url: no callbacks are sent; CALLBACK_SECRET is not set.")
    if names_refused_address(asked.callback_url.host or ""):
        raise Problem(422, "callback_url: its address is not allowed.")


def _find_or_create(session: Session, asked: ReportIn, key: str | None) -> tuple[Report, bool]:
    """The report, and whether it is new. One submit at a time: keys and the limit are exact."""
    serialize(session, "submit")
    digest = hashlib.sha256(asked.model_dump_json().encode()).hexdigest()
    if key and (known := session.scalar(select(Report).where(Report.idempotency_key == key))):
        if known.request_digest != digest:
            raise Problem(409, "This Idempotency-Key was used with another body.")
        return known, False
    dataset = session.scalar(select(Dataset).where(Dataset.name == asked.dataset))
    if dataset is None:
        raise Problem(404, f"There is no dataset {asked.dataset}.")
    _make_sure_of_room(session)
    report = Report(
        dataset_id=dataset.id,
        **asked.model_dump(exclude={"callback_url"}),
        callback_url=str(asked.callback_url) if asked.callback_url else None,
        idempotency_key=key,
        request_digest=digest,
    )
    origin.mark(report)
    jobs.enqueue(report)
    session.add(report)
    return report, True


def _retry(session: Session, report_id: UUID) -> Report:
    serialize(session, "submit")
    report = _load(session, report_id)
    if report.status not in (Status.FAILED, Status.CANCELLED):
        raise Problem(
            409, f"The report is {report.status}; only a failed or cancelled one is retried."
        )
    _make_sure_of_room(session)
    jobs.retry(report)
    origin.mark(report)
    return report


def _load(session: Session, report_id: UUID) -> Report:
    """The report, locked until the transaction ends."""
    return _known(session.get(Report, report_id, with_for_update=True), report_id)


def _known(report: Report | None, report_id: UUID) -> Report:
    if report is None:
        raise Problem(404, f"There is no report {report_id}.")
    return report


def _make_sure_of_room(session: Session) -> None:
    if jobs.count_queued(session) >= get_settings().max_queued:
        raise Problem(
            429,
            "Too many reports are waiting; try again later.",
            headers={"Retry-After": RETRY_AFTER_SECONDS},
        )


async def _ring(submit: Submit, report_id: UUID) -> None:
    try:
        await submit(report_id)
    except Exception:
        # The row is committed, so nothing is lost: the janitor rings again.
        log.exception("doorbell_failed", report_id=str(report_id))


def _accepted(report: Report, response: Response) -> ReportOut:
    response.headers["Location"] = f"/reports/{report.id}"
    response.headers["Retry-After"] = RETRY_AFTER_SECONDS
    response.headers["Cache-Control"] = "no-store"
    return ReportOut.of(report)


def _encode_cursor(report: Report) -> str:
    place = f"{report.created_at.isoformat()} {report.id}"
    return base64.urlsafe_b64encode(place.encode()).decode()


def _decode_cursor(cursor: str) -> tuple[datetime, UUID]:
    try:
        created_at, report_id = base64.urlsafe_b64decode(cursor).decode().split(" ")
        return datetime.fromisoformat(created_at).astimezone(UTC), UUID(report_id)
    except (binascii.Error, ValueError, OverflowError):
        raise Problem(422, "cursor: not one that this service has given.") from None
