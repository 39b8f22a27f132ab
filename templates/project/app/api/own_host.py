"""Whom a request is meant for. Used where no API_KEY keeps strangers out."""

import re
from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api import problems

PORT = re.compile(r":\d*$")


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
            host = Headers(scope=scope).get("host", "")
            if is_public_name(host):
                detail = f"Without an API_KEY no request for {host} is answered; set API_KEY."
                await problems.response(421, detail)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def is_public_name(host: str) -> bool:
    """Whether a Host header has a DNS name with a dot; not so localhost, addresses, `web:8000`."""
    name = PORT.sub("", host.lower()).strip("[]").removesuffix(".")
    try:
        ip_address(name)
    except ValueError:
        return "." in name and not name.endswith(".localhost")
    return False
