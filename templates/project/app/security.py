"""Whom the service answers: who brings the API_KEY; without one, what is meant for this machine.

And what every answer tells a browser: to take it for what it says it is.
"""

import base64
import hmac
import re
from ipaddress import ip_address

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.offload.http.problems import response

OPEN = re.compile(r"/(docs|(web|health)/.*)?")  # what everybody may see: it holds no data
PORT = re.compile(r":\d*$")
SUBPROTOCOL = "bearer."  # and the key in base64url: browsers let a WebSocket set no header


class ApiKey:
    """Refuses who does not bring the key, before anything of the request is read."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app, self._key = app, key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        if scope["type"] not in {"http", "websocket"} or self._may_pass(HTTPConnection(scope)):
            await self._app(scope, receive, send)
            return
        headers = {"WWW-Authenticate": "Bearer"}
        refusal = response(401, "Authorization: Bearer with the API key is needed.", headers)
        await refusal(scope, receive, send)

    def _may_pass(self, asked: HTTPConnection) -> bool:
        path = asked.scope["path"].removeprefix(asked.scope.get("root_path", ""))
        return bool(OPEN.fullmatch(path)) or hmac.compare_digest(_given_key(asked), self._key)


class OwnHost:
    """Refuses what is meant for a DNS name that may be anybody's.

    Whoever owns a name can have it lead to 127.0.0.1 (DNS rebinding), and the browser then lets
    the pages of that name read whatever is here.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 421."""
        if scope["type"] in {"http", "websocket"}:
            host = HTTPConnection(scope).headers.get("host", "")
            if is_public_name(host):
                detail = f"Without an API_KEY no request for {host} is answered; set API_KEY."
                await response(421, detail)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class NoSniff:
    """Has browsers take no answer for something else than its Content-Type says."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add the header to its answer."""

        async def send_marked(message: Message) -> None:
            if message["type"].endswith("http.response.start"):  # also the refusal of a socket
                MutableHeaders(scope=message)["X-Content-Type-Options"] = "nosniff"
            await send(message)

        await self._app(scope, receive, send_marked)


def install(app: FastAPI, key: str | None) -> None:
    """Guard every route of the application."""
    app.add_middleware(NoSniff)
    if key is None:
        app.add_middleware(OwnHost)
    else:
        app.add_middleware(ApiKey, key=key)


def is_public_name(host: str) -> bool:
    """Whether a Host header has a DNS name with a dot; not so localhost, addresses, `web:8000`."""
    name = PORT.sub("", host.lower()).strip("[]").removesuffix(".")
    try:
        ip_address(name)
    except ValueError:
        return "." in name and not name.endswith(".localhost")
    return False


def _given_key(asked: HTTPConnection) -> bytes:
    scheme, _, token = asked.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip().encode()
    offered = (name for name in asked.scope.get("subprotocols", ()) if name.startswith(SUBPROTOCOL))
    name = next(offered, "").removeprefix(SUBPROTOCOL)
    try:
        return base64.urlsafe_b64decode(name + "=" * (-len(name) % 4))
    except ValueError:
        return b""
