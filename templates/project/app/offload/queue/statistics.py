"""What the ends of jobs add up to, rolled up by the janitor some time after they are written.

A row that every end had to update would cost a third of the throughput. The watermark stays behind
the present, and behind every transaction that may still commit an end of before. SQLite has none:
whoever writes is alone. PostgreSQL is asked for them; it tells only of those of the same user, so
that an end that another one commits more than BEHIND late is not counted.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from ..database.engines import options_for
from ..database.tables import SCHEMA, jobs, statistics, watermarks

RUN_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1e308)
BEHIND = timedelta(seconds=60)
AT_ONCE = 10_000  # rows
NAME = "statistics"


def roll_up(connection: Connection, at: datetime) -> int:
    """Count what has ended up to BEHIND `at`, a time that the caller believes; how many rows."""
    since = connection.execute(_WATERMARK).scalar_one_or_none()
    if since is None:  # another janitor is at it
        return 0
    until = min([at - BEHIND, *_open_since(connection)])
    ended = connection.execute(_ENDED, {"since": since, "until": until}).all()
    whole = _without_a_cut(ended)
    if whole:
        connection.execute(_add(connection.dialect.name), _summed(whole))
        connection.execute(_MOVE, {"to": whole[-1].finished_at})
    return len(whole)


def _open_since(connection: Connection) -> Sequence[datetime]:
    """When the transactions began that have written to jobs and are not over.

    Asked for before the rows are: what ends in between is in these, and not counted yet.
    """
    if connection.dialect.name != "postgresql":
        return []
    return connection.execute(_OPEN).scalars().all()


def _without_a_cut(ended: Sequence[Any]) -> Sequence[Any]:
    """Leave out the last instant of a full batch: more of its rows may follow."""
    if len(ended) < AT_ONCE:
        return ended
    return [row for row in ended if row.finished_at < ended[-1].finished_at] or ended


def _summed(ended: Sequence[Any]) -> list[dict[str, Any]]:
    groups: dict[tuple[str, str, float], list[float]] = defaultdict(lambda: [0, 0, 0.0])
    for row in ended:
        ran = (row.finished_at - row.started_at).total_seconds() if row.started_at else 0.0
        key = (row.kind, row.status, RUN_SECONDS[bisect_left(RUN_SECONDS, ran)])
        group = groups[key]
        group[0] += 1
        group[1] += row.attempts
        group[2] += ran
    return [
        {
            "kind": kind,
            "status": status,
            "up_to_seconds": bound,
            "jobs": number,
            "attempts": attempts,
            "seconds": seconds,
        }
        for (kind, status, bound), (number, attempts, seconds) in groups.items()
    ]


@lru_cache
def _add(dialect: str) -> Any:
    new = postgresql.insert(statistics) if dialect == "postgresql" else sqlite.insert(statistics)
    summed = {
        name: statistics.c[name] + new.excluded[name] for name in ("jobs", "attempts", "seconds")
    }
    return new.on_conflict_do_update(
        index_elements=[statistics.c.kind, statistics.c.status, statistics.c.up_to_seconds],
        set_=summed,
    ).execution_options(**options_for(dialect))


_WATERMARK = (
    select(watermarks.c.at).where(watermarks.c.name == NAME).with_for_update(skip_locked=True)
)
_OPEN = text(
    "SELECT xact_start FROM pg_locks JOIN pg_stat_activity USING (pid)"  # noqa: S608 (our names)
    f" WHERE relation = '{SCHEMA}.{jobs.name}'::regclass AND datname = current_database()"
    " AND mode = 'RowExclusiveLock' AND xact_start IS NOT NULL"
)
_MOVE = update(watermarks).where(watermarks.c.name == NAME).values(at=bindparam("to"))
_ENDED = (
    select(jobs.c.kind, jobs.c.status, jobs.c.attempts, jobs.c.started_at, jobs.c.finished_at)
    .where(jobs.c.finished_at > bindparam("since"), jobs.c.finished_at <= bindparam("until"))
    .order_by(jobs.c.finished_at)
    .limit(AT_ONCE)
)
