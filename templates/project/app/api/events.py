"""Reports as they move, as Server-Sent Events and over a WebSocket.

A client gets each state that lasts longer than WATCH_SECONDS, and always the last one. The version
of a state is the id of its event: a client that comes back names the last one that it has had.
"""

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated
from uuid import UUID

from anyio import CancelScope, create_task_group
from fastapi import APIRouter, Depends, Header, HTTPException, WebSocket, WebSocketDisconnect
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.requests import HTTPConnection

from app.api.problems import Problem, answers
from app.api.sockets import PROTOCOL, require_own_client
from app.watch import State, Watch, Watcher

router = APIRouter(prefix="/reports", tags=["events"])
sockets = APIRouter(prefix="/reports", dependencies=[Depends(require_own_client)])

RECONNECT_MILLISECONDS = 1000
END_OF_REPORT, SERVER_STOPS = 1000, 1012  # what WebSockets are closed with


class Followed:
    """A report that exists, and what becomes of it."""

    def __init__(self, first: State, watch: Watch) -> None:
        self.first, self._watch = first, watch

    async def states(self, seen: str) -> AsyncIterator[State]:
        """Its states, but for the one seen already, until its end or the server's."""
        states = [self.first]
        while states:
            for state in states:
                if str(state.version) != seen:
                    yield state
                seen = str(state.version)
                if state.is_end:
                    return
            states = await self._watch.take()


async def _watcher(connection: HTTPConnection) -> Watcher:
    watcher: Watcher = connection.app.state.watcher
    return watcher


AppWatcher = Annotated[Watcher, Depends(_watcher)]


async def _follow(report_id: UUID, watcher: AppWatcher) -> AsyncIterator[Followed]:
    with watcher.watch(report_id) as watch:
        if not (states := await watch.take()):
            raise _stopping() if watcher.is_stopping else _unknown(report_id)
        yield Followed(states[0], watch)


def _stopping() -> Problem:
    return Problem(503, "The server is stopping; try again.", headers={"Retry-After": "1"})


def _unknown(report_id: UUID) -> Problem:
    return Problem(404, f"There is no report {report_id}.")


LastEventId = Annotated[str, Header()]
FollowedReport = Annotated[Followed, Depends(_follow)]


async def _follow_further(followed: FollowedReport, last_event_id: LastEventId = "") -> Followed:
    if followed.first.is_end and str(followed.first.version) == last_event_id:
        raise HTTPException(204)  # tells an EventSource that there is nothing to come back for
    return followed


@router.get("/events", response_class=EventSourceResponse)
async def follow_all(watcher: AppWatcher) -> AsyncIterator[ServerSentEvent]:
    """Each report that has not ended or is among the newest 20: as it stands, then its changes."""
    yield ServerSentEvent(retry=RECONNECT_MILLISECONDS)
    with watcher.watch() as watch:
        while states := await watch.take():
            for state in states:
                yield ServerSentEvent(raw_data=state.json)


@router.get(
    "/{report_id}/events",
    response_class=EventSourceResponse,
    responses={204: {"description": "Nothing is new, nor will be"}, **answers(404, 422, 503)},
)
async def follow_report(
    followed: Annotated[Followed, Depends(_follow_further)], last_event_id: LastEventId = ""
) -> AsyncIterator[ServerSentEvent]:
    """A report as it stands, unless Last-Event-ID names that state, then its changes to its end.

    204 when it has ended and nothing is new.
    """
    yield ServerSentEvent(retry=RECONNECT_MILLISECONDS)
    async for state in followed.states(last_event_id):
        yield ServerSentEvent(raw_data=state.json, id=str(state.version))


@sockets.websocket("/{report_id}/ws")
async def follow_report_by_socket(
    socket: WebSocket, followed: FollowedReport, last_event_id: str = ""
) -> None:
    """The same; closed with 1000 at the end of the report and with 1012 when the server stops."""
    await socket.accept(PROTOCOL if PROTOCOL in socket.scope["subprotocols"] else None)
    async with create_task_group() as group:
        group.start_soon(_notice_leaving, socket, group.cancel_scope)
        with suppress(WebSocketDisconnect):
            state = followed.first
            async for state in followed.states(last_event_id):
                await socket.send_text(state.json)
            await socket.close(END_OF_REPORT if state.is_end else SERVER_STOPS)
        group.cancel_scope.cancel()


async def _notice_leaving(socket: WebSocket, scope: CancelScope) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
    scope.cancel()
