"""A job is asked for over HTTP: once, however often the request comes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex
from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import Header, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, AwareDatetime, BaseModel, HttpUrl, ValidationError
from sqlalchemy import Connection, Row

from ..callbacks.outbound import names_refused_address
from ..database.engines import read_async, transact_async
from ..database.outage import is_outage
from ..files import uploads
from ..files.uploads import Received
from ..kinds import Kind, dump_params
from ..observing import tracing
from ..queue import listing
from ..queue.submit import NewJob, count_waiting, find_by_key, insert, new_id
from ..settings import get_settings
from .problems import Problem
from .schemas import Job, with_all

log = structlog.get_logger()

FULL_SECONDS = 5  # when to try again what found the queue full


def _callback_url(url: HttpUrl) -> HttpUrl:
    if url.username or url.password:
        raise ValueError("must not hold a user or a password")
    return url


IdempotencyKey = Annotated[
    str | None,
    Header(min_length=1, max_length=255, description="A job asked for again under it is the same."),
]
CallbackUrl = Annotated[
    Annotated[HttpUrl, AfterValidator(_callback_url)] | None,
    Query(description="Who is told of the job's end by a signed POST."),
]
RunAt = Annotated[AwareDatetime | None, Query(description="Not before then; with a time zone.")]


@dataclass(frozen=True)
class Asked:
    """How a job is asked for, apart from what it takes."""

    key: str | None
    callback_url: str | None
    run_at: datetime | None

    def digest(self, received: Received) -> str:
        """SHA-256 of all that was sent, as it was sent.

        Not of what it means: a field that a later release adds with a default is in no old request.
        """
        options = {"callback_url": self.callback_url, "run_at": self.run_at and str(self.run_at)}
        given = {name: value for name, value in options.items() if value}
        sent = json.dumps([received.digest(), given], sort_keys=True)
        return hashlib.sha256(sent.encode()).hexdigest()


async def asked(
    idempotency_key: IdempotencyKey = None, callback_url: CallbackUrl = None, run_at: RunAt = None
) -> Asked:
    """A dependency: what the headers and the query say. Raises Problem."""
    if callback_url and not get_settings().callback_secrets:
        raise Problem(403, "callback_url: no callbacks are sent, for CALLBACK_SECRET is not set.")
    if callback_url and names_refused_address(callback_url.host or ""):
        raise Problem(403, "callback_url: its address is not allowed.")
    return Asked(idempotency_key, str(callback_url) if callback_url else None, run_at)


async def submit_json(
    kind: Kind[Any, Any], asked: Asked, body: bytes, params: BaseModel
) -> tuple[Job, bool]:
    """The job, and whether it is new. Raises Problem, Refused."""
    return await _submit(kind, asked, Received(body or b"{}"), params, new_id())


async def submit_files(kind: Kind[Any, Any], asked: Asked, request: Request) -> tuple[Job, bool]:
    """The same, for a request with files. What is stored for nothing is deleted."""
    known = await read_async(_look, kind, asked.key)
    if known is not None:  # whatever it brings, nothing of it is kept
        received = await uploads.digest_only(request, kind.inputs)
        _check_same(known.row, asked.digest(received))
        return known, False
    job_id = new_id()
    prefix = f"{job_id}/in/{token_hex(8)}"
    received = await uploads.receive(request, kind.inputs, prefix)
    try:
        params = _parse(kind, received.params)
        job, is_new = await _submit(kind, asked, received, params, job_id)
    except Exception as error:
        # In an outage the answer of COMMIT may be lost, and the job be there: then the janitor
        # deletes them, if it is not.
        if not is_outage(error):
            await _discard(received, prefix)
        raise
    if not is_new:
        await _discard(received, prefix)
    return job, is_new


async def _discard(received: Received, prefix: str) -> None:
    if received.files:
        await uploads.discard(prefix)


def make_sure_of_room(connection: Connection, kind: Kind[Any, Any]) -> None:
    """Raise Problem when as many jobs of the kind wait as may.

    Nothing is locked: on PostgreSQL, what is submitted in the same instant may go beyond it by as
    many as there are connections. On SQLite, where one writes at a time, it is exact.
    """
    if count_waiting(connection, kind, kind.max_waiting) >= kind.max_waiting:
        raise Problem(
            429,
            f"{kind.max_waiting} jobs of the kind {kind.name} wait already, as many as max_waiting"
            " in its kind.py allows; try again later.",
            {"Retry-After": str(FULL_SECONDS)},
        )


async def _submit(
    kind: Kind[Any, Any], asked: Asked, received: Received, params: BaseModel, job_id: UUID
) -> tuple[Job, bool]:
    digest = asked.digest(received)
    inputs = {name: [file.as_dict() for file in files] for name, files in received.files.items()}
    job, is_new = await transact_async(_insert, kind, asked, digest, inputs, params, job_id)
    if is_new:
        log.info("job_accepted", job_id=str(job.row.id), kind=kind.name)
    return job, is_new


def _insert(
    connection: Connection,
    kind: Kind[Any, Any],
    asked: Asked,
    digest: str,
    inputs: Mapping[str, Any],
    params: BaseModel,
    job_id: UUID,
) -> tuple[Job, bool]:
    known = _find(connection, kind, asked.key)
    if known is None:
        make_sure_of_room(connection, kind)
        if kind.prepare:
            params = kind.prepare(connection, params)
        new = NewJob(
            id=job_id,
            kind=kind,
            params=dump_params(params),
            inputs=inputs,
            run_at=asked.run_at,
            idempotency_key=asked.key,
            request_digest=digest,
            callback_url=asked.callback_url,
            **vars(tracing.current()),
        )
        if insert(connection, new):
            return _one(connection, job_id), True
        # Somebody else's request with this key was committed since it was looked for.
        known = _find(connection, kind, asked.key)
    if known is None:
        raise RuntimeError(f"the job of the key {asked.key!r} is not visible")
    _check_same(known, digest)
    return with_all(connection, [known])[0], False


def _find(connection: Connection, kind: Kind[Any, Any], key: str | None) -> Row[Any] | None:
    return find_by_key(connection, kind.name, key) if key else None


def _look(connection: Connection, kind: Kind[Any, Any], key: str | None) -> Job | None:
    """The job of a key, or None when there is room for a new one: before gigabytes come in."""
    known = _find(connection, kind, key)
    if known is None:
        make_sure_of_room(connection, kind)
        return None
    return with_all(connection, [known])[0]


def _one(connection: Connection, job_id: UUID) -> Job:
    row = listing.get(connection, job_id)
    if row is None:
        raise RuntimeError("a row is not there in the transaction that wrote it")
    return with_all(connection, [row])[0]


def _check_same(known: Row[Any], digest: str) -> None:
    if known.request_digest != digest:
        raise Problem(409, "This Idempotency-Key was used for another request.")


def _parse(kind: Kind[Any, Any], params: bytes) -> BaseModel:
    try:
        parsed: BaseModel = kind.params.model_validate_json(params)
    except ValidationError as error:
        faults = [{**fault, "loc": ("params", *fault["loc"])} for fault in error.errors()]
        raise RequestValidationError(faults) from None
    return parsed
