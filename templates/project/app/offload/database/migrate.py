"""Brings the engine's tables up to date, apart from the application's own migrations.

The revisions and their version table are the engine's, so no revision of the application, and no
later release of the engine, ever shares a chain with the other. They run without an env.py, because
the application's env.py may be what calls this, and Alembic knows one environment at a time.
"""

from pathlib import Path

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from ..settings import get_settings
from .engines import get_engine
from .outage import while_away
from .tables import SCHEMA, VERSION_TABLE

FOLDER = Path(__file__).parent / "migrations"
LOCK = 7_305_942  # any number that no other advisory lock of this database uses


def migrate() -> None:
    """Apply the missing migrations. Safe with many replicas: one works, the others wait.

    Waits up to 30 s for a database that does not answer yet.
    """
    get_settings().make_folders()
    while_away()(_run, "_upgrade_revs", "head")


def downgrade(revision: str) -> None:
    """Take migrations back, to `base` all of them: the engine's tables and what they hold."""
    _run("_downgrade_revs", revision)


def _run(steps: str, revision: str) -> None:
    scripts = ScriptDirectory(str(FOLDER))
    with get_engine().begin() as connection:
        on_postgresql = connection.dialect.name == "postgresql"
        _serialize(connection)
        context = MigrationContext.configure(
            connection,
            opts={
                "fn": lambda current, _: getattr(scripts, steps)(revision, current),
                "version_table": VERSION_TABLE,
                "version_table_schema": SCHEMA if on_postgresql else None,
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
