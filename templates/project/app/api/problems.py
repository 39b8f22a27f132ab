"""Errors as problem documents (RFC 9457): what is wrong, never where in the code."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import (
    RequestValidationError,
    ValidationException,
    WebSocketRequestValidationError,
)
from fastapi.responses import JSONResponse, Response
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException

from app import origin
from app.database import AWAY
from app.errors import TransientError
from app.schemas import ProblemOut

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
SCHEMAS = "#/components/schemas/"
MOST_FAULTS = 10  # of an invalid request that are told


class Problem(Exception):
    """Ends a request with a problem document; further members may go with it."""

    def __init__(
        self, status: int, detail: str, *, headers: Mapping[str, str] | None = None, **members: Any
    ) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail
        self.headers, self.members = headers, members


def install(app: FastAPI) -> None:
    """Answer every error of the application with a problem document, and say so in OpenAPI."""
    make_document = app.openapi

    def openapi() -> dict[str, Any]:
        document = make_document()
        document.setdefault("components", {}).setdefault("schemas", {}).update(_schemas())
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # which is how FastAPI wants it extended
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(WebSocketRequestValidationError, _invalid_request)
    for away in AWAY:
        app.add_exception_handler(away, _database_away)
    app.add_exception_handler(TransientError, _store_away)
    app.add_exception_handler(Exception, _unexpected)


def response(
    status: int, detail: str, headers: Mapping[str, str] | None = None, **members: Any
) -> JSONResponse:
    """A problem document as an answer; further members may go with it."""
    title = HTTPStatus(status).phrase
    problem = ProblemOut(type="about:blank", title=title, status=status, detail=detail, **members)
    content = problem.model_dump(mode="json", exclude_unset=True)
    return JSONResponse(content, status, headers, media_type=MEDIA_TYPE)


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route that may answer so. 422 is among them if it has parameters."""
    content = {MEDIA_TYPE: {"schema": {"$ref": f"{SCHEMAS}{ProblemOut.__name__}"}}}
    return {status: {"content": content} for status in statuses}


def _schemas() -> dict[str, Any]:
    _, found = models_json_schema([(ProblemOut, "validation")], ref_template=SCHEMAS + "{model}")
    return dict(found["$defs"])


async def _problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return response(error.status, error.detail, error.headers, **error.members)


async def _http_exception(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.NO_CONTENT:
        return Response(status_code=error.status_code)
    return response(error.status_code, str(error.detail), error.headers)


async def _invalid_request(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ValidationException)
    faults = [
        {"at": ".".join(map(str, fault["loc"])), "message": fault["msg"]}
        for fault in error.errors()[:MOST_FAULTS]
    ]
    detail = "; ".join(f"{fault['at']}: {fault['message']}" for fault in faults)
    return response(422, detail, errors=faults)


async def _unexpected(_: Request, _error: Exception) -> JSONResponse:
    # Starlette logs it, and answers from outside of what gives the other answers their id.
    headers = {"X-Request-ID": origin.current_request_id() or ""}
    return response(500, "The server failed to answer; its log says why.", headers)


async def _database_away(_: Request, error: Exception) -> JSONResponse:
    log.error("database_away", exc_info=error)
    return response(503, "The database does not answer; try again later.", {"Retry-After": "5"})


async def _store_away(_: Request, error: Exception) -> JSONResponse:
    log.error("store_away", exc_info=error)
    return response(503, "The PDFs are out of reach; try again later.", {"Retry-After": "5"})
