"""What is taken as CSV. What is not is in the contract tests."""

import tracemalloc
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from app import readings
from app.database import get_engine, reading, transact, writing
from app.models import Dataset, Reading


@pytest.mark.parametrize(
    "body",
    [
        b"taken_at,value\n2000-01-02,1.5\n",
        b"\xef\xbb\xbftaken_at,value\r\n2000-01-02T00:00:00Z,1.5\r\n\r\n",
        b'taken_at,value\n"2000-01-02T01:00:00+01:00"," 1.5 "',
    ],
    ids=["plain", "BOM and CRLF", "quoted, with a zone"],
)
def test_the_usual_forms(body: bytes) -> None:
    assert readings.parse(body) == [(datetime(2000, 1, 2, tzinfo=UTC), 1.5)]


def test_there_are_numbers_for_more_readings_than_four_bytes_can_count(dataset: Dataset) -> None:
    with writing() as session:
        session.query(Reading).one().id = 2**40
    if get_engine().dialect.name == "postgresql":
        with writing() as session:
            session.execute(text("SELECT setval('readings_id_seq', 2147483647)"))
    two = readings.parse(b"taken_at,value\n2001-01-01,1\n2002-01-01,2\n")
    assert transact(readings.replace, dataset.name, two) is False


def test_an_upload_takes_little_memory_beside_its_readings(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readings, "ROWS_AT_ONCE", 1000)
    body = b"taken_at,value\n" + b"20000101,1\n" * 30_000
    tracemalloc.start()
    transact(readings.replace, "long", readings.parse(body))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40 * len(body)


def test_the_series_is_in_the_order_of_time(database: str) -> None:
    found = readings.parse(b"taken_at,value\n2002-01-01,2\n2001-01-01,1\n")
    assert transact(readings.replace, "two", found) is True
    assert transact(readings.replace, "two", found) is False
    with reading() as session:
        series = readings.load(session, session.query(Dataset).one().id)
    assert series.values == [1, 2]
    assert (series.first.year, series.last.year) == (2001, 2002)
