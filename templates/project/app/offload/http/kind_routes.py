"""The routes that every kind of job has, typed by what it takes and gives."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Body, Depends, Request, Response
from sqlalchemy import Connection, Row

from ..database.engines import read_async, transact_async
from ..database.tables import ENDED, Status
from ..discovery import AnyKind
from ..files.artifacts import ArtifactGone, respond
from ..files.stored import StoredFile
from ..queue import ends, listing
from . import app_state, documents, events, routing, submitting
from .links import Links, list_route
from .pages import Cursor, Limit, json_answer, page
from .problems import Problem, answers
from .schemas import Job, job_model, page_model, with_all
from .sockets import must_upgrade
from .submitting import Asked, asked

LOOK_AGAIN_SECONDS = "1"

Endpoint = Callable[..., Coroutine[Any, Any, Response]]
HowAsked = Annotated[Asked, Depends(asked)]

FILE_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"*/*": {"schema": documents.FILE}}},
    206: {"description": "The range that was asked for"},
    304: {"description": "The client has it"},
    416: {"description": "The range lies outside of the file"},
    **answers(404, 409, 410, 422, 503),
}


def kind_routes(kind: AnyKind) -> APIRouter:
    """The routes of a kind."""
    router = APIRouter(route_class=routing.Route, prefix=kind.prefix, tags=[kind.name])
    job = job_model(kind)
    one, name = "/{job_id}", kind.name
    _add_create(router, kind, job)
    routing.get(
        router,
        "",
        _list(kind),
        operation_id=list_route(name),
        response_model=page_model(job),
        responses=answers(422, 503),
    )
    routing.get(
        router,
        one,
        _get(kind),
        operation_id=f"get_{name}_job",
        response_model=job,
        responses=answers(404, 422, 503),
    )
    routing.post(
        router,
        f"{one}/cancel",
        _cancel(kind),
        operation_id=f"cancel_{name}_job",
        responses=answers(403, 404, 409, 422, 503),
        response_model=job,
    )
    routing.post(
        router,
        f"{one}/retry",
        _retry(kind),
        operation_id=f"retry_{name}_job",
        responses=answers(403, 404, 409, 422, 429, 503),
        response_model=job,
    )
    routing.get(
        router,
        f"{one}/artifacts/{{name}}",
        _artifact(kind),
        operation_id=f"get_{name}_artifact",
        response_class=Response,
        responses=FILE_ANSWERS,
    )
    routing.get(
        router,
        f"{one}/events",
        events.follow_one(name),
        operation_id=f"follow_{name}_job",
        response_class=Response,
        responses={
            **events.DOCUMENTED,
            204: {"description": "Nothing is new, nor will be"},
            **answers(404),
        },
    )
    routing.get(
        router, f"{one}/ws", must_upgrade, operation_id=f"ask_{name}_job", include_in_schema=False
    )
    return router


def _add_create(router: APIRouter, kind: AnyKind, job: type[Any]) -> None:
    options: dict[str, Any] = {
        "operation_id": f"create_{kind.name}_job",
        "responses": answers(400, 403, 404, 409, 413, 415, 422, 429, 503),
        "response_model": job,
    }
    if kind.inputs:
        options |= {"openapi_extra": documents.form(kind)}
        routing.post(router, "", _create_with_files(kind), **options)
    else:
        options |= {"route_class_override": routing.JsonRoute}
        routing.post(router, "", _create(kind), **options)


def _create(kind: AnyKind) -> Endpoint:
    needs_body = any(field.is_required() for field in kind.params.model_fields.values())
    body = Body() if needs_body else Body(default_factory=kind.params)

    async def create(
        request: Request, background: BackgroundTasks, how: HowAsked, params: Any = body
    ) -> Response:
        """Accept a job. The same Idempotency-Key and request give the same job again."""
        job, is_new = await submitting.submit_json(kind, how, await request.body(), params)
        return _accepted(request, background, kind, job, is_new)

    create.__annotations__["params"] = kind.params
    return create


def _create_with_files(kind: AnyKind) -> Endpoint:
    async def create(request: Request, background: BackgroundTasks, how: HowAsked) -> Response:
        """Accept a job. The same Idempotency-Key and request give the same job again."""
        job, is_new = await submitting.submit_files(kind, how, request)
        return _accepted(request, background, kind, job, is_new)

    return create


def _list(kind: AnyKind) -> Endpoint:
    async def list_jobs(
        request: Request, status: Status | None = None, limit: Limit = 20, cursor: Cursor = None
    ) -> Response:
        """A page of jobs, the newest first."""
        return await page(request, kind.name, status, limit, cursor)

    return list_jobs


def _get(kind: AnyKind) -> Endpoint:
    async def get_job(request: Request, job_id: UUID) -> Response:
        """A job as it stands."""
        return _answer(request, await read_async(_load, kind, job_id))

    return get_job


def _cancel(kind: AnyKind) -> Endpoint:
    async def cancel_job(request: Request, job_id: UUID) -> Response:
        """Cancel a job that has not ended; a running one ends within seconds."""
        return _answer(request, await transact_async(_do_cancel, kind, job_id), 202)

    return cancel_job


def _retry(kind: AnyKind) -> Endpoint:
    async def retry_job(request: Request, background: BackgroundTasks, job_id: UUID) -> Response:
        """Run a failed or cancelled job again, on the parameters that it has."""
        job = await transact_async(_do_retry, kind, job_id)
        app_state.submitted(request, background, kind.queue)
        return _answer(request, job, 202)

    return retry_job


def _artifact(kind: AnyKind) -> Endpoint:
    async def get_artifact(
        request: Request, job_id: UUID, name: str, download: bool = False
    ) -> Response:
        """A file that a job has made; `download` has a browser save it."""
        stored = await read_async(_find_artifact, kind, job_id, name)
        try:
            return await respond(request, stored, download=download)
        except ArtifactGone:
            raise Problem(410, f"The file {name} is gone from the store.") from None

    return get_artifact


def _accepted(
    request: Request, background: BackgroundTasks, kind: AnyKind, job: Job, is_new: bool
) -> Response:
    if is_new:
        app_state.submitted(request, background, kind.queue)
    headers = {} if is_new else {"Idempotency-Replayed": "true"}
    return _answer(request, job, 202, headers)


def _answer(
    request: Request, job: Job, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    links, headers = Links(request), headers or {}
    if job.row.status not in ENDED:
        headers["Retry-After"] = LOOK_AGAIN_SECONDS
    if status == 202 and (place := links.job(job.row.kind, job.row.id)):
        headers["Location"] = place
    return json_answer(job.out(links).model_dump_json(), status, headers)


def _row(connection: Connection, kind: AnyKind, job_id: UUID) -> Row[Any]:
    row = listing.get(connection, job_id)
    if row is None or row.kind != kind.name:
        raise Problem(404, f"There is no job {job_id} of the kind {kind.name}.")
    return row


def _load(connection: Connection, kind: AnyKind, job_id: UUID) -> Job:
    return with_all(connection, [_row(connection, kind, job_id)])[0]


def _do_cancel(connection: Connection, kind: AnyKind, job_id: UUID) -> Job:
    _row(connection, kind, job_id)
    cancelled = ends.cancel(connection, job_id)
    if cancelled is None:
        row = _row(connection, kind, job_id)
        raise Problem(409, f"The job is {row.status} already.")
    return with_all(connection, [cancelled])[0]


def _do_retry(connection: Connection, kind: AnyKind, job_id: UUID) -> Job:
    _row(connection, kind, job_id)
    queued = ends.retry(connection, job_id)
    if queued is None:
        row = _row(connection, kind, job_id)
        raise Problem(409, f"The job is {row.status}; only a failed or cancelled one is retried.")
    submitting.make_sure_of_room(connection, kind)
    return with_all(connection, [queued])[0]


def _find_artifact(connection: Connection, kind: AnyKind, job_id: UUID, name: str) -> StoredFile:
    job = _load(connection, kind, job_id)
    found = {artifact.name: artifact for artifact in job.artifacts}.get(name)
    if found is None and job.row.status != Status.SUCCEEDED:
        raise Problem(409, f"The job is {job.row.status}; there are no files of it.")
    if found is None:
        there = ", ".join(artifact.name for artifact in job.artifacts) or "none"
        raise Problem(404, f"The job has no file {name[:200]!r}; it has: {there}.")
    return StoredFile(found.key, found.name, found.media_type, found.size, found.digest)
