"""What the tests share: a database of their own with all tables, and clients of the application."""

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.database import migrate
from app.offload.database.engines import dispose_async_engine, get_engine
from app.offload.settings import get_settings

Client = Callable[..., httpx.Response]
"""Called with method, path and the options of httpx; no server, and no job runs."""

CACHES = (get_settings, get_engine)


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of an SQLite database, one for all tests of a session."""
    folder = tmp_path_factory.mktemp("database")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "DATABASE_URL", f"sqlite:///{folder}/app.db")
        patch.setitem(os.environ, "STORAGE_URL", f"{folder}/files")
        _forget()
        migrate()
        yield folder
        get_engine().dispose()
    _forget()


def _forget() -> None:
    for cached in CACHES:
        cached.cache_clear()


@pytest.fixture(scope="session")
def client_of(database: Path) -> Iterator[Callable[..., Client]]:
    """Makes a client of an application, at the name of a host."""
    with asyncio.Runner() as runner:

        def make(app: FastAPI, host: str = "localhost") -> Client:
            async def request(method: str, path: str, **options: Any) -> httpx.Response:
                transport = httpx.ASGITransport(app, raise_app_exceptions=False)
                async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as to:
                    return await to.request(method, path, **options)

            return lambda *args, **options: runner.run(request(*args, **options))

        yield make
        runner.run(dispose_async_engine())
