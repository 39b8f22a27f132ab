"""A database of the test's own: SQLite in its folder, or one on the server of DATABASE_URL."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from app.offload.database.engines import get_engine
from app.offload.database.migrate import migrate
from app.offload.settings import get_settings
from offload.databases import private_database

CACHED = (get_settings, get_engine)


def forget_settings() -> None:
    """What is read or made next is so by the environment as it is then."""
    if get_engine.cache_info().currsize:
        get_engine().dispose()
    for cached in CACHED:
        cached.cache_clear()


@contextmanager
def migrated(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """The engine's tables, empty, in a database that is the engine's until the patch is undone.

    A test that names another one does it with the same patch: two would be undone in the order in
    which they were made, and leave the database of the first to all tests after it.
    """
    with private_database(folder) as url:
        patch.setenv("DATABASE_URL", url)
        forget_settings()
        if url.startswith("sqlite"):
            _copy_tables(folder / "app.db")
        else:
            migrate()
        yield
        forget_settings()


_migrated: list[bytes] = []  # the first file: to migrate each would take long


def _copy_tables(file: Path) -> None:
    if _migrated:
        get_settings().make_folders()
        file.write_bytes(_migrated[0])
    else:
        migrate()
        get_engine().dispose()  # what is in the journal goes into the file
        _migrated.append(file.read_bytes())


@contextmanager
def with_tables(folder: Path) -> Iterator[str]:
    """The URL of a database of a service's own; on SQLite no start of it has to make the tables."""
    with private_database(folder) as url:
        if url.startswith("sqlite"):
            (folder / "app.db").write_bytes(_file_with_tables())
        yield url


def _file_with_tables() -> bytes:
    if not _migrated:
        with TemporaryDirectory() as elsewhere, pytest.MonkeyPatch.context() as patch:
            patch.chdir(elsewhere)  # where no .env of the project's is read
            with migrated(Path(elsewhere), patch):
                pass
    return _migrated[0]
