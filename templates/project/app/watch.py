"""Follows reports for those who watch: one look at the database per interval, for all of them.

Nobody is sent every write. Each watcher gets the latest state of a report that it has not had yet:
whoever is slow misses states that were short, never the last one, and holds up nobody.
"""

import asyncio
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.database import reading_async
from app.models import ENDED, Report, Status
from app.schemas import ReportOut
from app.settings import get_settings

log = structlog.get_logger()

NEWEST = 20  # so many reports are current even when they have ended


Place = tuple[int, Status]
"""A version of a report, and its status in it."""


@dataclass(frozen=True, slots=True)
class State:
    """A report as it stood at a look, ready to be sent."""

    version: int
    is_end: bool
    json: str


class Watch:
    """What a watcher of one report, or of all current ones, has not taken yet."""

    def __init__(self, report_id: UUID | None) -> None:
        self._report_id = report_id
        self._is_new = True  # no look has been for it yet
        self._is_closed = False
        self._latest: dict[UUID, State] = {}  # never more than one of a report
        self._has_news = asyncio.Event()

    def lacks(self, current: Set[UUID], changed: Set[UUID]) -> Set[UUID]:
        """The reports to be given to it after a look."""
        if self._report_id is None:
            return current if self._is_new else changed
        own = {self._report_id}
        return own if self._is_new else own & changed

    def put(self, lacking: Set[UUID], states: Mapping[UUID, State]) -> None:
        """Have these taken next, in the place of older ones. Closes if its report is not there."""
        self._is_new = False
        self._latest |= {report_id: states[report_id] for report_id in lacking & states.keys()}
        if self._latest:
            self._has_news.set()
        elif self._report_id in lacking:
            self.close()

    def close(self) -> None:
        """Have nothing come after what is there."""
        self._is_closed = True
        self._has_news.set()

    async def take(self) -> list[State]:
        """What has changed since the last time, as soon as something has; empty at the end."""
        await self._has_news.wait()
        if not self._is_closed:
            self._has_news.clear()
        taken, self._latest = self._latest, {}
        return list(taken.values())


class Watcher:
    """Looks for all watches of this process at once, and not at all while there are none."""

    def __init__(self) -> None:
        self.is_stopping = False
        self._watches: set[Watch] = set()
        self._known: dict[UUID, Place] = {}  # the current reports at the last look
        self._arrived = asyncio.Event()

    @contextmanager
    def watch(self, report_id: UUID | None = None) -> Iterator[Watch]:
        """Watch a report from how it stands now on; without an id, all that are current.

        Current are the reports that have not ended, and the NEWEST.
        """
        watch = Watch(report_id)
        if self.is_stopping:
            watch.close()
        self._watches.add(watch)
        self._arrived.set()
        try:
            yield watch
        finally:
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
            except Exception:
                if not is_away:
                    log.exception("watchers_wait")
                is_away = True

    async def look(self) -> None:
        """Give every watch what it lacks: two queries at the most, however many they are."""
        watches = list(self._watches)  # not those that come while the database answers
        async with reading_async() as session:
            current = await _current(session)
            changed = _changed(self._known, current)
            lacking = [watch.lacks(current.keys(), changed) for watch in watches]
            states = await _load(session, set[UUID]().union(*lacking))
        for watch, report_ids in zip(watches, lacking, strict=True):
            if report_ids:
                watch.put(report_ids, states)
        self._known = current

    async def _rest(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(get_settings().watch_seconds if self._watches else None):
                await self._arrived.wait()
        self._arrived.clear()


def _changed(known: dict[UUID, Place], current: dict[UUID, Place]) -> set[UUID]:
    changed = {report_id for report_id, place in current.items() if known.get(report_id) != place}
    unended = {report_id for report_id, (_, status) in known.items() if status not in ENDED}
    return changed | unended - current.keys()  # those have ended, with many newer ones


async def _current(session: AsyncSession) -> dict[UUID, Place]:
    newest = select(Report.id).order_by(Report.created_at.desc(), Report.id.desc()).limit(NEWEST)
    unended = Report.status.in_((Status.QUEUED, Status.RUNNING))
    current = select(Report.id, Report.version, Report.status).where(
        or_(unended, Report.id.in_(newest))
    )
    found = await session.execute(current)
    return {report_id: (version, status) for report_id, version, status in found}


async def _load(session: AsyncSession, report_ids: Set[UUID]) -> dict[UUID, State]:
    if not report_ids:
        return {}
    reports = await session.scalars(select(Report).where(Report.id.in_(report_ids)))
    return {report.id: _state(report) for report in reports}


def _state(report: Report) -> State:
    return State(report.version, report.status in ENDED, ReportOut.of(report).model_dump_json())
