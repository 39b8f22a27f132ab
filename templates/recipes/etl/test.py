"""Sales from a file to rows in a table, checked against sums that the database computes itself."""

import csv
import io
import random
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import Connection, Row, create_engine, text

from app.jobs.job_name import frames, tables
from app.jobs.job_name.kind import (
    KIND,
    JobNameParams,
)
from app.offload import Refused
from app.offload.errors import Interrupted
from app.offload.testing import Outcome, run_directly

ROOT = Path(__file__).parents[2]
SHOPS = ["Aswan", "Qena, east", 'The "Old" One', "Luxor"]
PARAMS = JobNameParams()
MODULE = "app.jobs.job_name.kind"

Sale = tuple[str, str, int]  # day, shop, cents

WRITTEN = """
    SELECT count(*), sum(cents)
    FROM job_name_totals
"""
# What the database finds in the rows, and the job has not written.
SUMS = """
    SELECT day, shop, count(*), sum(cents) FROM sales GROUP BY day, shop
    EXCEPT SELECT day, shop, sales, cents FROM job_name_totals
"""


def sales(count: int) -> list[Sale]:
    """Made-up sales, the same each time."""
    chance = random.Random(7)
    return [
        (f"2026-{chance.randint(1, 12):02}-28", chance.choice(SHOPS), chance.randint(-99, 99_999))
        for _ in range(count)
    ]


def as_csv(found: list[Sale], separator: str = ",") -> bytes:
    """The sales as a program in the office might write them."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=separator)
    writer.writerow(frames.COLUMNS)
    writer.writerows((day, f" {shop} ", Decimal(cents) / 100) for day, shop, cents in found)
    return file.getvalue().encode()


def job(content: bytes, **params: str) -> Outcome:
    """What a run makes of a file."""
    return run_directly(KIND, KIND.params(**params), files={"sales": content})


def differences(connection: Connection, found: list[Sale], outcome: Outcome) -> list[Row]:
    """The sums that the database finds and the job has not written."""
    tables.metadata.create_all(connection)
    connection.execute(text("CREATE TABLE sales (day TEXT, shop TEXT, cents INTEGER)"))
    rows = [{"day": day, "shop": shop, "cents": cents} for day, shop, cents in found]
    connection.execute(text("INSERT INTO sales VALUES (:day, :shop, :cents)"), rows)
    outcome.write_ends(connection)
    return list(connection.execute(text(SUMS)))


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several batches of a file that is quickly made."""
    monkeypatch.setattr(frames, "ROWS_AT_ONCE", 1000)


@pytest.mark.parametrize(("separator", "mark"), [(",", b""), (";", b"\xef\xbb\xbf")])
def test_the_database_adds_up_the_same(separator: str, mark: bytes) -> None:
    found = sales(20_000)
    outcome = job(mark + as_csv(found, separator), separator=separator)
    assert len(outcome.progress) > 10
    assert (outcome.result.rows, outcome.result.kept, outcome.result.totals) == (20_000, 20_000, 48)
    with create_engine("sqlite://").begin() as connection:
        assert differences(connection, found, outcome) == []
        written = connection.execute(text(WRITTEN))
        assert written.one() == (48, outcome.result.amount * 100)


def test_the_parquet_file_has_all_rows_in_their_order() -> None:
    found = sales(5_000)
    outcome = job(as_csv(found))
    rows = pl.read_parquet(outcome.artifacts["cleaned.parquet"]).rows()
    assert [(str(day), shop, int(amount * 100)) for day, shop, amount in rows] == found
    assert "rejected.csv" not in outcome.artifacts


def test_a_parquet_file_is_read_too() -> None:
    found = sales(5_000)
    days, shops, cents = zip(*found, strict=True)
    amounts = [each / 100 for each in cents]
    frame = pl.DataFrame({"shop": shops, "day": days, "amount": amounts, "note": "x"})
    file = io.BytesIO()
    frame.with_columns(pl.col("day").str.to_date()).write_parquet(file)
    outcome = job(file.getvalue())
    with create_engine("sqlite://").begin() as connection:
        assert differences(connection, found, outcome) == []


def test_wrong_rows_are_counted_and_kept() -> None:
    content = (
        b"id,day,shop,amount\n"
        b"1,2026-01-05, Qena ,3.10\n"
        b"2,2026-02-30,Qena,1\n"  # no such day
        b"3,2026-01-05,Qena,1e9\n"
        b"4,2026-01-05,\xff\xfe,1\n"  # no UTF-8
        b"5,2026-01-05,Qena\n"
        b"6,2026-01-05,Qena,1,2\n"
        b"\n"
        b'8,2026-01-06,"Qena\nnorth",0.05\n'
        b"9,2026-01-06,,1\n"
    )
    outcome = job(content)
    assert (outcome.result.rows, outcome.result.kept) == (9, 2)
    assert outcome.result.rejected == {"day": 2, "shop": 2, "amount": 2, "too many fields": 1}
    assert outcome.result.amount == Decimal("3.15")
    rejected = list(csv.DictReader(io.StringIO(outcome.artifacts["rejected.csv"].decode())))
    assert [row["row"] for row in rejected] == ["2", "3", "4", "5", "6", "7", "9"]
    assert rejected[0]["day"] == "2026-02-30"


def test_a_file_without_rows_makes_none() -> None:
    outcome = job(b"day,shop,amount\n")
    assert (outcome.result.rows, outcome.result.totals, outcome.result.amount) == (0, 0, 0)
    assert pl.read_parquet(outcome.artifacts["cleaned.parquet"]).columns == frames.COLUMNS


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "must name day, shop, amount"),
        (b"Day;shop;amount\n", r"separated by ',': 'Day;shop;amount'"),
        (b"day,shop,amount,day\n2026-01-05,x,1,2\n", "once each"),
        (b'day,shop,amount\n2026-01-05,"x,1\n', "cannot be read"),
        (b"PAR1 and no Parquet", "cannot be read"),
    ],
)
def test_what_is_no_such_file_is_refused_in_one_line(content: bytes, reason: str) -> None:
    with pytest.raises(Refused, match=reason) as refused:
        job(content)
    assert "\n" not in refused.value.detail


def test_more_totals_than_one_transaction_holds_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frames, "MOST_TOTALS", 10)
    with pytest.raises(Refused, match="more than 10 pairs"):
        job(as_csv(sales(100)))


def test_a_stop_ends_it_between_two_batches() -> None:
    with pytest.raises(Interrupted):
        run_directly(KIND, PARAMS, files={"sales": as_csv(sales(5_000))}, stop_after=2)


def test_the_api_does_not_load_polars() -> None:
    program = f"import sys, {MODULE}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert "polars" not in loaded.stdout.split()
