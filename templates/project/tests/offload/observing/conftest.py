"""A migrated database of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from offload.callbacks.databases import migrated


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The engine's tables, empty."""
    monkeypatch.chdir(tmp_path)  # where no .env of the project's is read
    with migrated(tmp_path, monkeypatch):
        yield
