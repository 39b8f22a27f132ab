"""Rows of a CSV file with a header, a batch at a time: a file may be larger than the memory."""

import csv
from collections.abc import Iterator, Sequence
from io import TextIOWrapper
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.offload import Refused

LARGEST = float(np.finfo(np.float32).max)


def read_batches(
    path: Path, columns: Sequence[str], size: int
) -> Iterator[tuple[NDArray[np.float32], int]]:
    """Up to `size` rows of these columns, and how many bytes have been read by then.

    Raises Refused, naming the line, for what is no such table. Other columns are left out.
    """
    with path.open("rb") as file, TextIOWrapper(file, "utf-8-sig", newline="") as text:
        lines = csv.reader(text, strict=True)
        try:
            rows = _rows(lines, _places(next(lines, []), columns))
            while batch := list(islice(rows, size)):
                yield np.array(batch, np.float32), file.tell()
        except UnicodeDecodeError:
            raise Refused(422, f"The file is not UTF-8, after line {lines.line_num}.") from None
        except csv.Error as error:
            raise Refused(422, f"Line {lines.line_num} is no CSV: {error}.") from None
        if lines.line_num < 2:
            raise Refused(422, "The file has no rows.")


def _places(header: Sequence[str], columns: Sequence[str]) -> dict[str, int]:
    """Where the columns are. Raises Refused."""
    found = {name.strip(): place for place, name in enumerate(header)}
    if missing := [name for name in columns if name not in found]:
        raise Refused(
            422,
            f"The first line has no column {missing[0]}; it needs {', '.join(columns)},"
            " with commas between them.",
        )
    return {name: found[name] for name in columns}


def _rows(lines: Iterator[list[str]], places: dict[str, int]) -> Iterator[list[float]]:
    for number, line in enumerate(lines, start=2):
        if line:  # a blank one is none
            yield [_number(line, place, name, number) for name, place in places.items()]


def _number(line: Sequence[str], place: int, name: str, number: int) -> float:
    text = line[place] if place < len(line) else ""
    try:
        value = float(text)
    except ValueError:
        value = LARGEST * 2
    if not abs(value) <= LARGEST:  # not for NaN either
        raise Refused(422, f"Row {number}, {name}: {text[:50]!r} is no number.")
    return value
