"""Sends the callbacks that are due, from every API process: each try is one sender's.

Signed as the Standard Webhooks specification says: https://www.standardwebhooks.com
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from ssl import SSLContext
from urllib.parse import urlsplit

import httpcore2
import structlog
from standardwebhooks import Webhook
from structlog.contextvars import bound_contextvars

from app import callbacks
from app.callbacks import Delivery, Outcome
from app.database import writing_async
from app.metrics import CALLBACKS
from app.models import now
from app.outbound import AddressRefused, GuardedBackend
from app.settings import get_settings

log = structlog.get_logger()

LOOK_SECONDS = 1.0
AT_ONCE = 16  # receivers that hang keep nobody waiting but each other
RETRY_AFTER_HEEDED = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


@asynccontextmanager
async def running() -> AsyncIterator[None]:
    """Send while the block lasts. What is interrupted then is tried again by another sender."""
    if not get_settings().callback_secrets:
        yield  # nobody can have asked for a callback
        return
    # Once, on a thread: loading them takes 20 ms, and the pool would do it for each connection.
    certificates = await asyncio.to_thread(_load_certificates)
    sending = asyncio.create_task(_send_for_ever(certificates))
    yield
    sending.cancel()
    await asyncio.wait([sending])


def _load_certificates() -> SSLContext:
    try:
        return httpcore2.default_ssl_context()
    except OSError as error:
        raise RuntimeError(
            f"no certificates to check callbacks' receivers by ({error}); mend SSL_CERT_FILE"
        ) from error


async def _send_for_ever(certificates: SSLContext) -> None:
    pool = httpcore2.AsyncConnectionPool(
        certificates, max_connections=AT_ONCE, network_backend=GuardedBackend()
    )
    under_way: set[asyncio.Task[None]] = set()
    async with pool, asyncio.TaskGroup() as tries:
        while True:
            for delivery in await _take_due(AT_ONCE - len(under_way)):
                task = tries.create_task(_try(pool, delivery))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            await asyncio.sleep(LOOK_SECONDS)


async def _take_due(limit: int) -> Sequence[Delivery]:
    try:
        async with writing_async() as session:
            return await session.run_sync(callbacks.take_due, limit)
    except Exception:
        log.exception("callbacks_not_taken")
        return []


async def _try(pool: httpcore2.AsyncConnectionPool, delivery: Delivery) -> None:
    with bound_contextvars(report_id=str(delivery.report_id), request_id=delivery.request_id):
        try:
            outcome = await _post(pool, delivery)
            _tell(delivery, outcome)
            async with writing_async() as session:
                await session.run_sync(callbacks.note, delivery, outcome)
        except Exception:  # it is tried again when its lease has run out: once too often, perhaps
            log.exception("callback_not_noted")


def _tell(delivery: Delivery, outcome: Outcome) -> None:
    what = "failed" if outcome.error else "delivered"
    CALLBACKS.labels(what).inc()
    log.info(
        f"callback_{what}", attempt=delivery.attempt, status=outcome.status, error=outcome.error
    )


async def _post(pool: httpcore2.AsyncConnectionPool, delivery: Delivery) -> Outcome:
    seconds = get_settings().callback_timeout_seconds
    asked = pool.stream(
        "POST",
        _parsed(delivery.url),
        headers=_headers(delivery),
        content=delivery.body.encode(),
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


def _parsed(url: str) -> httpcore2.URL:
    parts = urlsplit(url)  # httpcore2 itself would lose what follows a semicolon in the path
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return httpcore2.URL(
        scheme=parts.scheme, host=parts.hostname or "", port=parts.port, target=target
    )


def _headers(delivery: Delivery) -> Mapping[bytes | str, bytes | str]:
    at = now()
    return {
        "Host": urlsplit(delivery.url).netloc,
        "Content-Type": "application/json",
        "User-Agent": "reports-callback/1",
        "webhook-id": delivery.message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        # Several while a secret is replaced: the receiver takes any that it knows.
        "webhook-signature": " ".join(
            Webhook(secret).sign(delivery.message_id, at, delivery.body)
            for secret in get_settings().callback_secrets
        ),
    }


def judge(response: httpcore2.Response) -> Outcome:
    """What came of a try that was answered."""
    status = response.status
    if 200 <= status < 300:
        return Outcome(status)
    if 300 <= status < 400:
        return Outcome(status, "redirects are not followed")
    wait = _retry_after(response) if status in RETRY_AFTER_HEEDED else 0.0
    return Outcome(status, f"answered {status}", wait)


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
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now()).total_seconds()
