"""Sends the callbacks that are due, from every API process: each try is one sender's."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from ssl import SSLContext
from time import monotonic

import httpcore2
import structlog
from structlog.contextvars import bound_contextvars

from ..database.engines import read_async, transact_async
from ..database.outage import is_outage
from ..observing.metrics import CALLBACK_TRIES
from ..settings import get_settings
from . import retries
from .outbound import GuardedBackend
from .post import post
from .retries import Delivery, Outcome, Render
from .slots import AT_ONCE, Slots

log = structlog.get_logger()

LOOK_SECONDS = 1.0
PAUSE_SECONDS = 0.05  # between two looks while there is much to send


@asynccontextmanager
async def running(render: Render) -> AsyncIterator[None]:
    """Send while the block lasts. What is interrupted then is tried again by another sender."""
    if not get_settings().callback_secrets:
        yield  # nobody can have asked for a callback
        return
    # Once, on a thread: loading them takes 20 ms, and the pool would do it for each connection.
    certificates = await asyncio.to_thread(_load_certificates)
    sending = asyncio.create_task(_send_for_ever(certificates, render))
    try:
        yield
    finally:
        sending.cancel()
        await asyncio.wait([sending])


def _load_certificates() -> SSLContext:
    try:
        return httpcore2.default_ssl_context()
    except OSError as error:
        raise RuntimeError(
            f"no certificates to check callbacks' receivers by ({error}); mend SSL_CERT_FILE"
        ) from error


async def _send_for_ever(certificates: SSLContext, render: Render) -> None:
    pool = httpcore2.AsyncConnectionPool(
        certificates, max_connections=AT_ONCE, network_backend=GuardedBackend()
    )
    async with pool:
        await _Sender(pool, render).run()


class _Sender:
    def __init__(self, pool: httpcore2.AsyncConnectionPool, render: Render) -> None:
        self._pool, self._render = pool, render
        self._slots = Slots()
        self._slot_is_free = asyncio.Event()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tries:
            while True:
                for delivery in await self._take():
                    self._slots.begin(delivery.origin)
                    tries.create_task(self._try(delivery))
                await self._pause()

    async def _take(self) -> Sequence[Delivery]:
        try:
            chosen = self._slots.choose(await read_async(retries.find_due))
            return await transact_async(retries.take, chosen) if chosen else []
        except Exception as error:
            _tell_failure("callbacks_not_taken", error)
            return []

    async def _pause(self) -> None:
        await asyncio.sleep(PAUSE_SECONDS)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._slot_is_free.wait(), LOOK_SECONDS)
        self._slot_is_free.clear()

    async def _try(self, delivery: Delivery) -> None:
        with bound_contextvars(job_id=str(delivery.job_id), request_id=delivery.request_id):
            try:
                if outcome := await self._deliver(delivery):
                    await transact_async(retries.note, delivery, outcome)
            except Exception as error:  # it is tried again when its lease has run out
                _tell_failure("callback_not_noted", error)

    async def _deliver(self, delivery: Delivery) -> Outcome | None:
        try:
            body = await read_async(retries.body, delivery, self._render)
            return await self._post(delivery, body) if body else None
        finally:
            self._slots.end(delivery.origin)
            self._slot_is_free.set()

    async def _post(self, delivery: Delivery, body: str) -> Outcome:
        begin = monotonic()
        outcome = await post(self._pool, delivery, body)
        self._slots.remember(delivery.origin, monotonic() - begin)
        _tell(delivery, outcome)
        return outcome


def _tell(delivery: Delivery, outcome: Outcome) -> None:
    what = "failed" if outcome.error else "delivered"
    CALLBACK_TRIES.labels(what).inc()
    log.info(
        f"callback_{what}", attempt=delivery.attempt, status=outcome.status, error=outcome.error
    )


def _tell_failure(event: str, error: Exception) -> None:
    if is_outage(error):
        log.warning(event, error=str(error).partition("\n")[0])
    else:
        log.error(event, exc_info=error)
