"""Brings the database's tables up to date."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from app.database import while_away
from app.settings import get_settings

ROOT = Path(__file__).resolve().parent.parent


def migrate() -> None:
    """Apply the missing migrations. Safe with many replicas: one works, the others wait.

    Waits up to 30 s for a database that does not answer yet.
    """
    get_settings().make_folders()
    while_away(command.upgrade, Config(toml_file=ROOT / "pyproject.toml"), "head")
