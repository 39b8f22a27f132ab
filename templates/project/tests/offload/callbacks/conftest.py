"""A migrated database of the test's own, and jobs in it whose end is to be told."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import BaseModel

from app.offload.database.engines import transact
from app.offload.kinds import Kind
from app.offload.queue import ends, submit
from offload.callbacks.databases import migrated
from offload.callbacks.rows import SECRET


class Nothing(BaseModel):
    """What a job of the probe takes and gives."""


PROBE = Kind("probe", Nothing, Nothing)


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The engine's tables, empty."""
    monkeypatch.chdir(tmp_path)  # where no .env of the project's is read
    monkeypatch.setenv("CALLBACK_SECRET", SECRET)
    monkeypatch.setenv("CALLBACK_ALLOWED_NETWORKS", "127.0.0.1")
    with migrated(tmp_path, monkeypatch):
        yield


@pytest.fixture
def end_job(database: None) -> Callable[[str], UUID]:
    """Makes a job that has just ended, and whose callback to the URL is due."""

    def end(url: str) -> UUID:
        new = submit.NewJob(kind=PROBE, params={}, callback_url=url, request_id="asked")
        transact(submit.insert, new)
        transact(ends.cancel, new.id)
        return new.id

    return end


@pytest.fixture
def ended(end_job: Callable[[str], UUID]) -> UUID:
    """A job whose callback is due."""
    return end_job("https://example.org/hook")
