"""How Alembic reaches the database: with the service's own engine, one migration at a time."""

from alembic import context
from sqlalchemy import Connection, text

from app.database import get_engine
from app.models import Base

MIGRATION_LOCK = 7_305_941  # any number that no other advisory lock of this database uses


def run() -> None:
    """Migrate in one transaction; whoever comes second waits and finds nothing to do."""
    with get_engine().begin() as connection:
        _lock(connection)
        context.configure(
            connection=connection, target_metadata=Base.metadata, transactional_ddl=True
        )
        context.run_migrations()


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
    # On SQLite the transaction began with BEGIN IMMEDIATE, which is a lock.


run()
