"""Claims a job, runs its work, and writes down what came of it: every run passes here."""

import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any

import structlog
from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection, Row

from .. import discovery
from ..database.engines import transact_once
from ..database.outage import is_outage, while_away
from ..errors import (
    Cancelled,
    DeadlineExceeded,
    LeaseLost,
    ParamsInvalid,
    Refused,
    ResultTooLarge,
    RunStopped,
    TransientError,
    WorkNotImportable,
)
from ..files.outages import StoreAway, is_full
from ..kinds import load_params
from ..observing import tracing
from ..queue import claim, ends
from ..queue.ends import Attempt, Failure, Lease
from ..run import Run
from ..settings import get_settings
from .calling import call
from .heartbeat import Watcher
from .run_files import StoredFiles
from .signals import RunSignal

log = structlog.get_logger()

LOOK_SECONDS = 1.0  # for which a look that finds work goes on
NOT_IMPORTABLE_SECONDS = 30  # until a job whose work does not import is tried again
OUTAGE_SECONDS = 5  # until a job that met an outage is tried again
UNAVAILABLE = "work_unavailable"


@dataclass(frozen=True)
class Workplace:
    """Where runs happen: which queues it serves, under which name, and who watches."""

    queues: Sequence[str]
    worker: str  # host:pid
    watcher: Watcher
    is_closing: Callable[[], bool]  # no job is claimed any more
    is_stopping: Callable[[], bool]  # runs are to end
    while_running: Callable[[RunSignal, float], Any] = lambda _signal, _deadline: None


def look(token_prefix: str, place: Workplace, queues: Sequence[str] | None = None) -> bool:
    """Claim and run jobs until nothing waits, or LOOK_SECONDS are over. True when more may wait.

    Nothing is raised: every outcome is written to a row.
    """
    end = time.monotonic() + LOOK_SECONDS
    served = list(queues or place.queues)
    for number in count():
        if place.is_closing() or not _run_next(f"{token_prefix}{number}", place, served):
            return False
        served.append(served.pop(0))  # another queue has the first turn next time
        if time.monotonic() > end:
            return True
    raise AssertionError("count() has no end")


def _run_next(token: str, place: Workplace, queues: Sequence[str]) -> bool:
    """Whether there was a job."""
    try:
        row = _claim(token, place, queues)
    except Exception:
        log.exception("claim_failed")
        return False
    if row is None:
        return False
    with tracing.resumed(row):
        _run(row, token, place)
    return True


def _claim(token: str, place: Workplace, queues: Sequence[str]) -> Row[Any] | None:
    kinds, tries = tuple(discovery.kinds()), count()

    def claim_once(connection: Connection) -> Row[Any] | None:
        # The answer of a COMMIT may be lost: then this token holds a job already.
        if next(tries) and (held := claim.find_held(connection, token)):
            return held
        for queue in queues:
            found = claim.claim_next(
                connection, queue=queue, kinds=kinds, token=token, worker=place.worker
            )
            if found is not None:
                return found
        return None

    claimed: Row[Any] | None = while_away(place.is_closing)(transact_once, claim_once)
    return claimed


def _run(row: Row[Any], token: str, place: Workplace) -> None:
    signal = RunSignal(Lease(row.id, token), row.deadline_seconds, place.is_stopping)
    files = StoredFiles(row.id, token, row.inputs)
    try:
        with place.watcher.watching(signal):
            _run_watched(row, signal, files, place)
    except LeaseLost:
        log.warning("lease_lost")
        _discard(files)
    except Exception:  # the database stayed away until this process stopped
        log.exception("run_not_written_down")


def _run_watched(row: Row[Any], signal: RunSignal, files: StoredFiles, place: Workplace) -> None:
    def write(function: Callable[..., Any], *args: Any, **options: Any) -> None:
        signal.is_ending = True
        while_away(place.is_stopping)(transact_once, function, signal.lease, *args, **options)

    begun = time.monotonic()
    try:
        log.debug("run_started")
        ended = _work(row, signal, files, place)
        write(ends.succeed, *ended)
        log.info("run_succeeded", seconds=round(time.monotonic() - begun, 3))
    except LeaseLost:
        raise
    except BaseException as error:  # SystemExit too: the work must not end its process
        write(*_outcome(error, row), **_options(error, row))
        _discard(files)


