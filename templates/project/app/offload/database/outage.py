"""Which errors pass by themselves: an outage is waited for, a mistake is told at once.

A driver raises the same class for both: `OperationalError` is a lost connection, and on SQLite a
missing column too. So the code decides: SQLSTATE, SQLite's result code.
"""

import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_delay,
    wait_exponential_jitter,
)

log = structlog.get_logger()

# Classes of SQLSTATE (PostgreSQL, appendix A): connection, rolled back (deadlock, serialization),
# insufficient resources (disk full, too many connections), operator's intervention, system error.
PASSING_CLASSES = ("08", "40", "53", "57", "58")
PASSING_STATES = (
    "55P03",  # a lock is not free
    "25006",  # read-only: a standby that is about to be promoted
    "25P03",  # idle in a transaction for too long: this process stood still
    "3D000",  # the database is being made
)
FOR_GOOD = ("57014",)  # a statement that was cancelled by its own timeout
PASSING_SQLITE = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PROTOCOL,
)

LOST_WITHIN = "8s2b"  # SQLAlchemy's; what follows a flush that failed is 7s2a

RETRY_SECONDS = 30
LOGGED_TRIES = 15  # so many tries make one line


def is_outage(error: BaseException) -> bool:
    """Whether the error passes: the database is away, busy or full, or no connection is free."""
    if isinstance(error, NoFreeConnection):
        return True
    if not isinstance(error, DBAPIError):
        return _is_broken_transaction(error)
    if error.connection_invalidated:
        return True
    return _passes(error.orig)


def _passes(cause: BaseException | None) -> bool:
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", None)  # none: raised by the driver itself
        return code is not None and code & 0xFF in PASSING_SQLITE
    state = getattr(cause, "sqlstate", None)
    if state is None:  # psycopg has none where no server answered
        return type(cause).__name__ in {"OperationalError", "InterfaceError", "ConnectionTimeout"}
    if state in FOR_GOOD:
        return False
    return state in PASSING_STATES or state[:2] in PASSING_CLASSES


def _is_broken_transaction(error: BaseException) -> bool:
    # The connection was lost while a transaction was under way: the next statement says so.
    return isinstance(error, PendingRollbackError) and error.code == LOST_WITHIN


def while_away(gives_up: Callable[[], bool] | None = None) -> Callable[..., Any]:
    """Calls a function with its arguments; again while the database is away.

    It gives up after RETRY_SECONDS or, if that is given, when `gives_up` says so; then it raises
    what it last met.
    """
    return partial(_patiently, gives_up)


def _patiently(
    gives_up: Callable[[], bool] | None, function: Any, *args: Any, **options: Any
) -> Any:
    try:  # nearly always: to prepare for more would cost as much as the transaction's statements
        return function(*args, **options)
    except Exception as error:
        if not is_outage(error):
            raise
    again = Retrying(
        retry=retry_if_exception(is_outage),
        wait=wait_exponential_jitter(multiplier=0.1, max=2, jitter=0.1),
        stop=(lambda _: gives_up()) if gives_up else stop_after_delay(RETRY_SECONDS),
        before_sleep=_log,
        reraise=True,
    )
    return again(function, *args, **options)


def _log(state: RetryCallState) -> None:
    if state.attempt_number % LOGGED_TRIES == 1:
        error = state.outcome.exception() if state.outcome else None
        log.warning("database_away", error=str(error).partition("\n")[0])
