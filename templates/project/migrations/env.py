"""How Alembic reaches this service's tables. The engine's come first, by a chain of their own."""

from importlib import import_module
from typing import Any

from alembic import context
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, TypeDecorator, text

from app.database import ROOT, Base
from app.offload.database.engines import get_engine
from app.offload.database.migrate import migrate as migrate_engine
from app.offload.database.tables import include_name

LOCK = 7_305_941  # any number that no other advisory lock of this database uses

# Each adds its tables to Base.metadata, or has a `metadata` of its own.
FOLDERS = sorted(path.parent.name for path in (ROOT / "app" / "jobs").glob("*/tables.py"))
MODULES = [import_module(f"app.jobs.{folder}.tables") for folder in FOLDERS]
TABLES = dict.fromkeys([Base.metadata, *(getattr(m, "metadata", Base.metadata) for m in MODULES)])


def run() -> None:
    """Migrate in one transaction; whoever comes second waits and finds nothing to do."""
    migrate_engine()
    with get_engine().begin() as connection:
        _lock(connection)
        if getattr(context.config.cmd_opts, "autogenerate", False):
            _upgrade(connection)
        context.configure(
            connection=connection,
            target_metadata=list(TABLES),
            transactional_ddl=True,
            include_name=include_name,
            render_item=_render_item,
            render_as_batch=connection.dialect.name == "sqlite",  # it has no ALTER COLUMN
        )
        context.run_migrations()


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    # On SQLite the transaction began with BEGIN IMMEDIATE, which is a lock.


def _upgrade(connection: Connection) -> None:
    """Apply what is missing: a new revision is the difference to a database that is up to date."""

    def missing(revision: Any, _context: MigrationContext) -> Any:
        return context.script._upgrade_revs("heads", revision)

    migration = MigrationContext.configure(
        connection, opts={"fn": missing, "transactional_ddl": True}
    )
    with Operations.context(migration):
        migration.run_migrations()


def _render_item(kind: str, item: object, _autogenerate: object) -> str | bool:
    # A revision names SQLAlchemy's own types, so that it outlives the code of today.
    return f"sa.{item.impl!r}" if kind == "type" and isinstance(item, TypeDecorator) else False


run()
