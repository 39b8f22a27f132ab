"""A migrated database of the test's own, a private store, and the application on both."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from job_site import AppState, make_app, serving

from app.offload.files.store import get_store
from offload.callbacks.databases import migrated

SECRET = "whsec_" + "c2VjcmV0" * 5


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The folder of the store."""
    return tmp_path / "files"


@pytest.fixture
def database(tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The engine's tables, empty."""
    monkeypatch.chdir(tmp_path)  # where no .env of the project's is read
    monkeypatch.setenv("STORAGE_URL", str(store))
    monkeypatch.setenv("WATCH_SECONDS", "0.02")
    monkeypatch.setenv("CALLBACK_SECRET", SECRET)
    get_store.cache_clear()
    with migrated(tmp_path, monkeypatch):
        yield
    get_store.cache_clear()


@pytest.fixture(scope="session")
def app() -> FastAPI:
    """The application; what is kept of requests is kept for its lifespan, which is a test's."""
    return make_app()


@pytest.fixture
def client(database: None, app: FastAPI) -> Iterator[httpx.Client]:
    """Whoever asks the application."""
    with serving(app) as client:
        yield client


@pytest.fixture
def app_state(app: FastAPI, client: httpx.Client) -> AppState:
    """What the engine keeps beside the routes."""
    found: AppState = app.state.offload
    return found
