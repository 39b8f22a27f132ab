"""A clock that no step misleads: the database's may be set, and this process may stand still."""

import time
from datetime import datetime, timedelta

import structlog

from ..settings import get_settings

log = structlog.get_logger()


class SteadyClock:
    """Compares the database's clock with this process's monotonic one, which nobody sets."""

    def __init__(self) -> None:
        self._began: tuple[datetime, float] | None = None
        self._seen: tuple[datetime, float] | None = None

    def see(self, at: datetime) -> bool:
        """Note what the database's clock says now; whether it went on evenly since the last time.

        It has not where it was set, or where the database was away, or this process stood still.
        """
        now, settings = time.monotonic(), get_settings()
        before, self._seen = self._seen, (at, now)
        if before is None:
            self._began = (at, now)
            return False
        passed = now - before[1]
        stepped = abs((at - before[0]).total_seconds() - passed)
        is_even = max(stepped, passed - settings.sweep_seconds) < settings.job_lease_seconds / 4
        if not is_even:
            log.warning("clock_or_process_jumped", seconds=round(max(stepped, passed), 1))
        return is_even

    @property
    def safe_now(self) -> datetime:
        """The time, or an earlier one: not later than the time since the beginning allows.

        Nothing is deleted because a clock was set forward.
        """
        if self._began is None or self._seen is None:
            raise RuntimeError("the clock has not been seen yet")
        elapsed = timedelta(seconds=self._seen[1] - self._began[1])
        return min(self._seen[0], self._began[0] + elapsed)

    @property
    def has_been_seen(self) -> bool:
        """Whether there is a time to believe."""
        return self._seen is not None
