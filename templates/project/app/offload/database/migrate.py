"""Brings the engine's tables up to date, apart from the application's own migrations.

The revisions and their version table are the engine's, so no revision of the application, and no
later release of the engine, ever shares a chain with the other. They run without an env.py, because
the application's env.py may be what calls this, and Alembic knows one environment at a time.
"""

from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, text

from ..settings import get_settings, shared_database
from .engines import get_engine, read
from .outage import while_away
from .tables import SCHEMA, VERSION_TABLE, are_there
from .versions import is_current

FOLDER = Path(__file__).parent / "migrations"
LOCK = 7_305_942  # any number that no other advisory lock of this database uses


def migrate() -> None:
    """Apply the missing migrations. Safe with many replicas: one works, the others wait.

    Waits up to 30 s for a database that does not answer yet.
    """
    get_settings().make_folders()
    while_away()(_begin_file)
    if not read(_has_all):
        while_away()(_run, "_upgrade_revs", "head")


def migrate_by(connection: Connection) -> None:
    """Apply the missing migrations in a transaction of somebody else's, unless there are tables."""
    if get_settings().migrate_on_start and not are_there(connection):
        _run_by(connection, "_upgrade_revs", "head")


def downgrade(revision: str) -> None:
    """Take migrations back, to `base` all of them: the engine's tables and what they hold."""
    _run("_downgrade_revs", revision)


def _begin_file() -> None:
    """Give a new SQLite file the journal with which readers and a writer go on side by side.

    It stays in the file. One that is the application's, or holds tables, is left as it is.
    """
    engine = get_engine()
    if engine.dialect.name != "sqlite" or shared_database() is not None:
        return
    with closing(engine.raw_connection()) as connection:
        cursor = connection.cursor()
        if cursor.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
            cursor.execute("PRAGMA journal_mode=WAL")
            connection.invalidate()  # it was made for the journal before: with an fsync a commit


def _has_all(connection: Connection) -> bool:
    return is_current(connection, FOLDER / "versions", VERSION_TABLE, _schema(connection))


def _schema(connection: Connection) -> str | None:
    return SCHEMA if connection.dialect.name == "postgresql" else None


def _run(steps: str, revision: str) -> None:
    with get_engine().begin() as connection:
        _run_by(connection, steps, revision)


def _run_by(connection: Connection, steps: str, revision: str) -> None:
    from alembic.operations import Operations  # here: see `versions`
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(FOLDER))
    _serialize(connection)
    context = MigrationContext.configure(
        connection,
        opts={
            "fn": lambda current, _: getattr(scripts, steps)(revision, current),
            "version_table": VERSION_TABLE,
            "version_table_schema": _schema(connection),
            "transactional_ddl": True,
        },
    )
    with Operations.context(context):
        context.run_migrations()


def _serialize(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
    # On SQLite the transaction began with BEGIN IMMEDIATE, which is a lock.
