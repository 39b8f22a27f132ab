"""The heartbeat of a run: it carries lease and progress out, and the reasons to stop in."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app import jobs
from app.database import transact
from app.errors import Cancelled, DeadlineExceeded, Interrupted, LeaseLost, RunStopped
from app.settings import HEARTBEAT_SECONDS, OVERDUE_GRACE_SECONDS, get_settings

log = structlog.get_logger()


class Heartbeat:
    """Beats on a thread of its own while the run lasts, whether or not the work calls back.

    A C call that holds the GIL stops this thread too: JOB_LEASE_SECONDS must be longer than the
    longest such call.
    """

    def __init__(
        self,
        token: str,
        is_stopping: Callable[[], bool],
        on_unheeded: Callable[[type[RunStopped]], None] | None = None,
    ) -> None:
        """`on_unheeded` is called when the work goes on in spite of the reason to stop."""
        self._token = token
        self._is_stopping = is_stopping
        self._on_unheeded = on_unheeded
        self._deadline = time.monotonic() + get_settings().job_deadline_seconds
        self._fraction = 0.0
        self._reason: type[RunStopped] | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat-{token}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def progress(self, fraction: float) -> None:
        """Note how far the work is. Raises RunStopped when it must not go on.

        Raises ValueError unless the fraction is from 0 to 1.
        """
        if not 0 <= fraction <= 1:
            raise ValueError(f"progress takes a fraction from 0 to 1, not {fraction}")
        self._fraction = fraction
        if reason := self._reason or self._reason_now():
            raise reason

    def _reason_now(self) -> type[RunStopped] | None:
        if self._is_stopping():
            return Interrupted
        if time.monotonic() > self._deadline:
            return DeadlineExceeded
        return None

    def _beat(self) -> None:
        while self._reason is None and not self._over.wait(HEARTBEAT_SECONDS):
            self._reason = self._beat_once()
        if self._reason and self._on_unheeded and not self._over.wait(OVERDUE_GRACE_SECONDS):
            self._on_unheeded(self._reason)

    def _beat_once(self) -> type[RunStopped] | None:
        try:
            if transact(jobs.beat, self._token, self._fraction):
                return Cancelled
        except LeaseLost:
            return LeaseLost
        except SQLAlchemyError:
            log.exception("heartbeat_failed")
        return self._reason_now()
