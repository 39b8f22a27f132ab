"""The rows of a file: read, cleaned and added up, a batch at a time.

Everything is read as text first, so that a wrong field makes one wrong row and no failed job.
"""

import csv
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

# Read when polars is imported. By itself each process that runs jobs would take all cores.
os.environ.setdefault("POLARS_MAX_THREADS", "2")

import polars as pl

from app.offload import Refused

COLUMNS = ["day", "shop", "amount"]
SURPLUS = "_surplus"  # the fields that a row has and the header has not
ROWS_AT_ONCE = 100_000
MOST_TOTALS = 100_000  # written in one transaction: a few seconds
LONGEST_HEADER = 10_000

DAY = r"^[12]\d{3}-\d{2}-\d{2}$"
AMOUNT = r"^-?\d{1,12}(\.\d{1,2})?$"
NO_NAME = r"^$|[[:cntrl:]\x{FFFD}]|^.{101}"  # U+FFFD stands for what is no UTF-8
MONEY = pl.Decimal(38, 2)  # exact: floats add up to one sum today and to another tomorrow


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was read, and the files and sums that were made of it."""

    rows: int
    rejected: dict[str, int]
    totals: pl.DataFrame  # day, shop, sales, amount
    cleaned_file: Path
    rejected_file: Path


def scan(path: Path, separator: str) -> pl.LazyFrame:
    """The rows of a CSV or a Parquet file, all fields as text. Raises Refused."""
    with path.open("rb") as file:
        is_parquet = file.read(4) == b"PAR1"
    return _scan_parquet(path) if is_parquet else _scan_csv(path, separator)


def load(source: pl.LazyFrame, folder: Path, progress: Callable[[float], None]) -> Loaded:
    """Read all rows; write those that are kept and those that are not. Raises Refused."""
    expected, rows, totals, rejected = _count(source), 0, _no_totals(), Counter[str]()
    parts = folder / "parts"
    parts.mkdir()
    _kept(_no_rows()).write_parquet(parts / "000000.parquet")
    with (folder / "rejected.csv").open("wb") as wrong:
        for number, batch in enumerate(_batches(source), start=1):
            good = batch.filter(pl.col("wrong").is_null())
            bad = batch.filter(pl.col("wrong").is_not_null())
            _kept(good).write_parquet(parts / f"{number:06}.parquet")
            bad.select("row", "wrong", *COLUMNS).write_csv(wrong, include_header=number == 1)
            totals = _added(totals, good)
            rejected.update(dict(bad.group_by("wrong").len().iter_rows()))
            rows += batch.height
            progress(min(0.95, 0.95 * rows / expected))
    pl.scan_parquet(parts / "*.parquet").sink_parquet(folder / "cleaned.parquet")
    return Loaded(rows, dict(rejected), totals, folder / "cleaned.parquet", folder / "rejected.csv")


def _scan_csv(path: Path, separator: str) -> pl.LazyFrame:
    names = _header(path, separator)
    _check(names, f"separated by {separator!r}")
    # By position: the columns that nobody asks for may share a name.
    places = [name if name in COLUMNS else f"_{place}" for place, name in enumerate(names)]
    return pl.scan_csv(
        path,
        separator=separator,
        has_header=False,
        skip_lines=1,
        schema=dict.fromkeys([*places, SURPLUS], pl.String),
        missing_columns="insert",
        extra_columns="ignore",
        encoding="utf8-lossy",
        row_index_name="row",
        row_index_offset=1,
        glob=False,
    )


def _scan_parquet(path: Path) -> pl.LazyFrame:
    try:
        source = pl.scan_parquet(path, row_index_name="row", row_index_offset=1, glob=False)
        names = source.collect_schema().names()
    except pl.exceptions.PolarsError as error:
        raise _unreadable(error) from error
    _check(names, "as columns")
    texts = pl.col(COLUMNS).cast(pl.String, strict=False)
    return source.select("row", texts, pl.lit(None, pl.String).alias(SURPLUS))


def _header(path: Path, separator: str) -> list[str]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        return next(csv.reader([file.readline(LONGEST_HEADER)], delimiter=separator), [])


def _check(names: list[str], how: str) -> None:
    if any(names.count(column) != 1 for column in COLUMNS):
        found = ", ".join(names)[:100]
        raise Refused(422, f"The file must name {', '.join(COLUMNS)} once each, {how}: {found!r}")


def _count(source: pl.LazyFrame) -> int:
    try:
        return max(1, int(source.select(pl.len()).collect(engine="streaming").item()))
    except pl.exceptions.PolarsError as error:
        raise _unreadable(error) from error


def _batches(source: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    try:
        yield from _cleaned(source).collect_batches(chunk_size=ROWS_AT_ONCE, engine="streaming")
    except pl.exceptions.PolarsError as error:  # a quote that is never closed, a broken Parquet
        raise _unreadable(error) from error


def _unreadable(error: pl.exceptions.PolarsError) -> Refused:
    return Refused(422, f"The file cannot be read: {str(error).partition(chr(10))[0][:200]}")


def _cleaned(source: pl.LazyFrame) -> pl.LazyFrame:
    """Each row as it was, as it is when cleaned, and what is wrong with it (null: nothing)."""
    day, amount = pl.col("day").str.strip_chars(), pl.col("amount").str.strip_chars()
    shop = pl.col("shop").str.strip_chars().str.replace_all(r"\s+", " ")
    clean = {
        "day": pl.when(day.str.contains(DAY)).then(day).str.to_date("%Y-%m-%d", strict=False),
        "shop": pl.when(~shop.str.contains(NO_NAME)).then(shop),
        "amount": pl.when(amount.str.contains(AMOUNT)).then(amount).cast(MONEY, strict=False),
    }
    cleaned = source.with_columns(
        **{f"clean_{column}": expression for column, expression in clean.items()}
    )
    faults = {"too many fields": pl.col(SURPLUS).is_not_null()}
    faults |= {column: pl.col(f"clean_{column}").is_null() for column in COLUMNS}
    first = pl.coalesce(pl.when(is_so).then(pl.lit(fault)) for fault, is_so in faults.items())
    return cleaned.with_columns(wrong=first)


def _kept(batch: pl.DataFrame) -> pl.DataFrame:
    return batch.select(pl.col(f"clean_{column}").alias(column) for column in COLUMNS)


def _added(totals: pl.DataFrame, batch: pl.DataFrame) -> pl.DataFrame:
    by_key = _kept(batch).group_by("day", "shop")
    found = by_key.agg(sales=pl.len().cast(pl.Int64), amount=pl.col("amount").sum())
    both = pl.concat([totals, found]).group_by("day", "shop")
    summed = both.agg(pl.col("sales", "amount").sum())
    if summed.height > MOST_TOTALS:
        raise Refused(422, f"The file has more than {MOST_TOTALS} pairs of day and shop.")
    return summed


def _no_rows() -> pl.DataFrame:
    types = [pl.Date(), pl.String(), MONEY]
    return pl.DataFrame(schema={f"clean_{c}": t for c, t in zip(COLUMNS, types, strict=True)})


def _no_totals() -> pl.DataFrame:
    return pl.DataFrame(
        schema={"day": pl.Date, "shop": pl.String, "sales": pl.Int64, "amount": MONEY}
    )
