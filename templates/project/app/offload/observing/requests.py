"""What is noted of every request: its id and how long it took."""

from http import HTTPMethod
from time import perf_counter

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from . import tracing
from .metrics import REQUESTS

log = structlog.get_logger()

CLIENT_GONE = 499  # nobody is answered; it is what nginx calls it


class Observed:
    """Gives every request an id, which its answer and its log lines have, and measures it.

    Plain ASGI: a BaseHTTPMiddleware would copy the context and put a queue before every stream.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its id bound."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        request_id = tracing.new_request_id(Headers(scope=scope).get("x-request-id", ""))
        # Never unbound: the context is the request's own, and who logs its failure comes later.
        bind_contextvars(request_id=request_id)
        begin = perf_counter()
        began = False

        async def send_observed(message: Message) -> None:
            nonlocal began
            if message["type"] == "http.response.start":
                began = True
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
                _measure(scope, message["status"], begin)
            await send(message)

        try:
            await self._app(scope, receive, send_observed)
        except ClientDisconnect:  # in the middle of an upload: no fault of ours
            log.info("client_gone", path=scope["path"])
            if not began:
                _measure(scope, CLIENT_GONE, begin)
        except Exception:
            if not began:
                _measure(scope, 500, begin)  # which is what the server makes of it
            raise


def _measure(scope: Scope, status: int, begin: float) -> None:
    if scope["type"] == "http":
        # The template, and a method that is known: what callers may think of is without number.
        route = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if scope["method"] in HTTPMethod.__members__ else "other"
        REQUESTS.labels(method, route, status).observe(perf_counter() - begin)
