"""Fixtures of the engine's tests.

A service, for those that leave it as it was or one's own; a migrated database for each module, and
empty for each test; kinds of jobs that a test writes.
"""

import os
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete

from app.offload import discovery
from app.offload.database.engines import transact
from app.offload.database.tables import jobs, statistics, watermarks
from app.offload.files.store import get_store
from offload.callbacks.databases import migrated
from offload.databases import private_database
from offload.rows.making import LONG_AGO, WriteJobs
from offload.service import Service, ServiceMaker

# The Procfile's programs are found where the environment is not activated, too.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture(scope="session")
def own_settings() -> Callable[[], dict[str, str]]:
    """Gives a service the settings that its strategy wants each to have of its own."""
    return dict


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, own_settings: Callable[[], dict[str, str]]
) -> Iterator[Service]:
    """The service, shared by the tests of a module."""
    folder = tmp_path_factory.mktemp("service")
    with private_database(folder) as url, Service(folder, url, **own_settings()) as running:
        yield running


@pytest.fixture
def make_service(
    tmp_path: Path, own_settings: Callable[[], dict[str, str]]
) -> Iterator[ServiceMaker]:
    """Makes a service of the test's own, not started yet; settings may be given."""
    with ExitStack() as stack:
        url = stack.enter_context(private_database(tmp_path))

        def make(**settings: str) -> Service:
            service = Service(tmp_path, url, **(own_settings() | settings))
            stack.push(service.__exit__)
            return service

        yield make


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
