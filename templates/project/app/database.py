"""What all tables of this service have in common, and how they are brought up to date.

The sessions are the engine's: `from app.offload import reading, writing`.
"""

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase, MappedAsDataclass

from app.offload.database.engines import read
from app.offload.database.migrate import migrate as migrate_engine
from app.offload.database.tables import UtcDateTime
from app.offload.database.versions import is_current

ROOT = Path(__file__).resolve().parent.parent


class Base(MappedAsDataclass, DeclarativeBase):
    """Names every constraint, so that migrations can change it."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime}  # noqa: RUF012 (SQLAlchemy's own name)


def now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)


def migrate() -> None:
    """Apply the missing migrations, as `alembic upgrade head` does: the engine's too, and first.

    Safe with many replicas: one works, the others wait. Only revisions in migrations/versions are
    looked for: if Alembic is told of other folders (version_locations), leave out the question.
    """
    migrate_engine()
    if read(is_current, ROOT / "migrations" / "versions", "alembic_version"):
        return
    from alembic import command  # here, where it is needed: it takes long to import
    from alembic.config import Config

    command.upgrade(Config(toml_file=ROOT / "pyproject.toml"), "head")
