"""Database URLs: which of them the engine speaks, and by which driver."""

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}  # for jobs
SQLITE_DRIVERS = {"", "pysqlite", "aiosqlite"}
TAKES_WHAT_LIBPQ_DOES = {"", "psycopg", "psycopg_async", "psycopg2", "psycopg2cffi"}
OTHERS_SSL = {"true": "require", "True": "require", "false": "disable", "False": "disable"}
REMEDY = "use sqlite:/// or postgresql+psycopg://"


def spoken(given: str | URL) -> URL:
    """The URL by psycopg or the standard library's sqlite3. Raises ValueError, without a secret."""
    try:
        url = make_url(given)
    except ArgumentError:
        raise ValueError("is no database URL; try sqlite:///data/app.db") from None
    backend, _, driver = url.drivername.partition("+")
    backend = "postgresql" if backend == "postgres" else backend  # as some hosts still write it
    if backend not in DRIVERS or (backend == "sqlite" and driver not in SQLITE_DRIVERS):
        raise ValueError(f"{url.drivername}:// is not supported; {REMEDY}")
    url = url.set(drivername=DRIVERS[backend])
    if is_sqlite(url):
        _check_file(url)
    elif driver not in TAKES_WHAT_LIBPQ_DOES:
        return _for_libpq(url)
    return url


def is_sqlite(url: URL) -> bool:
    """Whether the URL names an SQLite database."""
    return url.get_backend_name() == "sqlite"


def is_same(one: URL, other: URL) -> bool:
    """Whether two URLs name one database, as far as names tell: a host has several of them."""
    if is_sqlite(one) or is_sqlite(other):
        return is_sqlite(one) and is_sqlite(other) and _file(one) == _file(other)
    return (one.database or one.username) == (other.database or other.username)


def shown(url: URL) -> str:
    """The URL as it may be told to everybody."""
    return url.render_as_string(hide_password=True)


def _check_file(url: URL) -> None:
    if not url.database or ":memory:" in url.database or url.query.get("mode") == "memory":
        raise ValueError(
            "names no file, and a database in memory is one process's own;"
            " try sqlite:///data/app.db"
        )
    if url.database.startswith("file:"):
        raise ValueError("names its file as a URI; write it as a path: sqlite:///data/app.db")


def _for_libpq(url: URL) -> URL:
    """Without the parameters of other drivers; `ssl`, as asyncpg calls it, is `sslmode`."""
    query = {key: value for key, value in url.query.items() if key in {"sslmode", "host", "port"}}
    if isinstance(mode := url.query.get("ssl"), str):
        query["sslmode"] = OTHERS_SSL.get(mode, mode)
    return url.set(query=query)


def _file(url: URL) -> Path:
    return Path(url.database or "").resolve()
