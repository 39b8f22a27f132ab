"""What is believed of the database's clock: it may be set, and this process may stand still."""

import time
from datetime import datetime, timedelta

import structlog

from ..settings import get_settings

log = structlog.get_logger()


class BelievedClock:
    """Compares the database's clock with this process's monotonic one, which nobody sets.

    Leases are judged, and rows deleted, by times in rows. So whoever does that must notice when the
    clock was set, when the database was away, and when this process stood still: meanwhile no run
    could renew its lease.
    """

    def __init__(self) -> None:
        self._began: tuple[datetime, float] | None = None
        self._seen: tuple[datetime, float] | None = None
        self._believes_from = 0.0

    def see(self, at: datetime) -> None:
        """Note what the database's clock says now."""
        now, settings = time.monotonic(), get_settings()
        patience = settings.job_lease_seconds / 2
        if self._seen is None:
            self._began = (at, now)
            self._wait("begun", now, patience)
        else:
            before, when = self._seen
            passed = now - when
            stepped = abs((at - before).total_seconds() - passed)
            if stepped > patience / 2:
                self._wait("clock_was_set", now, patience)
            elif passed > settings.sweep_seconds + patience:
                self._wait("was_away", now, patience)
        self._seen = (at, now)

    @property
    def judges_leases(self) -> bool:
        """Whether every living run could have renewed its lease by now."""
        return self._seen is not None and time.monotonic() >= self._believes_from

    @property
    def safe_now(self) -> datetime:
        """A time that is not later than the clock, nor than the time since `began` allows.

        Nothing is deleted because a clock was set forward.
        """
        if self._began is None or self._seen is None:
            raise RuntimeError("the clock has not been seen yet")
        elapsed = timedelta(seconds=self._seen[1] - self._began[1])
        return min(self._seen[0], self._began[0] + elapsed)

    def _wait(self, reason: str, now: float, patience: float) -> None:
        log.info("leases_may_be_renewed", reason=reason, seconds=patience)
        self._believes_from = now + patience
