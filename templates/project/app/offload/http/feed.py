"""Follows jobs for those who watch: one look at the database per interval, for all of them.

Nobody is sent every write. Each watcher gets the latest state of a job that it has not had yet:
whoever is slow misses states that were short, never the last one, and holds up nobody.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID
from weakref import WeakSet

import structlog
from sqlalchemy import Connection

from ..database.engines import read_async
from ..database.outage import is_outage
from ..database.tables import ENDED, Status
from ..queue import listing
from ..settings import get_settings
from .links import Links
from .schemas import Job, with_all

log = structlog.get_logger()

Places = Mapping[UUID, tuple[int, Status]]
"""By the ids of jobs: their versions, and their status in them."""


@dataclass(frozen=True)
class State:
    """A job as it stood at a look."""

    job: Job
    _texts: dict[str, str] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """The id of this state among those of the job."""
        return str(self.job.row.version)

    @property
    def is_end(self) -> bool:
        """Whether the job has ended."""
        return self.job.row.status in ENDED

    def json(self, links: Links) -> str:
        """What a watcher is sent; rendered once for all who reach the service by the same path."""
        if links.root not in self._texts:
            self._texts[links.root] = self.job.out(links).model_dump_json()
        return self._texts[links.root]


class Watch:
    """What a watcher of one job, or of all current ones, has not taken yet."""

    def __init__(self, job_id: UUID | None) -> None:
        self.job_id = job_id
        self._is_new = True  # no look has been for it yet
        self._is_closed = False
        self._latest: dict[UUID, State] = {}  # never more than one of a job
        self._has_news = asyncio.Event()

    def lacks(self, current: Set[UUID], changed: Set[UUID]) -> Set[UUID]:
        """The jobs to be given to it after a look."""
        if self.job_id is None:
            return current if self._is_new else changed
        own = {self.job_id}
        return own if self._is_new else own & changed

    def put(self, lacking: Set[UUID], states: Mapping[UUID, State]) -> None:
        """Have these taken next, in the place of older ones. Closes if its job is not there."""
        self._is_new = False
        self._latest |= {job_id: states[job_id] for job_id in lacking & states.keys()}
        if self._latest:
            self._has_news.set()
        elif self.job_id in lacking:
            self.close()

    def close(self) -> None:
        """Have nothing come after what is there."""
        self._is_closed = True
        self._has_news.set()

    async def take(self) -> Sequence[State]:
        """What has changed since the last time, as soon as something has; empty at the end."""
        await self._has_news.wait()
        if not self._is_closed:
            self._has_news.clear()
        taken, self._latest = self._latest, {}
        return list(taken.values())


class Feed:
    """Looks for all watches of this process at once, and not at all while there are none."""

    def __init__(self) -> None:
        self.is_stopping = False
        # Weak: a request that is cut before its answer begins lets go of its watch, no more.
        self._watches = WeakSet[Watch]()
        self._current: Places = {}  # at the last look, if anybody watched all
        self._single: Places = {}  # and those that were watched one by one
        self._arrived = asyncio.Event()

    def watch(self, job_id: UUID | None = None) -> Watch:
        """Watch a job from how it stands now on; without an id, all that are current.

        Current are the jobs that have not ended, and the newest. The watch lasts until `leave`.
        """
        watch = Watch(job_id)
        if self.is_stopping:
            watch.close()
        self._watches.add(watch)
        self._arrived.set()
        return watch

    def leave(self, watch: Watch) -> None:
        """Watch no more."""
        self._watches.discard(watch)

    def stop(self) -> None:
        """Close every watch, and those to come."""
        self.is_stopping = True
        for watch in self._watches:
            watch.close()

    async def run(self) -> None:
        """Look every WATCH_SECONDS, and at once for whoever comes. An outage only delays."""
        is_away = False
        while True:
            await self._rest()
            try:
                await self.look()
                is_away = False
            except Exception as error:
                if not is_away:
                    log.warning("watchers_wait", exc_info=None if is_outage(error) else error)
                is_away = True

    async def look(self) -> None:
        """Give every watch what it lacks, in one transaction, however many they are."""
        watches = list(self._watches)  # not those that come while the database answers
        if watches:
            self._current, self._single = await read_async(self._look, watches)

    def _look(self, connection: Connection, watches: Collection[Watch]) -> tuple[Places, Places]:
        ids = {watch.job_id for watch in watches if watch.job_id}
        single = listing.places(connection, ids) if ids else {}
        current = listing.current(connection) if any(w.job_id is None for w in watches) else {}
        of_current, of_single = _changed(self._current, current), _changed(self._single, single)
        lacking = {
            watch: watch.lacks(current.keys(), of_single if watch.job_id else of_current)
            for watch in watches
        }
        states = _load(connection, set[UUID]().union(*lacking.values()))
        for watch, job_ids in lacking.items():
            if job_ids:
                watch.put(job_ids, states)
        return current, single

    async def _rest(self) -> None:
        with suppress(TimeoutError):
            seconds = get_settings().watch_seconds if self._watches else None
            await asyncio.wait_for(self._arrived.wait(), seconds)
        self._arrived.clear()


def _changed(known: Places, now: Places) -> Set[UUID]:
    changed = {job_id for job_id, place in now.items() if known.get(job_id) != place}
    unended = {job_id for job_id, (_, status) in known.items() if status not in ENDED}
    return changed | unended - now.keys()  # those have ended, with many newer ones, or are deleted


def _load(connection: Connection, ids: Collection[UUID]) -> dict[UUID, State]:
    rows = listing.get_many(connection, ids) if ids else []
    return {job.row.id: State(job) for job in with_all(connection, rows)}