def _work(
    row: Row[Any], signal: RunSignal, files: StoredFiles, place: Workplace
) -> tuple[Any, ...]:
    """What `ends.succeed` is to write."""
    kind = discovery.get_kind(row.kind)
    work = discovery.load_work(kind)
    try:
        params = load_params(kind.params, row.params)
    except ValidationError as error:  # its text would show what was given
        faults = [(fault["loc"], fault["msg"]) for fault in error.errors(include_input=False)]
        raise ParamsInvalid(str(faults)) from None
    run = Run(row.id, row.attempts, signal, files)
    place.while_running(signal, row.deadline_seconds)
    try:
        result = call(work, run, params, signal)
    finally:
        signal.is_ending = True
        place.while_running(signal, 0.0)
        run.close()
    if not isinstance(result, kind.result):
        raise TypeError(f"the work of {kind.name} must return {kind.result.__name__}: {result!r}")
    return _storable(result), files.rows(), run.ends


def _storable(result: BaseModel) -> dict[str, Any]:
    """The result as its row holds it: whoever lists jobs reads each whole."""
    stored = result.model_dump(mode="json", by_alias=True)
    # Of a NaN PostgreSQL refuses to make JSON, and SQLite would make null.
    size, most = len(json.dumps(stored, allow_nan=False)), get_settings().max_result_bytes
    if size > most:
        raise ResultTooLarge(
            f"The result has {size:,} bytes of JSON, more than MAX_RESULT_BYTES ({most:,}):"
            " keep what is large as an artifact (run.keep)."
        )
    return stored


def account(reason: type[RunStopped]) -> tuple[Any, ...]:
    """How a run that was stopped is ended: a function of `ends`, and its arguments."""
    if reason is Cancelled:
        return (ends.end_cancelled,)
    if reason is DeadlineExceeded:
        return (ends.fail, ends.DEADLINE_EXCEEDED)
    return (_release_uncounted, Attempt("interrupted", "its process was stopped"), 0.0)


def _release_uncounted(
    connection: Connection, lease: Lease, attempt: Attempt, wait_seconds: float
) -> None:
    ends.release(connection, lease, attempt, failure=None, wait_seconds=wait_seconds)


def _outcome(error: BaseException, row: Row[Any]) -> tuple[Any, ...]:
    if isinstance(error, RunStopped):
        log.info("run_stopped", reason=type(error).__name__)
        return account(type(error))
    if isinstance(error, WorkNotImportable):
        log.error("work_not_importable", reason=str(error))
        return (_release_uncounted, Attempt(UNAVAILABLE, str(error)), NOT_IMPORTABLE_SECONDS)
    if isinstance(error, ParamsInvalid):
        log.error("params_invalid", faults=str(error))
        return (ends.fail, ends.PARAMS_INVALID)
    if isinstance(error, Refused):
        log.info("run_refused", reason=error.detail)
        return (ends.fail, Failure("refused", error.detail))
    if isinstance(error, ResultTooLarge):
        log.error("result_too_large", reason=str(error))
        return (ends.fail, Failure("result_too_large", str(error)))
    if isinstance(error, StoreAway) or is_full(error) or is_outage(error):
        log.warning("run_met_an_outage", exc_info=error)
        return (_release_uncounted, Attempt("outage", repr(error)), OUTAGE_SECONDS)
    if isinstance(error, TransientError):
        log.warning("run_failed_for_now", exc_info=error)
        return (ends.release, Attempt("transient_error", repr(error)))
    log.error("run_failed", exc_info=error)
    return (ends.fail, ends.WORK_FAILED)


def _options(error: BaseException, row: Row[Any]) -> dict[str, Any]:
    if not isinstance(error, TransientError) or isinstance(error, StoreAway):
        return {}
    wait = max(ends.backoff_seconds(row), error.retry_after_seconds)
    return {"failure": ends.STILL_FAILING, "wait_seconds": wait}


def _discard(files: StoredFiles) -> None:
    with suppress(StoreAway):  # what stays is deleted with the job
        files.discard()
