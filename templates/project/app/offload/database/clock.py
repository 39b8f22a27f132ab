"""The database's own clock, in SQL: hosts that disagree about the time agree about leases.

SQLite stores times as text; the format is the one that SQLAlchemy reads and compares.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from .tables import UtcDateTime

SQLITE_FORMAT = "%Y-%m-%d %H:%M:%f000"


class now_(GenericFunction[datetime]):  # noqa: N801 (called like the SQL function that it is)
    """The time at which the statement runs, not at which its transaction began."""

    type = UtcDateTime()
    inherit_cache = True


class after(GenericFunction[datetime]):  # noqa: N801
    """So many seconds after now_(); before it when they are negative."""

    type = UtcDateTime()
    inherit_cache = True

    def __init__(self, seconds: float | ColumnElement[Any]) -> None:
        number = seconds if isinstance(seconds, ColumnElement) else literal(float(seconds))
        super().__init__(number)


@compiles(now_, "postgresql")
def _now_postgresql(_element: now_, _compiler: Any, **_: Any) -> str:
    return "clock_timestamp()"


@compiles(now_, "sqlite")
def _now_sqlite(_element: now_, _compiler: Any, **_: Any) -> str:
    return f"strftime('{SQLITE_FORMAT}', 'now')"


@compiles(after, "postgresql")
def _after_postgresql(element: after, compiler: Any, **options: Mapping[str, Any]) -> str:
    (seconds,) = element.clauses
    # numeric: a double of many seconds would lose microseconds
    return f"(clock_timestamp() + make_interval(secs => {compiler.process(seconds, **options)}))"


@compiles(after, "sqlite")
def _after_sqlite(element: after, compiler: Any, **options: Mapping[str, Any]) -> str:
    (seconds,) = element.clauses
    number = compiler.process(seconds, **options)
    return f"strftime('{SQLITE_FORMAT}', 'now', ({number}) || ' seconds')"
