"""What the ends of runs add up to. It is counted where they are written, so each counts once."""

from bisect import bisect_left
from datetime import timedelta
from math import inf

from sqlalchemy.orm import Session

from app.database import serialize
from app.models import Report, Tally

RUN_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, inf)


def count_end(session: Session, report: Report, run_time: timedelta) -> None:
    """Count a report whose last run, which took so long, has just ended it."""
    seconds = run_time.total_seconds()
    serialize(session, "tally")  # who ends several reports locks several tallies
    tally = _tally(session, report, RUN_SECONDS[bisect_left(RUN_SECONDS, seconds)])
    tally.reports += 1
    tally.attempts += report.attempts
    tally.seconds += seconds


def _tally(session: Session, report: Report, up_to_seconds: float) -> Tally:
    found = session.get(Tally, (report.status, up_to_seconds))
    if found is None:
        found = Tally(status=report.status, up_to_seconds=up_to_seconds)
        session.add(found)
    return found
