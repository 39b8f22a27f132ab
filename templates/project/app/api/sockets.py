"""Who may open a WebSocket: browsers let scripts set none of its headers, and any site open one."""

import base64

from fastapi import WebSocket
from fastapi.security.utils import get_authorization_scheme_param

from app.api.dependencies import check_api_key
from app.api.problems import Problem

# A browser offers the subprotocols "reports" and "bearer.<the API key in base64url, without =>".
PROTOCOL = "reports"
BEARER = "bearer."


async def require_own_client(socket: WebSocket) -> None:
    """Refuse pages of other sites, and a client without the API_KEY when there is one."""
    origin = socket.headers.get("origin")
    if origin and origin.partition("://")[2] != socket.headers.get("host"):
        raise Problem(403, f"Pages of {origin} may not connect.")
    check_api_key(_given_key(socket))


def _given_key(socket: WebSocket) -> str:
    scheme, token = get_authorization_scheme_param(socket.headers.get("authorization"))
    if scheme.lower() == "bearer":
        return token
    offered = (name for name in socket.scope["subprotocols"] if name.startswith(BEARER))
    return _decode(next(offered, "").removeprefix(BEARER))


def _decode(name: str) -> str:
    try:
        return base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode()
    except ValueError:
        return ""
