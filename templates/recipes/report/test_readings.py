"""What is taken as CSV, and what is said about what is not."""

import io
import tracemalloc
from datetime import UTC, datetime

import pytest

from app.jobs.job_name.readings import InvalidCsv, Readings, parse

ROW = b"taken_at,value\n2000-01-01,1\n"


def read(body: bytes) -> Readings:
    """The readings in a CSV."""
    return parse(io.BytesIO(body))


@pytest.mark.parametrize(
    "body",
    [
        b"taken_at,value\n2000-01-02,1.5\n",
        b"\xef\xbb\xbftaken_at,value\r\n2000-01-02T00:00:00Z,1.5\r\n\r\n",
        b'taken_at,value\n"2000-01-02T01:00:00.000+01:00","1.5"',
        b"taken_at,value\n2000-01-02 00:00,+15e-1",
    ],
    ids=["plain", "BOM and CRLF", "quoted, with a zone", "sign and exponent"],
)
def test_the_usual_forms(body: bytes) -> None:
    found = read(body)
    assert (len(found.times), found.time(0)) == (1, datetime(2000, 1, 2, tzinfo=UTC))
    assert list(found.values) == [1.5]


@pytest.mark.parametrize(
    ("body", "line", "column", "words"),
    [
        (b"", 1, 1, "header is missing; expected is taken_at,value"),
        (b"time,value\n", 1, 1, "header is 'time,value'; expected is taken_at,value"),
        (b"taken_at;value\n2000-01-01;1\n", 1, 1, "separated by ';'; expected are commas"),
        (b"taken_at\tvalue\n", 1, 1, r"separated by '\\t'"),
        (b"2000-01-01,1\n", 1, 1, "first line is a reading"),
        (b"taken_at,value\n", 2, 1, "no reading"),
        (ROW + b"2000-01-02;2\n", 3, 2, "1 column is found, .*';'; a comma separates"),
        (ROW + b"2000-01-02,2,5\n", 3, 3, "decimal comma. Write 2.5"),
        (ROW + b"2000-01-02,1,x\n", 3, 3, "3 columns are found, 2 columns are expected$"),
        (ROW + b'2000-01-02,"2,5"\n', 3, 2, "decimal comma; write 2.5"),
        (ROW + b"2000-01-02\n", 3, 2, "1 column is found"),
        (ROW + b"yesterday,2\n", 3, 1, "'yesterday' is no ISO 8601 time like 2024-01-31"),
        (ROW + b"31.12.2000,2\n", 3, 1, "no ISO 8601 time"),
        (ROW + b"2000-13-01,2\n", 3, 1, "no ISO 8601 time"),
        (ROW + b"2024-01-01+02:00,2\n", 3, 1, "no ISO 8601 time"),
        (ROW + b"2024-01-01-05:00,2\n", 3, 1, "no ISO 8601 time"),
        (ROW + "٢٠٢٤-01-01,2\n".encode(), 3, 1, "no ISO 8601 time"),
        (ROW + b"2000-01-02,much\n", 3, 2, "'much' is no number like 12.5"),
        (ROW + b"2000-01-02,1_5\n", 3, 2, "no number"),
        (ROW + "2000-01-02,٣\n".encode(), 3, 2, "no number"),
        (ROW + b"2000-01-02,0x1f\n", 3, 2, "no number"),
        (ROW + b"2000-01-02, 2\n", 3, 2, "no number like 12.5; take out the blank around it$"),
        (ROW + b'2000-01-02,"2\t"\n', 3, 2, "take out the blank around it"),
        (ROW + b" 2000-01-02,2\n", 3, 1, "' 2000-01-02' .*; take out the blank around it$"),
        (ROW + b"2000-01-02,nan\n", 3, 2, "no number"),
        (ROW + b"2000-01-02,1e999\n", 3, 2, "not finite"),
        (ROW + b"2000-01-02,\xff\n", 3, 2, "not UTF-8"),
        ("taken_at,value\n".encode("utf-16"), 1, 1, "looks like UTF-16"),
        (ROW + b'2000-01-02,"1\n', 3, 1, "end of data"),
        (ROW + b"0001-01-01T00:00:00+23:00,1\n", 3, 1, "range"),
        (ROW + b"1999-01-01,1\n\n1999-12-31T23:00-01:00,2\n", 5, 1, "01T00:00:00Z is on line 2"),
    ],
)
def test_a_fault_is_named_with_its_place(body: bytes, line: int, column: int, words: str) -> None:
    with pytest.raises(InvalidCsv, match=words) as refused:
        read(body)
    assert (refused.value.line, refused.value.column) == (line, column)


def test_readings_are_put_in_the_order_of_their_times() -> None:
    found = read(b"taken_at,value\n2002-01-01,2\n1871-01-01,1\n2003-01-01,3\n")
    assert list(found.values) == [1, 2, 3]
    assert (found.time(0).year, found.time(-1).year) == (1871, 2003)


def test_a_file_takes_little_memory_beside_its_readings() -> None:
    count = 6_000
    body = ROW + b"".join(b"%d-01-01T00:%02d,1\n" % (3000 + n // 60, n % 60) for n in range(count))
    file = io.BytesIO(body)
    tracemalloc.start()
    parse(file)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40 * count  # 24 bytes a reading, and room to grow
