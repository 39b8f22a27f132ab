"""Jobs as they move, over a WebSocket. What a client sends is never looked at.

Uvicorn holds a message whole before it hands it over: start it with `--ws-max-size 65536
--ws-max-queue 4 --ws-per-message-deflate false`, as the Procfile does.
"""

from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any
from uuid import UUID

from anyio import CancelScope, create_task_group
from fastapi import WebSocket, WebSocketDisconnect
from starlette.responses import Response

from . import beside, problems, same_origin
from .events import Followed, follow
from .links import Links

# Browsers let scripts set no header, and end what answers none of the subprotocols they offer: a
# key may be offered beside this one, for the application to find.
PROTOCOL = "offload"
END_OF_JOB, POLICY_VIOLATION, SERVER_STOPS = 1000, 1008, 1012


def follow_by_socket(kind: str) -> Callable[..., Coroutine[Any, Any, None]]:
    """The endpoint that follows one job of a kind."""

    async def follow_job_by_socket(
        socket: WebSocket, job_id: UUID, last_event_id: str = ""
    ) -> None:
        """Its states; closed with 1000 at the end of the job, with 1012 when the server stops."""
        try:
            if same_origin.is_foreign(socket.headers):
                raise problems.Problem(403, "Pages of other sites may not connect.")
            feed = beside.get(socket).feed
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
