"""Jobs as they move, as Server-Sent Events.

A client gets each state that lasts longer than WATCH_SECONDS, and always the last one. The version
of a state is the id of its event: a client that comes back names the last one that it has had.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from typing import Annotated, Any
from uuid import UUID

from fastapi import Header, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from . import app_state, routing
from .feed import Feed, State, Watch
from .links import Links
from .problems import Problem, answers

RECONNECT_MILLISECONDS = 1000
PING_SECONDS = 15.0  # proxies cut what is silent for a minute
MEDIA_TYPE = "text/event-stream"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # nginx would keep it back

EVENT = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
    "required": ["data"],
}
DOCUMENTED: dict[int | str, dict[str, Any]] = {
    200: {"content": {MEDIA_TYPE: {"itemSchema": EVENT}}},  # as FastAPI has it, before OpenAPI 3.2
    **answers(422, 503),
}

LastEventId = Annotated[str, Header()]


class Followed:
    """A job that exists, and what becomes of it."""

    def __init__(self, first: State, watch: Watch) -> None:
        self.first, self._watch = first, watch

    async def states(self, seen: str) -> AsyncIterator[State]:
        """Its states, but for the one seen already, until its end or the server's."""
        states = [self.first]
        while states:
            for state in states:
                if state.version != seen:
                    yield state
                seen = state.version
                if state.is_end:
                    return
            states = list(await self._watch.take())


async def follow(feed: Feed, watch: Watch, kind: str) -> Followed:
    """The job of a watch that has just begun. Raises Problem."""
    states = await watch.take()
    if not states and feed.is_stopping:
        raise Problem(503, "The server is stopping; try again.", {"Retry-After": "1"})
    if not states or states[0].job.row.kind != kind:
        raise Problem(404, f"There is no job {watch.job_id} of this kind.")
    return Followed(states[0], watch)


class EventStream(StreamingResponse):
    """Events until they end or whoever reads them leaves; then it is to be dropped."""

    def __init__(self, events: AsyncIterator[str], feed: Feed, watch: Watch) -> None:
        self._events = _with_pings(events)
        super().__init__(self._events, headers=HEADERS, media_type=MEDIA_TYPE)
        self._feed, self._watch = feed, watch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the route send them when its dependencies have ended.

        What those hold, such as a connection to the database, nobody else could use meanwhile.
        """
        scope[routing.LATER] = self

    async def send(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them; of HEAD nothing but the headers."""
        if scope["method"] == "HEAD":
            await Response(headers=dict(self.headers))(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def drop(self) -> None:
        """Follow no longer."""
        self._feed.leave(self._watch)
        await self._events.aclose()


async def follow_all(request: Request) -> Response:
    """Each job that has not ended or is among the newest 20: as it stands, then its changes."""
    feed = app_state.get(request).feed
    watch, links = feed.watch(), Links(request)

    async def events() -> AsyncIterator[str]:
        while states := await watch.take():
            for state in states:
                yield f"data: {state.json(links)}\n\n"

    return EventStream(events(), feed, watch)


def follow_one(kind: str) -> Callable[..., Coroutine[Any, Any, Response]]:
    """The endpoint that follows one job of a kind."""

    async def follow_job(
        request: Request, job_id: UUID, last_event_id: LastEventId = ""
    ) -> Response:
        """A job as it stands, unless Last-Event-ID names that state, then its changes to its end.

        204 when it has ended and nothing is new: an EventSource does not come back for more.
        """
        feed = app_state.get(request).feed
        watch, links = feed.watch(job_id), Links(request)
        followed = await follow(feed, watch, kind)
        if followed.first.is_end and followed.first.version == last_event_id:
            return Response(status_code=204)

        async def events() -> AsyncIterator[str]:
            async for state in followed.states(last_event_id):
                yield f"id: {state.version}\ndata: {state.json(links)}\n\n"

        return EventStream(events(), feed, watch)

    return follow_job


async def _with_pings(events: AsyncIterator[str]) -> AsyncGenerator[str, None]:
    yield f"retry: {RECONNECT_MILLISECONDS}\n\n"
    coming = asyncio.ensure_future(anext(events, None))
    try:
        while True:
            done, _ = await asyncio.wait([coming], timeout=PING_SECONDS)
            if not done:
                yield ": ping\n\n"
                continue
            event = coming.result()
            if event is None:
                return
            yield event
            coming = asyncio.ensure_future(anext(events, None))
    finally:
        coming.cancel()
