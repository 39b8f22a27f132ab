"""What a run and its watcher tell each other: how far it is, and why it must stop."""

import time
from collections.abc import Callable

from ..errors import DeadlineExceeded, Interrupted, RunStopped
from ..queue.ends import Lease


class RunSignal:
    """One run's; its work calls `progress` and `check`, its watcher the others."""

    def __init__(
        self, lease: Lease, deadline_seconds: float, is_stopping: Callable[[], bool]
    ) -> None:
        self.lease, self.token = lease, lease.token
        self.fraction = self.written_fraction = 0.0
        self.reason: type[RunStopped] | None = None
        self.is_ending = False  # the work is done; what it made is being written
        self.since_reason = 0.0  # on the monotonic clock
        self.wake: Callable[[], object] | None = None  # work that waits in an event loop
        self._deadline = time.monotonic() + deadline_seconds
        self._is_stopping = is_stopping

    def progress(self, fraction: float) -> None:
        """Note the fraction done. Raises RunStopped when the run must not go on."""
        self.fraction = fraction
        self.check()

    def check(self) -> None:
        """Raises RunStopped when the run must not go on."""
        if reason := self.reason or self._reason_now():
            self.stop(reason)
            raise reason

    def stop(self, reason: type[RunStopped]) -> None:
        """Have the run end for this reason, unless there is one already."""
        if self.reason is None:
            self.reason, self.since_reason = reason, time.monotonic()
            if self.wake:
                self.wake()

    def look(self) -> None:
        """Stop the run if its time is over, or its process's."""
        if not self.is_ending and (reason := self._reason_now()):
            self.stop(reason)

    def is_unheeded(self, grace_seconds: float) -> bool:
        """Whether the work goes on in spite of the reason to stop."""
        stopped = self.reason is not None and not self.is_ending
        return stopped and time.monotonic() - self.since_reason > grace_seconds

    def _reason_now(self) -> type[RunStopped] | None:
        if self._is_stopping():
            return Interrupted
        return DeadlineExceeded if time.monotonic() > self._deadline else None
