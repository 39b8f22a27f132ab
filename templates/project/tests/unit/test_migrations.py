"""The migrations make the tables that the models describe."""

import sqlalchemy
from alembic import command
from alembic.config import Config

from app.database import get_engine
from app.migrate import ROOT, migrate

CONFIG = Config(toml_file=ROOT / "pyproject.toml")


def test_nothing_is_left_to_migrate(database: str) -> None:
    command.check(CONFIG)  # raises when the models differ from the tables
    migrate()


def test_the_way_down_and_up_again(database: str) -> None:
    command.downgrade(CONFIG, "base")
    assert sqlalchemy.inspect(get_engine()).get_table_names() == ["alembic_version"]
    command.upgrade(CONFIG, "head")
    command.check(CONFIG)
