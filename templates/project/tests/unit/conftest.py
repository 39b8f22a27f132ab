"""A database and a store of the test's own."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from obstore import delete
from obstore import list as list_objects
from obstore.store import from_url

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
    with private_database(tmp_path) as url, _private_store(tmp_path) as storage_url:
        monkeypatch.chdir(tmp_path)  # where no .env of the project's is read
        monkeypatch.setenv("DATABASE_URL", url)
        monkeypatch.setenv("STORAGE_URL", storage_url)
        _forget()
        migrate()
        yield url
        get_engine().dispose()
        _forget()


@contextmanager
def _private_store(folder: Path) -> Iterator[str]:
    """The URL of an empty store: a folder, or a prefix of its own in the store of STORAGE_URL."""
    given = os.environ.get("STORAGE_URL", "")
    if "://" not in given:
        yield str(folder / "pdfs")
        return
    url = f"{given.rstrip('/')}/test-{uuid.uuid4().hex}"
    yield url
    store = from_url(url)
    delete(store, [found["path"] for batch in list_objects(store) for found in batch])


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
