"""The watch as an ASGI application around another."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from .stall import Stall
from .watcher import LIMIT_SECONDS, Tell, Watcher

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


def log_stall(stall: Stall) -> None:
    """Warns of a stall in the log `fastoffload.doctor`."""
    logging.getLogger("fastoffload.doctor").warning("%s", stall)


class BlockingWatch:
    """`app.add_middleware(BlockingWatch)` tells of all that holds the application's loop.

    `limit` is in seconds; `roots` are the folders of the code to blame, the working directory by
    default; `tell` gets each Stall, on the watching thread, and logs a warning by default.
    """

    def __init__(
        self,
        app: Application,
        limit: float = LIMIT_SECONDS,
        roots: tuple[str, ...] = ("",),
        tell: Tell = log_stall,
    ) -> None:
        self.app = app
        self.watcher = Watcher(limit, roots, tell)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Watch the loop that this runs on, and let the application answer."""
        self.watcher.watch_running_loop()
        await self.app(scope, receive, send)
