"""The engine's routes: errors are problem documents, and nothing is taken from strangers' pages."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import Message, Receive, Scope, Send

from ..errors import Refused
from ..settings import get_settings
from . import problems, same_origin

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
LATER = "offload.later"  # an answer that begins when the dependencies of its route have ended


class Route(APIRoute):
    """A route of the engine's, or one of a kind that has been adopted."""

    def admit(self, scope: Scope) -> None:
        """Raise Refused by what the request's first line and headers say."""
        same_origin.check(scope)
        if scope["method"] not in (self.methods or ()):
            raise problems.Problem(405, "Method Not Allowed", {"Allow": ", ".join(_allowed(scope))})

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        # Here as well as around the application, which may not be fastoffload's.
        await problems.ShutdownMiddleware(self._handle)(scope, receive, send)

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = _Answer(send)
        # What the route raises shall pass by the application's handlers, and end what its
        # dependencies have begun on its way: a session is rolled back.
        scope["starlette.exception_handlers"] = ({}, {})
        try:
            self.admit(scope)
            await super().handle(scope, receive, answer.send)
            await _send_later(scope, receive, answer.send)
        except Exception as error:
            await _end_dependencies(scope, error)
            if answer.has_begun or isinstance(error, ClientDisconnect):  # nobody is there to answer
                raise
            known = problems.of_error(error)
            if known is None and _has_handler(scope, error):
                raise
            await (known or problems.of_mistake())(scope, receive, answer.send)
            if known is None:
                raise  # for the server's log, and whoever else looks for it
        finally:
            if later := scope.pop(LATER, None):
                await later.drop()


class JsonRoute(Route):
    """A route that takes JSON, of MAX_JSON_BYTES at the most."""

    def admit(self, scope: Scope) -> None:
        """Raise Refused by what the request's first line and headers say."""
        super().admit(scope)
        headers = Headers(scope=scope)
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
        if has_body and media_type != "application/json" and not media_type.endswith("+json"):
            raise Refused(415, "The body must be application/json.")
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > get_settings().max_json_bytes:
            raise Refused(413, _too_long())

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        await super().handle(scope, _counted(receive), send)


class _Answer:
    """Sends an answer on its way out."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_begun = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            MutableHeaders(scope=message).setdefault("X-Content-Type-Options", "nosniff")
        await self._send(message)


def get(router: APIRouter, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
    """Add a route for GET, and for HEAD."""
    options |= {"name": options["operation_id"]}
    router.add_api_route(path, endpoint, methods=["GET"], **options)
    router.add_api_route(path, endpoint, methods=["HEAD"], **options | {"include_in_schema": False})


def post(router: APIRouter, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
    """Add a route for POST that answers 202."""
    options |= {"name": options["operation_id"]}
    router.add_api_route(path, endpoint, methods=["POST"], status_code=202, **options)


def adopt(router: APIRouter) -> APIRouter:
    """Have the routes of a kind's own router answer as the engine's do."""
    for route in router.routes:
        nested = getattr(route, "original_router", None)  # newer FastAPI keeps what is included
        if isinstance(nested, APIRouter):
            adopt(nested)
        elif isinstance(route, APIRoute) and not isinstance(route, Route):
            # Including the router makes routes of the same class anew.
            route.__class__ = _adopted(type(route))
    return router


def _adopted(cls: type[APIRoute]) -> type[APIRoute]:
    return Route if cls is APIRoute else type(cls.__name__, (Route, cls), {})


def _allowed(scope: Scope) -> list[str]:
    """The methods that the path has: each may have a route of its own."""
    routes = scope["app"].routes
    return [
        method
        for method in METHODS
        if any(route.matches({**scope, "method": method})[0] == Match.FULL for route in routes)
    ]


def _has_handler(scope: Scope, error: Exception) -> bool:
    """Whether the application itself knows such an error."""
    handlers = scope["app"].exception_handlers
    return any(cls in handlers for cls in type(error).__mro__ if cls is not Exception)


async def _send_later(scope: Scope, receive: Receive, send: Send) -> None:
    if later := scope.get(LATER):
        await _end_dependencies(scope)
        await later.send(scope, receive, send)


async def _end_dependencies(scope: Scope, error: Exception | None = None) -> None:
    # FastAPI before 0.106 keeps them outside of the route, where the error is not seen any more.
    if stack := scope.get("fastapi_astack"):
        how = (type(error), error, error.__traceback__) if error else (None, None, None)
        await stack.pop_all().__aexit__(*how)


def _counted(receive: Receive) -> Receive:
    length = 0

    async def receive_counted() -> Message:
        nonlocal length
        message = await receive()
        length += len(message.get("body", b""))
        if length > get_settings().max_json_bytes:
            raise HTTPException(413, _too_long())  # FastAPI makes a 400 of all others
        return message

    return receive_counted


def _too_long() -> str:
    return f"The body may have {get_settings().max_json_bytes:,} bytes: MAX_JSON_BYTES."
