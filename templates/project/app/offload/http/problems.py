"""Errors as problem documents (RFC 9457): what is wrong, never where in the code.

The engine's own routes answer so, and the routes of kinds. Those of an application that has
installed it keep the format they have, unless it asks for this one with `for_whole_app`.
"""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import get_contextvars

from ..database.outage import is_outage
from ..errors import Refused, TransientError
from ..files.uploads import UploadRefused
from ..shutdown import is_stopping
from .schemas import OffloadProblem

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
SCHEMA = {"$ref": f"#/components/schemas/{OffloadProblem.__name__}"}
AWAY_SECONDS = 5  # when to try again what is away now
MOST_FAULTS = 10  # of an invalid request that are told


class Problem(Refused):
    """Refused, with headers for the answer."""

    def __init__(
        self, status: int, detail: str, headers: Mapping[str, str] | None = None, **members: Any
    ) -> None:
        super().__init__(status, detail, **members)
        self.headers = headers


def response(
    status: int, detail: str, headers: Mapping[str, str] | None = None, **members: Any
) -> JSONResponse:
    """A problem document as an answer; further members may go with it."""
    known = status in HTTPStatus.__members__.values()
    title = HTTPStatus(status).phrase if known else "Error"
    problem = OffloadProblem(
        type="about:blank", title=title, status=status, detail=detail, **members
    )
    content = problem.model_dump(mode="json", exclude_unset=True)
    headers = {"X-Content-Type-Options": "nosniff", **(headers or {})}
    return JSONResponse(content, status, headers, media_type=MEDIA_TYPE)


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route that may answer so; 422 is among them if it has parameters."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": SCHEMA}},
        }
        for status in statuses
    }


def of_error(error: Exception) -> Response | None:
    """The answer to an error that callers may know of; None for a mistake in the code."""
    if isinstance(error, Refused):
        headers = error.headers if isinstance(error, Problem) else None
        return response(error.status, error.detail, headers, **error.members)
    if isinstance(error, UploadRefused):
        return _of_upload(error)
    if isinstance(error, HTTPException):
        return _of_http(error)
    if isinstance(error, RequestValidationError):
        return of_faults(error.errors())
    return _of_outage(error)


def of_faults(faults: Any) -> Response:
    """The answer to a request that is not valid, by what Pydantic found."""
    told = [
        {"at": ".".join(map(str, fault["loc"])), "message": fault["msg"]}
        for fault in list(faults)[:MOST_FAULTS]
    ]
    detail = "; ".join(f"{fault['at']}: {fault['message']}" for fault in told)
    return response(422, detail, errors=told)


def of_mistake() -> Response:
    """The answer to what nobody has thought of."""
    request_id = get_contextvars().get("request_id")
    headers = {"X-Request-ID": request_id} if request_id else None
    return response(500, "The server failed to answer; its log says why.", headers)


class ShutdownMiddleware:
    """Answers 503 for what the server cuts off because it stops, so that it is tried again."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        has_begun = False

        async def send_noted(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except asyncio.CancelledError:  # it may be the application's own doing, too
            if scope["type"] != "http" or has_begun or not is_stopping():
                raise
            headers = {"Retry-After": str(AWAY_SECONDS)}
            await response(503, "The service stops; try again later.", headers)(
                scope, receive, send
            )


def for_whole_app(app: FastAPI) -> None:
    """Answer every error of an application so: of its own routes, and where there is no route."""
    for error in (Refused, HTTPException, RequestValidationError, UploadRefused, TransientError):
        app.add_exception_handler(error, _handle)
    app.add_exception_handler(SQLAlchemyError, _handle)
    app.add_exception_handler(Exception, _handle_mistake)
    app.add_middleware(ShutdownMiddleware)


async def _handle(_: Request, error: Exception) -> Response:
    answer = of_error(error)
    if answer is None:
        raise error
    return answer


async def _handle_mistake(_: Request, _error: Exception) -> Response:
    return of_mistake()  # Starlette raises it again, so that the server logs it


def _of_upload(error: UploadRefused) -> Response:
    members: dict[str, Any] = {}
    if error.name:  # so that a form can show it where it belongs
        members["errors"] = [{"at": f"files.{error.name}", "message": error.detail}]
    return response(error.status, error.detail, **members)


def _of_http(error: HTTPException) -> Response:
    if error.status_code < 400:
        return Response(status_code=error.status_code, headers=error.headers)
    return response(error.status_code, str(error.detail), error.headers)


def _of_outage(error: Exception) -> Response | None:
    if isinstance(error, TransientError):
        what, seconds = "store", max(AWAY_SECONDS, round(error.retry_after_seconds))
    elif is_outage(error):
        what, seconds = "database", AWAY_SECONDS
    else:
        return None
    log.warning(f"{what}_away", error=str(error).partition("\n")[0])
    detail = f"The {what} does not answer; try again later."
    return response(503, detail, {"Retry-After": str(seconds)})
