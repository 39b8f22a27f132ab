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
from app.settings import HEARTBEAT_SECONDS, get_settings

log = structlog.get_logger()


class Heartbeat:
    """Beats on a thread of its own while the run lasts, whether or not the work calls back.

    A C call that holds the GIL stops this thread too: JOB_LEASE_SECONDS must be longer than the
    longest such call.
    """

    def __init__(self, token: str, is_stopping: Callable[[], bool]) -> None:
        self._token = token
        self._is_stopping = is_stopping
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
        if self._reason:
            raise self._reason
        if self._is_stopping():
            raise Interrupted
        if time.monotonic() > self._deadline:
            raise DeadlineExceeded

    def _beat(self) -> None:
        while self._reason is None and not self._over.wait(HEARTBEAT_SECONDS):
            try:
                if transact(jobs.beat, self._token, self._fraction):
                    self._reason = Cancelled
            except LeaseLost:
                self._reason = LeaseLost
            except SQLAlchemyError:
                log.exception("heartbeat_failed")
