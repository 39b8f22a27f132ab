"""Keeps pages of other sites from having a visitor's browser change anything here.

A browser says whose page sends a request (Fetch Metadata, Origin); scripts and curl say nothing and
may. What a page of another site can send without being asked for leave first (a CORS preflight) is
a plain POST of a form or of text, and to open a WebSocket: those are refused.
"""

from starlette.datastructures import Headers
from starlette.types import Scope

from ..errors import Refused

FORMS = ("", "text/plain", "multipart/form-data", "application/x-www-form-urlencoded")
NEVER_UNASKED = ("authorization", "idempotency-key", "x-requested-with")


def check(scope: Scope) -> None:
    """Raise Refused for a request that a page of another site may have sent unasked."""
    headers = Headers(scope=scope)
    if scope["method"] == "POST" and is_foreign(headers) and not _was_asked_for(headers):
        raise Refused(403, "Pages of other sites may not do this.")


def is_foreign(headers: Headers) -> bool:
    """Whether a browser sends this for a page of another origin."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = headers.get("origin")  # all that a browser says where there is no TLS
    return origin is not None and origin.partition("://")[2] != headers.get("host")


def _was_asked_for(headers: Headers) -> bool:
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type not in FORMS or any(name in headers for name in NEVER_UNASKED)
