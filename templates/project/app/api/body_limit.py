"""How long a body may be."""

from http import HTTPMethod

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.settings import get_settings

LONGEST_JSON_BYTES = 65_536


class BodyLimit:
    """Refuses a longer body while it comes in. (FastAPI's own limit answers in plain text.)"""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body counted."""
        brings_a_dataset = scope.get("method") == HTTPMethod.PUT
        limit = get_settings().max_upload_bytes if brings_a_dataset else LONGEST_JSON_BYTES
        length = 0

        async def receive_counted() -> Message:
            nonlocal length
            message = await receive()
            length += len(message.get("body", b""))
            if length > limit:
                raise HTTPException(413, f"The body must not be longer than {limit} bytes.")
            return message

        await self._app(scope, receive_counted, send)
