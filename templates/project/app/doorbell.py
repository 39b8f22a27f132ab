"""The doorbell: tells the workers, through the broker, which reports to run.

A row says that a report waits; the message only carries its id. So nobody waits for the broker:
while it is away the ids wait here, and should this process end, a janitor rings again.
"""

import asyncio
import threading
from collections.abc import Callable
from contextvars import Context, copy_context
from queue import SimpleQueue
from uuid import UUID

import structlog
from anyio import CapacityLimiter, to_thread
from tenacity import RetryCallState, Retrying, wait_exponential_jitter

from app.broker import NOT_SET, get_broker_settings

log = structlog.get_logger()

CHECK_SECONDS = 3  # an answer that takes longer is as good as none
DRAIN_SECONDS = 0.5


class Doorbell:
    """Publishes ids one after the other, each until the broker has taken it."""

    def __init__(self, publish: Callable[[UUID], object], ping: Callable[[], object]) -> None:
        """Both functions may block for seconds, and raise what they like."""
        self._publish = publish
        self._ping = ping
        self._queue: SimpleQueue[tuple[UUID, Context] | None] = SimpleQueue()
        self._waiting: set[UUID] = set()
        self._limiter = CapacityLimiter(1)
        # A daemon: no end of the process waits for it.
        self._thread = threading.Thread(target=self._publish_all, name="doorbell", daemon=True)

    def start(self) -> None:
        """Begin to publish."""
        if get_broker_settings().broker_url is None:
            log.error("broker_missing", reason=NOT_SET)
        else:
            self._thread.start()

    async def submit(self, report_id: UUID) -> None:
        """Have a report rung for, once if asked again meanwhile. Never waits for the broker."""
        if report_id not in self._waiting:
            self._waiting.add(report_id)
            self._queue.put((report_id, copy_context()))  # what its log lines name

    async def check(self) -> dict[str, str | None]:
        """Whether the broker answers."""
        return {"broker": await self._trouble()}

    async def stop(self) -> None:
        """Let what was submitted last be published; what cannot be is left to a janitor."""
        if self._thread.is_alive():
            self._queue.put(None)
            await to_thread.run_sync(self._thread.join, DRAIN_SECONDS)

    def _publish_all(self) -> None:
        again = Retrying(
            wait=wait_exponential_jitter(multiplier=0.2, max=5, jitter=0.2),
            before_sleep=_log_failure,
        )
        while asked := self._queue.get():
            report_id, context = asked
            context.run(self._publish_one, again, report_id)

    def _publish_one(self, again: Retrying, report_id: UUID) -> None:
        again(self._publish, report_id)
        self._waiting.discard(report_id)
        log.info("rung", report_id=str(report_id))

    async def _trouble(self) -> str | None:
        if get_broker_settings().broker_url is None:
            return NOT_SET
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await to_thread.run_sync(self._ping, limiter=self._limiter, abandon_on_cancel=True)
        except Exception as error:
            return f"no answer ({type(error).__name__})"
        return None


def _log_failure(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning("doorbell_failed", report_id=str(state.args[0]), error=repr(error))
