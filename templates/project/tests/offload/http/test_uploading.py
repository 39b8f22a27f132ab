"""Jobs asked for with files: what is stored of them, and what is left of a refusal."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from job_site import SCAN, ScanParams
from sqlalchemy import Connection
from sqlalchemy.exc import TimeoutError as NoFreeConnection

IMAGE = ("page.png", b"png", "image/png")
KEY = {"Idempotency-Key": "k"}


def files_of(store: Path) -> list[Path]:
    """All that is stored."""
    return [path for path in store.rglob("*") if path.is_file()]


def test_a_form_is_taken(client: httpx.Client, store: Path) -> None:
    answer = client.post("/scans", data={"params": "{}"}, files={"page": IMAGE})
    assert answer.status_code == 202
    assert answer.json()["params"] == {"box": {"left": 0}}
    [file] = files_of(store)
    assert file.read_bytes() == b"png"
    assert str(file.relative_to(store)).startswith(f"{answer.json()['id']}/in/")


def test_a_single_file_is_taken_as_it_is(client: httpx.Client, store: Path) -> None:
    answer = client.post(
        "/scans",
        content=b"png",
        params={"params": '{"box": {"left": 7}}'},
        headers={"Content-Type": "image/png"},
    )
    assert answer.json()["params"] == {"box": {"left": 7}}
    assert len(files_of(store)) == 1


def test_too_long_a_file_names_its_limit(client: httpx.Client, store: Path) -> None:
    answer = client.post("/scans", files={"page": ("p", b"x" * 1001, "image/png")})
    assert answer.status_code == 413
    assert "page" in answer.json()["detail"]
    assert "max_bytes" in answer.json()["detail"]
    assert files_of(store) == []


@pytest.mark.parametrize(
    ("files", "status"),
    [
        ({"page": ("p", b"x" * 1001, "image/png")}, 413),
        ({"page": ("p", b"text", "text/plain")}, 415),
        ({"page": (None, b"png", "image/png")}, 422),  # a value, and no file
        ([("page", IMAGE), ("page", IMAGE)], 422),
        ({"params": (None, b"{}", "application/json")}, 422),  # and no page at all
    ],
    ids=["length", "type", "value", "many", "missing"],
)
def test_a_refusal_says_which_file_it_is_about(
    client: httpx.Client, files: Any, status: int
) -> None:
    answer = client.post("/scans", files=files)
    assert answer.status_code == status
    assert answer.json()["errors"] == [{"at": "files.page", "message": answer.json()["detail"]}]


def test_what_is_refused_leaves_no_file(client: httpx.Client, store: Path) -> None:
    answer = client.post("/scans", data={"params": '{"box": 1}'}, files={"page": IMAGE})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["at"] == "params.box"
    assert files_of(store) == []


@pytest.mark.parametrize(("error", "left"), [(NoFreeConnection(), 1), (KeyError(), 0)])
def test_files_of_a_job_that_may_be_there_are_left_to_the_janitor(
    client: httpx.Client,
    store: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    left: int,
) -> None:
    def failing(_connection: Connection, _params: ScanParams) -> ScanParams:
        raise error

    monkeypatch.setattr(SCAN, "prepare", failing)
    assert client.post("/scans", files={"page": IMAGE}).status_code in {500, 503}
    assert len(files_of(store)) == left


def test_a_repeat_stores_nothing(client: httpx.Client, store: Path) -> None:
    first = client.post("/scans", files={"page": IMAGE}, headers=KEY)
    again = client.post("/scans", files={"page": IMAGE}, headers=KEY)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == first.json()
    other = client.post("/scans", files={"page": ("p", b"jpg", "image/png")}, headers=KEY)
    assert other.status_code == 409
    assert len(files_of(store)) == 1


def test_of_many_at_once_one_keeps_its_file(client: httpx.Client, store: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: client.post("/scans", files={"page": IMAGE}, headers=KEY), range(8))
        )
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(files_of(store)) == 1
