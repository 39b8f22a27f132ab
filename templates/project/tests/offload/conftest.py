"""Fixtures of the engine's tests.

A service, for those that leave it as it was or one's own; a migrated database for each module, and
empty for each test; kinds of jobs that a test writes. What they need is imported late: in an
application that is not fastoffload's, its own run of pytest comes by here, and goes on.
"""

import os
import signal
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from offload.rows.making import WriteJobs
    from offload.service import Service, ServiceMaker

HERE = Path(__file__).resolve().parent
STAND_IN = HERE / "stand_in"
# The modules that wait for more than ten seconds, the longest first.
LONGEST = ("test_faults", "test_stops", "test_ledger", "test_run", "test_sender", "test_endings")
LONGEST += ("test_observed", "test_hanging_threads", "test_guarding", "test_security")
LONGEST += ("test_stalls",)
STARTERS = {"service", "make_service", "limited", "breakable"}  # the fixtures that take seconds

# The Procfile's programs are found where the environment is not activated, too.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
# Without byte code each of the many programs that are started would compile all it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_configure(config: pytest.Config) -> None:
    """Where these tests run by themselves, let services hear of signals that are ignored here."""
    if config.rootpath == HERE:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the modules that take longest: nobody waits for one in the end."""
    numbers = Counter(item.path for item in items)
    slow = {item.path for item in items if _starts_something(item)}
    items.sort(key=lambda item: (_turn(item), item.path not in slow, -numbers[item.path]))


def _turn(item: pytest.Item) -> int:
    name = item.path.stem
    return LONGEST.index(name) if name in LONGEST else len(LONGEST)


def _starts_something(item: pytest.Item) -> bool:
    fixtures, module = getattr(item, "fixturenames", ()), getattr(item, "module", None)
    return bool(STARTERS & set(fixtures)) or hasattr(module, "subprocess")


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Leave these tests to a run of their own, where they have settings for it."""
    has_own = STAND_IN.is_dir()
    return True if has_own and config.rootpath != HERE else None


@pytest.fixture(scope="module", autouse=True)
def same_environment() -> Iterator[None]:
    """No module leaves a setting to those that come after it, in whatever order they run."""
    before = _environment()
    yield
    assert _environment() == before


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}


@pytest.fixture(scope="session")
def own_settings() -> Callable[[], dict[str, str]]:
    """Gives a service the settings that its strategy wants each to have of its own."""
    return dict


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, own_settings: Callable[[], dict[str, str]]
) -> "Iterator[Service]":
    """The service, shared by the tests of a module."""
    from offload.callbacks.databases import with_tables
    from offload.service import Service

    folder = tmp_path_factory.mktemp("service")
    with with_tables(folder) as url, Service(folder, url, **own_settings()) as running:
        yield running


@pytest.fixture
def make_service(
    tmp_path: Path, own_settings: Callable[[], dict[str, str]]
) -> "Iterator[ServiceMaker]":
    """Makes a service of the test's own, not started yet; settings may be given."""
    from offload.callbacks.databases import with_tables
    from offload.service import Service

    with ExitStack() as stack:
        url = stack.enter_context(with_tables(tmp_path))

        def make(**settings: str) -> Service:
            service = Service(tmp_path, url, **(own_settings() | settings))
            stack.push(service.__exit__)
            return service

        yield make


@pytest.fixture(scope="module")
def migrated_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The engine's tables; the folder that the tests of the module share."""
    from app.offload.files.store import get_store
    from offload.callbacks.databases import migrated

    folder = tmp_path_factory.mktemp("rows")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # where no .env of the project's is read
        patch.setenv("STORAGE_URL", str(folder / "files"))
        get_store.cache_clear()
        with migrated(folder, patch):
            yield folder
        get_store.cache_clear()


@pytest.fixture
def database(migrated_once: Path) -> Path:
    """The same, and the tables are empty."""
    from app.offload.database.engines import transact

    transact(_empty)
    return migrated_once


def _empty(connection: "Connection") -> None:
    from sqlalchemy import delete

    from app.offload.database.tables import jobs, statistics, watermarks
    from offload.rows.making import LONG_AGO

    for table in (jobs, statistics):  # artifacts and callbacks go with their jobs
        connection.execute(delete(table))
    connection.execute(watermarks.update().values(at=LONG_AGO))


@pytest.fixture
def write_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Iterator[WriteJobs]":
    """Makes the files, by their paths below `jobs/`, the kinds of jobs of this process."""
    from app.offload import discovery

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
