"""Readings as CSV: what is taken, and what is said about what is not."""

import csv
import io
import math
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import BinaryIO

HEADER = ["taken_at", "value"]
EXPECTED = ",".join(HEADER)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

# Python's own readers take much more: 1_5, digits of any script, 2024-01-01+02:00 as two o'clock.
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
TIME = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII
)
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)


class InvalidCsv(ValueError):
    """The CSV cannot be taken as readings; says the line and the column, both from 1."""

    def __init__(self, line: int, column: int, reason: str) -> None:
        super().__init__(f"line {line}, column {column}: {reason}")
        self.line, self.column = line, column


@dataclass(frozen=True, slots=True)
class Readings:
    """Values in the order of their times: 16 bytes each, and not two at one time."""

    times: "array[int]" = field(default_factory=lambda: array("q"))  # microseconds since 1970
    values: "array[float]" = field(default_factory=lambda: array("d"))

    def time(self, position: int) -> datetime:
        """The time of a reading, in UTC."""
        return EPOCH + self.times[position] * MICROSECOND


def parse(file: BinaryIO) -> Readings:
    """The readings in a CSV with the columns taken_at (ISO 8601, UTC if it has no zone) and value.

    No blank stands around either. The lines may come in any order. Raises InvalidCsv.
    """
    found, lines = Readings(), array("q")
    try:
        for line, at, value in _parse_rows(file):
            found.times.append((at - EPOCH) // MICROSECOND)
            found.values.append(value)
            lines.append(line)
    except UnicodeDecodeError:
        raise _not_utf8(file) from None
    if not lines:
        raise InvalidCsv(2, 1, "there is no reading")
    return _in_order(found, lines)


def _in_order(found: Readings, lines: "array[int]") -> Readings:
    if all(earlier < later for earlier, later in pairwise(found.times)):
        return found
    order = sorted(range(len(lines)), key=found.times.__getitem__)
    for one, other in pairwise(order):
        if found.times[one] == found.times[other]:
            first, second = sorted((lines[one], lines[other]))
            at = found.time(one).isoformat().replace("+00:00", "Z")
            raise InvalidCsv(second, 1, f"taken_at {at} is on line {first} already")
    return Readings(
        array("q", (found.times[place] for place in order)),
        array("d", (found.values[place] for place in order)),
    )


def _parse_rows(file: BinaryIO) -> Iterator[tuple[int, datetime, float]]:
    text = io.TextIOWrapper(file, "utf-8-sig", newline="")
    rows = csv.reader(text, strict=True)
    try:
        if (header := next(rows, [])) != HEADER:
            raise InvalidCsv(1, 1, _about_header(header))
        for row in rows:
            if row:
                yield rows.line_num, *_parse_row(rows.line_num, row)
    except csv.Error as error:
        raise InvalidCsv(rows.line_num, 1, str(error)) from None
    finally:
        text.detach()  # or it would close the file


def _about_header(header: list[str]) -> str:
    seen = ",".join(header)
    if not seen:
        return f"the header is missing; expected is {EXPECTED}"
    if separator := next((sign for sign in ";\t|" if sign in seen), None):
        return f"the columns are separated by {separator!r}; expected are commas: {EXPECTED}"
    if TIME.fullmatch(header[0]):
        return f"the first line is a reading; expected is the header {EXPECTED}"
    return f"the header is {seen[:80]!r}; expected is {EXPECTED}"


def _parse_row(line: int, row: list[str]) -> tuple[datetime, float]:
    if len(row) != len(HEADER):
        column = min(len(row), len(HEADER)) + 1
        raise InvalidCsv(line, column, _about_columns(row))
    return _parse_time(line, row[0]), _parse_value(line, row[1])


def _about_columns(row: list[str]) -> str:
    seen = f"{len(row)} columns are found" if len(row) > 1 else "1 column is found"
    hint = ""
    if len(row) == 3 and DECIMAL_COMMA.fullmatch(",".join(row[1:])):
        hint = f"; a decimal comma? Write {row[1]}.{row[2]}"
    if len(row) == 1 and (separator := next((sign for sign in ";\t|" if sign in row[0]), None)):
        hint = f", separated by {separator!r}; a comma separates here"
    return f"{seen}, 2 columns are expected{hint}"


def _parse_time(line: int, text: str) -> datetime:
    try:
        if not TIME.fullmatch(text):
            raise ValueError
        at = datetime.fromisoformat(text)
    except ValueError:
        likes = "2024-01-31 or 2024-01-31T12:00:00Z"
        reason = f"taken_at {text[:50]!r} is no ISO 8601 time like {likes}{_about_blanks(text)}"
        raise InvalidCsv(line, 1, reason) from None
    try:
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except OverflowError:
        raise InvalidCsv(line, 1, f"taken_at {text[:50]!r} is out of range") from None


def _parse_value(line: int, text: str) -> float:
    if DECIMAL_COMMA.fullmatch(text):
        point = text.replace(",", ".")
        raise InvalidCsv(line, 2, f"value {text[:50]!r} has a decimal comma; write {point[:50]}")
    if not NUMBER.fullmatch(text):
        reason = f"value {text[:50]!r} is no number like 12.5{_about_blanks(text)}"
        raise InvalidCsv(line, 2, reason)
    value = float(text)
    if not math.isfinite(value):
        raise InvalidCsv(line, 2, f"value {text[:50]!r} is not finite")
    return value


def _about_blanks(text: str) -> str:
    return "; take out the blank around it" if text != text.strip() else ""


def _not_utf8(file: BinaryIO) -> InvalidCsv:
    file.seek(0)
    for number, line in enumerate(file, 1):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            hint = "; it looks like UTF-16" if line[:2] in {b"\xff\xfe", b"\xfe\xff"} else ""
            column = line.count(b",", 0, error.start) + 1
            return InvalidCsv(number, column, f"not UTF-8{hint}; save it as CSV in UTF-8")
    return InvalidCsv(1, 1, "not UTF-8")
