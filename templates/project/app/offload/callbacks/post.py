"""One signed request to a receiver, and what came of it.

Signed as the Standard Webhooks specification says: https://www.standardwebhooks.com
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlsplit

import httpcore2
from standardwebhooks import Webhook

from ..settings import get_settings
from .outbound import AddressRefused
from .retries import Delivery, Outcome

RETRY_AFTER_HEEDED = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


async def post(pool: httpcore2.AsyncConnectionPool, delivery: Delivery, body: str) -> Outcome:
    """Tell the receiver; what came of it, whatever that is. Takes CALLBACK_TIMEOUT_SECONDS at most.

    Raises nothing that a receiver could cause.
    """
    seconds = get_settings().callback_timeout_seconds
    asked = pool.stream(
        "POST",
        _parsed(delivery.url),
        headers=_headers(delivery, body),
        content=body.encode(),
        extensions={"timeout": {"connect": seconds}},
    )
    try:
        async with asyncio.timeout(seconds), asked as response:
            return judge(response)  # the body is never read: it may be endless
    except TimeoutError:
        return Outcome(error=f"no answer within {seconds:g} s")
    except AddressRefused as refused:
        return Outcome(error=str(refused))
    except Exception as error:
        return Outcome(error=f"no answer ({type(error).__name__})")


def judge(response: httpcore2.Response) -> Outcome:
    """What came of a try that was answered."""
    status = response.status
    if 200 <= status < 300:
        return Outcome(status)
    if 300 <= status < 400:
        return Outcome(status, "redirects are not followed")
    wait = _retry_after(response) if status in RETRY_AFTER_HEEDED else 0.0
    return Outcome(status, f"answered {status}", wait)


def _parsed(url: str) -> httpcore2.URL:
    parts = urlsplit(url)  # httpcore2 itself would lose what follows a semicolon in the path
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return httpcore2.URL(
        scheme=parts.scheme, host=parts.hostname or "", port=parts.port, target=target
    )


def _headers(delivery: Delivery, body: str) -> Mapping[bytes | str, bytes | str]:
    at = datetime.now(UTC)
    return {
        "Host": urlsplit(delivery.url).netloc,
        "Content-Type": "application/json",
        "User-Agent": "offload-callback/1",
        "webhook-id": delivery.message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        # Several while a secret is replaced: the receiver takes any that it knows.
        "webhook-signature": " ".join(
            Webhook(secret).sign(delivery.message_id, at, body)
            for secret in get_settings().callback_secrets
        ),
    }


def _retry_after(response: httpcore2.Response) -> float:
    """The seconds that the header Retry-After asks for: a number, or a time."""
    headers = {name.lower(): value for name, value in response.headers}
    given = headers.get(b"retry-after", b"").decode("latin-1").strip()
    if given.isascii() and given.isdigit():
        return float(given)
    try:
        at = parsedate_to_datetime(given)
    except ValueError:
        return 0.0
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()
