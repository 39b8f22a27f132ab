"""The heartbeat of the runs of a process: one thread for all, and no write while nothing changes.

It reads cancels, writes progress that moved, and renews leases when a quarter of their time is
over. A C call that holds the GIL stops this thread too; then the parent of the process renews.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import structlog
from sqlalchemy import Connection, text

from ..database.engines import read_once, transact_once
from ..errors import Cancelled, LeaseLost, RunStopped
from ..queue import claim
from ..queue.ends import Lease
from ..settings import get_settings
from .signals import RunSignal

log = structlog.get_logger()

LONGEST_BEAT_SECONDS = 0.5
GRACE_SECONDS = 2.0  # for the work to heed a cancel, its deadline or a stop

Unheeded = Callable[[RunSignal, type[RunStopped]], None]


class Watcher:
    """Watches what runs under tokens that begin with its `prefix`."""

    def __init__(self, on_unheeded: Unheeded, prefix: str = "") -> None:
        """`on_unheeded` is called when work goes on in spite of its reason; again if it raises."""
        self.prefix = prefix
        self._on_unheeded = on_unheeded
        self._signals: dict[str, RunSignal] = {}
        self.unheeded: set[Lease] = set()  # of runs that were ended, and go on
        self._busy = threading.Event()
        self._forcing = threading.Lock()
        lease = get_settings().job_lease_seconds
        self._beat_seconds = min(LONGEST_BEAT_SECONDS, lease / 10)
        self._renew_seconds = lease / 4
        self._renewed = 0.0  # on the monotonic clock
        threading.Thread(target=self._watch, name="offload-watcher", daemon=True).start()

    @property
    def running(self) -> set[Lease]:
        """The leases of the runs that are under way, until all about them is written down."""
        return {signal.lease for signal in list(self._signals.values())}

    @contextmanager
    def watching(self, signal: RunSignal) -> Iterator[None]:
        """Watch a run while the block lasts."""
        if not self._signals:
            self._renewed = time.monotonic()
        self._signals[signal.token] = signal
        self._busy.set()
        try:
            yield
        finally:
            with self._forcing:  # a process that is about to be killed takes no other job along
                self._signals.pop(signal.token, None)
                self.unheeded.discard(signal.lease)

    def _watch(self) -> None:
        while True:
            self._wait_for_a_run()
            time.sleep(self._beat_seconds)
            if signals := list(self._signals.values()):
                self._watch_once(signals)

    def _watch_once(self, signals: list[RunSignal]) -> None:
        for step in (self._look, self._beat, self._force):
            try:
                step(signals)
            except Exception:
                log.warning("watcher_failed", step=step.__name__, exc_info=True)

    def _wait_for_a_run(self) -> None:
        if not self._signals:
            self._busy.clear()
            if self._signals:  # one has begun in between
                return
            self._busy.wait()

    def _look(self, signals: list[RunSignal]) -> None:
        for signal in signals:
            signal.look()

    def _beat(self, signals: list[RunSignal]) -> None:
        found = {row.lease_token: row for row in read_once(claim.watched, self.prefix)}
        for signal in signals:
            if signal.token not in found:
                signal.stop(LeaseLost)
            elif found[signal.token].cancel_requested_at is not None and not signal.is_ending:
                signal.stop(Cancelled)
        moved = {each: each.fraction for each in signals if each.fraction != each.written_fraction}
        is_due = time.monotonic() - self._renewed > self._renew_seconds
        if moved or is_due:
            transact_once(_write, moved, signals if is_due else ())
            for signal, fraction in moved.items():
                signal.written_fraction = fraction
            self._renewed = time.monotonic() if is_due else self._renewed

    def _force(self, signals: list[RunSignal]) -> None:
        for signal in signals:
            with self._forcing:
                is_new = signal.token in self._signals and signal.lease not in self.unheeded
                if is_new and signal.reason and signal.is_unheeded(GRACE_SECONDS):
                    log.warning("run_ended_by_force", reason=signal.reason.__name__)
                    self._on_unheeded(signal, signal.reason)  # where it raises: again at next beat
                    self.unheeded.add(signal.lease)


def _write(
    connection: Connection, moved: Mapping[RunSignal, float], renewed: Iterable[RunSignal]
) -> None:
    if connection.dialect.name == "postgresql":
        # What a crash of the server takes back is half a second of progress.
        connection.execute(text("SET LOCAL synchronous_commit = off"))
    for signal, fraction in moved.items():
        claim.note_progress(connection, signal.token, fraction)
    for signal in renewed:  # and no row whose run is over: its end could not be written
        claim.renew(connection, signal.token)
