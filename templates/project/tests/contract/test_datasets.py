"""PUT and GET of datasets."""

import pytest

from service import NILE, Service

CSV = {"Content-Type": "text/csv"}


def test_put_creates_then_replaces(service: Service) -> None:
    name = service.put_nile()
    two = b"taken_at,value\n1999-01-01T00:00:00Z,1\n2000-01-01T01:00:00+01:00,2.5\n"
    answer = service.http.put(f"/datasets/{name}", content=two, headers=CSV)
    assert answer.status_code == 200
    expected = {
        "name": name,
        "count": 2,
        "first_reading": "1999-01-01T00:00:00Z",
        "last_reading": "2000-01-01T00:00:00Z",
    }
    assert answer.json() == expected
    assert service.http.get(f"/datasets/{name}").json() == expected
    assert expected in service.http.get("/datasets").json()


def test_the_sample_is_whole(service: Service) -> None:
    found = service.http.get(f"/datasets/{service.put_nile()}").json()
    assert found["count"] == 100
    assert found["first_reading"].startswith("1871-")
    assert found["last_reading"].startswith("1970-")


@pytest.mark.parametrize(
    ("body", "line", "column", "words"),
    [
        (b"", 1, 1, "header"),
        (b"time,value\n", 1, 1, "header"),
        (b"taken_at,value\n", 2, 1, "no reading"),
        (b"taken_at,value\n2000-01-01,1\nyesterday,2\n", 3, 1, "'yesterday'"),
        (b"taken_at,value\n2000-01-01,1\n2000-01-02,much\n", 3, 2, "'much'"),
        (b"taken_at,value\n2000-01-01,nan\n", 2, 2, "finite"),
        (b"taken_at,value\n2000-01-01,1e999\n", 2, 2, "finite"),
        (b"taken_at,value\n2000-01-01\n", 2, 2, "2 columns"),
        (b"taken_at,value\n2000-01-01,1,2\n", 2, 3, "2 columns"),
        (b"taken_at,value\n2000-01-01,\xff\n", 2, 2, "UTF-8"),
        (b'taken_at,value\n2000-01-01,"1\n', 2, 1, "end of data"),
        (b"taken_at,value\n0001-01-01T00:00:00+23:00,1\n", 2, 1, "range"),
    ],
)
def test_a_fault_is_named_and_nothing_is_stored(
    service: Service, body: bytes, line: int, column: int, words: str
) -> None:
    name = service.put_nile()
    answer = service.http.put(f"/datasets/{name}", content=body, headers=CSV)
    problem = answer.json()
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert (problem["line"], problem["column"]) == (line, column)
    assert words in problem["detail"]
    assert service.http.get(f"/datasets/{name}").json()["count"] == 100


def test_what_is_not_csv_is_refused(service: Service) -> None:
    answer = service.http.put("/datasets/nile", json=[1, 2])
    assert answer.status_code == 415


def test_a_body_too_long_is_refused(service: Service) -> None:
    answer = service.http.put("/datasets/long", content=b"x" * 5_000_001, headers=CSV)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert service.http.get("/datasets/long").status_code == 404


@pytest.mark.parametrize("name", ["a b", "-a", "a" * 101, "ü"])
def test_a_bad_name_is_refused(service: Service, name: str) -> None:
    answer = service.http.put(f"/datasets/{name}", content=NILE, headers=CSV)
    assert answer.status_code == 422
    assert "name" in answer.json()["detail"]


def test_an_unknown_dataset(service: Service) -> None:
    answer = service.http.get("/datasets/nothing")
    assert answer.status_code == 404
    assert answer.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is no dataset nothing.",
    }
