"""An SQLite file that is removed or replaced while it is open: what is written to it is lost.

Open connections go on with the file that no path leads to any more, and a new one makes a file
without tables. So no connection is used whose file is not the one at the path.
"""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError

Identity = tuple[int, int]


def watch(engine: Engine) -> None:
    """Have the engine's connections fail as in an outage while their file is away."""
    path = Path(engine.url.database or "").absolute()
    was_there = False

    def before_connecting(*_: Any) -> None:
        if was_there:
            _identity(path)

    def before_use(_connection: Any, record: Any, _proxy: Any) -> None:
        nonlocal was_there
        was_there = True
        found = _identity(path)
        if record.info.setdefault("file", found) != found:
            raise DisconnectionError("another file is there now")  # the pool connects to it

    event.listen(engine, "do_connect", before_connecting)
    event.listen(engine, "checkout", before_use)


def _identity(path: Path) -> Identity:
    try:
        found = path.stat()
    except FileNotFoundError:
        error = sqlite3.OperationalError(f"the file {path.name} is gone")
        error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
        raise error from None
    return found.st_dev, found.st_ino
