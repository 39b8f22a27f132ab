"""A report from beginning to end: claim, read, compute, render, store, finish."""

import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from inspect import iscoroutinefunction
from uuid import UUID

import structlog

from app import jobs, origin, readings, tracing
from app.database import AWAY, read, transact
from app.errors import (
    Cancelled,
    DeadlineExceeded,
    Interrupted,
    LeaseLost,
    RunStopped,
    TransientError,
)
from app.heartbeat import Heartbeat
from app.models import Report

log = structlog.get_logger()

COMPUTATION_FAILED = ("computation_failed", "The computation failed; the server's log says why.")
STILL_FAILING = ("transient_error", "The report was tried several times and failed each time.")


def new_token() -> str:
    """A fresh lease token: one run's right to write to its report."""
    return uuid.uuid4().hex


def run_report(
    report_id: UUID,
    token: str,
    is_stopping: Callable[[], bool] = lambda: False,
    end_process: Callable[[], None] | None = None,
) -> bool:
    """Run a report once, if it is to be run. True when it should be run again after a while.

    Every outcome is written to its row; nothing is raised, whatever the work raises. Where work
    does not heed a cancel, its deadline or a stop, `end_process` is called if there is one.
    """
    try:
        report = transact(jobs.claim, report_id, token)
        if report is None:
            log.info("run_not_needed", report_id=str(report_id))
            return False
        with origin.resumed(report):
            log.info("run_started")
            force = partial(_end_by_force, end_process, token) if end_process else None
            return _run(report, token, Heartbeat(token, is_stopping, force))
    except LeaseLost:
        log.warning("lease_lost", report_id=str(report_id))
        return False
    except AWAY:
        log.exception("database_away", report_id=str(report_id))
        return True


def _run(report: Report, token: str, heartbeat: Heartbeat) -> bool:
    try:
        with heartbeat, tracing.run_of(report):
            _work(report, token, heartbeat)
        log.info("run_succeeded")
    except RunStopped as reason:
        log.info("run_stopped", reason=type(reason).__name__)
        return _account(type(reason), token)
    except (TransientError, *AWAY):
        log.warning("run_failed_for_now", exc_info=True)
        return transact(jobs.release, token, *STILL_FAILING)
    except BaseException:  # SystemExit too: the work must not end the process that runs it
        log.exception("run_failed")
        transact(jobs.fail, token, *COMPUTATION_FAILED)
    return False


def _account(reason: type[RunStopped], token: str) -> bool:
    """Write to the row how the run was stopped; whether it should be run again."""
    if reason is LeaseLost:
        raise LeaseLost
    if reason is Cancelled:
        transact(jobs.end_cancelled, token)
    if reason is DeadlineExceeded:
        transact(jobs.fail, token, *jobs.DEADLINE_EXCEEDED)
    if reason is Interrupted:
        transact(jobs.release_uncounted, token)
    return reason is Interrupted


def _end_by_force(end_process: Callable[[], None], token: str, reason: type[RunStopped]) -> None:
    log.warning("run_ended_by_force", token=token, reason=reason.__name__)
    try:
        with suppress(LeaseLost):
            _account(reason, token)
    finally:
        end_process()


def _work(report: Report, token: str, heartbeat: Heartbeat) -> None:
    # Imported here, so that an API process that leaves the work to others never loads them.
    from app import pdf, storage
    from app.compute import analyse

    if iscoroutinefunction(analyse):
        raise TypeError("analyse is async; it runs beside no event loop: make it a plain def")
    series = read(readings.load, report.dataset_id)
    result = analyse(
        series.values, resamples=report.resamples, seed=report.seed, progress=heartbeat.progress
    )
    document = pdf.render(
        pdf.ReportContent(
            title=report.title,
            dataset=report.dataset,
            resamples=report.resamples,
            seed=report.seed,
            created_at=report.created_at,
            first_reading=series.first,
            last_reading=series.last,
            result=result,
        )
    )
    key = storage.save(report.id, token, document)
    transact(jobs.finish, token, dict(result), key)
