"""A private store, and a real server that takes and gives files."""

import asyncio
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest
import uvicorn
from file_site import Site, make_app

from app.offload.files import store
from app.offload.files.store import get_store
from app.offload.settings import get_settings

UseStore = Callable[[str], None]


@pytest.fixture
def use_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[UseStore]:
    """Makes a STORAGE_URL the store of this test."""

    def use(url: str) -> None:
        monkeypatch.setenv("STORAGE_URL", url)
        get_settings.cache_clear()
        get_store.cache_clear()

    yield use
    get_settings.cache_clear()
    get_store.cache_clear()


@pytest.fixture
def folder(tmp_path: Path, use_store: UseStore) -> Path:
    """The store is a folder, which is this one."""
    use_store(str(tmp_path / "files"))
    return tmp_path / "files"


@pytest.fixture
def any_store(tmp_path: Path, use_store: UseStore) -> Iterator[None]:
    """The store that STORAGE_URL names, under a prefix of its own, emptied after; else a folder."""
    url = os.environ.get("STORAGE_URL", "")
    use_store(f"{url}/{uuid.uuid4()}" if "://" in url else str(tmp_path / "files"))
    yield
    for job in store.list_jobs():
        store.delete_prefix(job)


@pytest.fixture
def site() -> Iterator[Site]:
    """The server, listening."""
    site = Site()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        site.port = listener.getsockname()[1]
        config = uvicorn.Config(make_app(site), log_level="warning", timeout_graceful_shutdown=10)
        server = uvicorn.Server(config)
        thread = Thread(target=asyncio.run, args=(server.serve([listener]),))
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.005)
        yield site
        server.should_exit = True
        thread.join()
