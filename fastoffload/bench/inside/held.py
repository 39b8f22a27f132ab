"""Holds the answer to a submit until a job has been run for it, in the process that serves.

Nothing else of the service changes: the row, its lease and its end are what they always are.
"""

import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import cache
from itertools import count
from uuid import uuid4

from app.offload import strategy
from app.offload.running.heartbeat import Watcher
from app.offload.running.machine import worker_name
from app.offload.running.runner import Workplace, look
from app.offload.running.strategy import Strategy
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BEGUN = "held_run_begun"  # the benchmark waits for it in the log


class Nobody(Strategy):
    """In the place of the project's strategy: the request itself runs its job."""

    async def start(self) -> None:
        """Nothing."""

    def notify(self, queue: str) -> None:
        """Nothing."""

    async def check(self) -> dict[str, str | None]:
        """Nothing."""
        return {}

    async def stop(self) -> None:
        """Nothing."""


class Held:
    """Middleware: POST /reports is answered when `run` is over."""

    def __init__(
        self,
        app: ASGIApp,
        run: Callable[[], Awaitable[None]],
        turn: AbstractAsyncContextManager[object] | None = None,
    ) -> None:
        """Requests take turns if there is a `turn`."""
        self._app, self._run, self._turn = app, run, turn or nullcontext()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http" or (scope["method"], scope["path"]) != ("POST", "/reports"):
            await self._app(scope, receive, send)
            return
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        async with self._turn:
            await self._app(scope, receive, keep)
            await self._run()
        for message in answer:
            await send(message)


def hold(
    app: FastAPI,
    run: Callable[[], Awaitable[None]],
    turn: AbstractAsyncContextManager[object] | None = None,
) -> None:
    """Have a project's service answer so; to be called before it starts."""
    strategy.make = lambda _queues: Nobody()
    app.add_middleware(Held, run=run, turn=turn)


@cache
def _watcher() -> Watcher:
    return Watcher(lambda _signal, _reason: None)


def run_one() -> None:
    """Run the job that has waited longest."""
    asked = count()
    place = Workplace(
        queues=["default"],
        worker=worker_name(),
        watcher=_watcher(),
        is_closing=lambda: next(asked) > 0,
        is_stopping=lambda: False,
    )
    sys.stderr.write(f"{BEGUN}\n")
    look(f"{uuid4().hex}.", place)
