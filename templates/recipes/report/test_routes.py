"""PUT, GET and DELETE of datasets, over HTTP."""

from collections.abc import Callable

import httpx
import pytest

from app.jobs.job_name import routes
from app.jobs.job_name.kind import DATASETS, KIND
from app.main import create_app

Client = Callable[..., httpx.Response]

CSV = {"Content-Type": "text/csv"}
TWO = b"taken_at,value\n1999-01-01T00:00:00Z,1\n2000-01-01T01:00:00+01:00,2.5\n"


@pytest.fixture(scope="module")
def http(client_of: Callable[..., Client]) -> Client:
    """A client of the application, in which no job runs."""
    return client_of(create_app())


def test_put_creates_then_replaces(http: Client) -> None:
    first = http("PUT", f"{DATASETS}/two", content=TWO, headers=CSV)
    second = http("PUT", f"{DATASETS}/two", content=TWO, headers=CSV)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json().pop("version") > first.json().pop("version")
    expected = {
        "name": "two",
        "version": second.json()["version"],
        "count": 2,
        "first_reading": "1999-01-01T00:00:00Z",
        "last_reading": "2000-01-01T00:00:00Z",
    }
    assert http("GET", f"{DATASETS}/two").json() == second.json() == expected
    assert expected in http("GET", DATASETS).json()
    assert http("HEAD", f"{DATASETS}/two").status_code == 200


def test_a_fault_is_a_problem_with_its_place_and_nothing_is_stored(http: Client) -> None:
    body = TWO.replace(b"2.5", b"2_5")
    answer = http("PUT", f"{DATASETS}/faulty", content=body, headers=CSV)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["line"], problem["column"]) == (3, 2)
    assert "line 3, column 2: value '2_5' is no number" in problem["detail"]
    assert http("GET", f"{DATASETS}/faulty").status_code == 404


def test_what_is_not_csv_is_refused(http: Client) -> None:
    assert http("PUT", f"{DATASETS}/nile", json=[1, 2]).status_code == 415


def test_a_body_too_long_is_refused_with_the_setting(
    http: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_DATASET_BYTES", "50")
    routes.get_dataset_settings.cache_clear()
    answer = http("PUT", f"{DATASETS}/long", content=TWO, headers=CSV)
    monkeypatch.undo()
    routes.get_dataset_settings.cache_clear()
    assert answer.status_code == 413
    assert "MAX_DATASET_BYTES" in answer.json()["detail"]
    assert http("GET", f"{DATASETS}/long").status_code == 404


@pytest.mark.parametrize("name", ["a b", "-a", "a" * 101, "ü"])
def test_a_bad_name_is_refused(http: Client, name: str) -> None:
    answer = http("PUT", f"{DATASETS}/{name}", content=TWO, headers=CSV)
    assert answer.status_code == 422
    assert "name" in answer.json()["detail"]


def test_the_list_comes_in_pages(http: Client) -> None:
    for name in ("page-a", "page-b", "page-c"):
        http("PUT", f"{DATASETS}/{name}", content=TWO, headers=CSV)
    found = http("GET", DATASETS, params={"after": "page-a", "limit": 2}).json()
    assert [dataset["name"] for dataset in found] == ["page-b", "page-c"]


def test_a_dataset_is_deleted_unless_a_report_waits(http: Client) -> None:
    assert http("DELETE", f"{DATASETS}/nothing").status_code == 404
    http("PUT", f"{DATASETS}/gone", content=TWO, headers=CSV)
    accepted = http("POST", KIND.prefix, json={"dataset": "gone", "title": "Two readings"})
    assert accepted.status_code == 202
    gone = http("GET", f"{DATASETS}/gone").json()
    assert accepted.json()["params"]["version"] == gone["version"]
    assert http("DELETE", f"{DATASETS}/gone").status_code == 409
    assert http("POST", f"{accepted.headers['location']}/cancel").status_code == 202
    assert http("DELETE", f"{DATASETS}/gone").status_code == 204
    assert http("GET", f"{DATASETS}/gone").status_code == 404
    answer = http("POST", KIND.prefix, json={"dataset": "gone", "title": "Nothing"})
    assert answer.status_code == 404
    assert answer.json()["detail"] == "There is no dataset gone."


def test_the_document_says_what_a_put_needs_and_what_a_dataset_allows(http: Client) -> None:
    document = http("GET", "/openapi.json").json()
    body = document["paths"][f"{DATASETS}/{{name}}"]["put"]["requestBody"]
    assert body["required"]
    assert list(body["content"]) == ["text/csv"]
    assert http("PUT", f"{DATASETS}/empty", headers=CSV).status_code == 422
    assert http("OPTIONS", f"{DATASETS}/nile").headers["allow"] == "GET, HEAD, PUT, DELETE"
