"""A database and a store of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app import readings
from app.database import get_async_engine, get_engine, writing
from app.migrate import migrate
from app.models import Dataset, Report
from app.settings import get_settings
from app.storage import get_store
from service import private_database
from unit.rows import add_report

CACHED = (get_settings, get_engine, get_async_engine, get_store)


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a migrated database that the app uses meanwhile."""
    with private_database(tmp_path) as url:
        monkeypatch.chdir(tmp_path)  # where no .env of the project's is read
        monkeypatch.setenv("DATABASE_URL", url)
        monkeypatch.setenv("STORAGE_URL", str(tmp_path / "pdfs"))
        _forget()
        migrate()
        yield url
        get_engine().dispose()
        _forget()


def _forget() -> None:
    for cached in CACHED:
        cached.cache_clear()


@pytest.fixture
def dataset(database: str) -> Dataset:
    """A dataset with one reading."""
    found = readings.parse(b"taken_at,value\n2000-01-01,1\n")
    with writing() as session:
        readings.replace(session, "one", found)
        return session.query(Dataset).one()


@pytest.fixture
def report(dataset: Dataset) -> Report:
    """A queued report."""
    return add_report(dataset)
