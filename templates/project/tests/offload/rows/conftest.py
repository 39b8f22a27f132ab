"""A migrated database for each module, empty for each test; kinds of jobs that a test writes."""

import sys
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete

from app.offload import discovery
from app.offload.database.engines import transact
from app.offload.database.tables import jobs, statistics, watermarks
from app.offload.files.store import get_store
from offload.callbacks.databases import migrated
from offload.rows.making import LONG_AGO, WriteJobs


@pytest.fixture(scope="module")
def migrated_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The engine's tables; the folder that the tests of the module share."""
    folder = tmp_path_factory.mktemp("rows")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # where no .env of the project's is read
        patch.setenv("STORAGE_URL", str(folder / "files"))
        get_store.cache_clear()
        with migrated(folder):
            yield folder
        get_store.cache_clear()


@pytest.fixture
def database(migrated_once: Path) -> Path:
    """The same, and the tables are empty."""
    transact(_empty)
    return migrated_once


def _empty(connection: Connection) -> None:
    for table in (jobs, statistics):  # artifacts and callbacks go with their jobs
        connection.execute(delete(table))
    connection.execute(watermarks.update().values(at=LONG_AGO))


@pytest.fixture
def write_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WriteJobs]:
    """Makes the files, by their paths below `jobs/`, the kinds of jobs of this process."""
    package = f"site_{uuid.uuid4().hex}"
    root = tmp_path / package
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(discovery, "PACKAGE", package)
    monkeypatch.setattr(discovery, "JOBS", root / "jobs")
    cached = (discovery.kinds, discovery.folder_of, discovery._kind_of)

    def write(files: Mapping[str, str]) -> None:
        for path, text in files.items():
            (root / "jobs" / path).parent.mkdir(parents=True, exist_ok=True)
            (root / "jobs" / path).write_text(text)
        for function in cached:
            function.cache_clear()

    write({})
    yield write
    for function in cached:
        function.cache_clear()
    for name in [name for name in sys.modules if name.startswith(package)]:
        del sys.modules[name]
