"""Jobs as they move, over a WebSocket. What a client sends is never looked at.

Uvicorn holds a message whole before it hands it over: start it with `--ws-max-size 65536
--ws-max-queue 4 --ws-per-message-deflate false`, as the Procfile does.
"""

from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, suppress
from typing import Any
from uuid import UUID

from anyio import CancelScope, create_task_group
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.responses import Response
from starlette.types import Message

from ..discovery import AnyKind
from . import app_state, problems, same_origin
from .events import Followed, follow
from .links import Links

# Browsers let scripts set no header, and end what answers none of the subprotocols they offer: a
# key may be offered beside this one, for the application to find.
PROTOCOL = "offload"
END_OF_JOB, POLICY_VIOLATION, SERVER_STOPS = 1000, 1008, 1012
MUST_UPGRADE = 426


def router(kinds: Mapping[str, AnyKind]) -> APIRouter:
    """A socket for each kind, beside the route of `must_upgrade`."""
    router = APIRouter()
    for kind in kinds.values():
        router.add_api_websocket_route(f"{kind.prefix}/{{job_id}}/ws", follow_by_socket(kind.name))
    return router


async def must_upgrade(job_id: UUID) -> Response:
    """What a plain GET at the path of a socket is answered. The dependencies guard it."""
    headers = {"Upgrade": "websocket"}
    return problems.response(MUST_UPGRADE, "Ask for an upgrade to a WebSocket.", headers)


def follow_by_socket(kind: str) -> Callable[..., Coroutine[Any, Any, None]]:
    """The endpoint that follows one job of a kind."""

    async def follow_job_by_socket(
        socket: WebSocket, job_id: UUID, last_event_id: str = ""
    ) -> None:
        """Its states; closed with 1000 at the end of the job, with 1012 when the server stops."""
        try:
            if same_origin.is_foreign(socket.headers):
                raise problems.Problem(403, "Pages of other sites may not connect.")
            if refusal := await _refusal(socket):
                await _refuse(socket, refusal)
                return
            feed = app_state.get(socket).feed
            watch = feed.watch(job_id)
            followed = await follow(feed, watch, kind)
        except problems.Problem as problem:
            await _refuse(socket, problems.of_error(problem))
            return
        try:
            await _send(socket, followed, last_event_id)
        finally:
            feed.leave(watch)

    return follow_job_by_socket


class _Answer:
    """What a request was answered."""

    def __init__(self) -> None:
        self._start: Message = {}
        self._body = b""

    async def note(self, message: Message) -> None:
        """Note a part of it."""
        if message["type"] == "http.response.start":
            self._start = message
        else:
            self._body += message.get("body", b"")

    def response(self) -> Response:
        """All of it."""
        response = Response(self._body, self._start["status"])
        response.raw_headers = list(self._start["headers"])
        return response


async def _refusal(socket: WebSocket) -> Response | None:
    """What the dependencies that guard the routes say against it.

    They are asked by a plain GET of the same path: many take a Request, which a socket is not, and
    what they open, such as a session, is closed before the first state is sent.
    """
    app, answer = socket.scope["app"], _Answer()
    handlers = {key: value for key, value in app.exception_handlers.items() if key is not Exception}
    scheme = "https" if socket.scope.get("scheme") == "wss" else "http"
    async with AsyncExitStack() as stack:
        asked = {"type": "http", "method": "GET", "scheme": scheme, "fastapi_astack": stack}
        await ExceptionMiddleware(app.router, handlers)(
            {**socket.scope, **asked}, _nothing_more, answer.note
        )
    response = answer.response()
    return None if response.status_code == MUST_UPGRADE else response


async def _nothing_more() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(socket: WebSocket, followed: Followed, seen: str) -> None:
    links = Links(socket)
    await socket.accept(PROTOCOL if PROTOCOL in socket.scope["subprotocols"] else None)
    async with create_task_group() as group:
        group.start_soon(_notice_leaving, socket, group.cancel_scope)
        with suppress(WebSocketDisconnect):
            state = followed.first
            async for state in followed.states(seen):
                await socket.send_text(state.json(links))
            await socket.close(END_OF_JOB if state.is_end else SERVER_STOPS)
        group.cancel_scope.cancel()


async def _notice_leaving(socket: WebSocket, scope: CancelScope) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
    scope.cancel()


async def _refuse(socket: WebSocket, answer: Response | None) -> None:
    # An answer of HTTP in the place of a socket: not every server can, nor an older Starlette.
    can = "websocket.http.response" in socket.scope.get("extensions", {})
    if answer and can and hasattr(socket, "send_denial_response"):
        await socket.send_denial_response(answer)
    else:
        await socket.close(POLICY_VIOLATION)
