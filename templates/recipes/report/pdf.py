"""A report in, the bytes of a PDF out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from .chart import draw_chart
from .document import BODY, INK, LINE, MARGIN, MUTED, SMALL, WIDTH, Document
from .figures import Interval
from .kind import (
    JobNameParams,
    JobNameResult,
)
from .scales import Notation

# Millimetres.
GUTTER = 14.0
COLUMN = (WIDTH - GUTTER) / 2
ROW = 6.4
NAMES = 28.0  # the column of names in a table

# Points.
TITLE_SIZES = {60: 20.0, 150: 16.0}  # by the number of characters up to which they are used
SMALLEST_TITLE = 12.0

NONE = "\N{EN DASH}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContent:
    """All that a PDF shows. Times have a zone."""

    params: JobNameParams
    result: JobNameResult
    created_at: datetime
    first_reading: datetime
    last_reading: datetime


def render(report: ReportContent) -> bytes:
    """The report as a PDF; the same bytes for the same report."""
    footnote = f"Created {_moment(report.created_at)}"
    document = Document(report.params.title, footnote, report.created_at)
    document.add_page()
    _draw_title(document, report.params)
    _draw_tables(document, report)
    _draw_intervals(document, report)
    draw_chart(document, report.result)
    return bytes(document.output())


def _moment(at: datetime) -> str:
    """A time in UTC, to the second; only its date when it is midnight."""
    utc = at.astimezone(UTC).replace(tzinfo=None)
    if utc.time() == time.min:
        return utc.date().isoformat()
    return f"{utc.isoformat(' ', 'seconds')} UTC"


def _draw_title(document: Document, params: JobNameParams) -> None:
    length = len(params.title)
    size = next((TITLE_SIZES[most] for most in TITLE_SIZES if length <= most), SMALLEST_TITLE)
    document.style(size, INK, "B")
    document.paragraph(params.title, MARGIN, WIDTH, size * 0.46, role="H1")
    document.ln(1)
    document.style(BODY + 1, MUTED)
    document.paragraph(f"Bootstrap report on dataset {params.dataset}", MARGIN, WIDTH, 6)
    document.ln(6)


def _draw_tables(document: Document, report: ReportContent) -> None:
    statistics, parameters = _statistics(report.result), _parameters(report)
    document.keep_together(9 + ROW * len(statistics))
    top = document.y
    _draw_table(document, "Parameters", parameters, MARGIN + COLUMN + GUTTER)
    end_of_parameters, document.y = document.y, top
    _draw_table(document, "Statistics", statistics, MARGIN)
    document.y = max(document.y, end_of_parameters) + 6


def _statistics(result: JobNameResult) -> dict[str, str]:
    write = Notation.for_result(result).write
    deviation = result.standard_deviation
    return {
        "Count": f"{result.count:,}",
        "Mean": write(result.mean),
        "Standard deviation": NONE if deviation is None else write(deviation),
        "Minimum": write(result.minimum),
        "Lower quartile": write(result.lower_quartile),
        "Median": write(result.median),
        "Upper quartile": write(result.upper_quartile),
        "Maximum": write(result.maximum),
    }


def _parameters(report: ReportContent) -> dict[str, str]:
    return {
        "Dataset": report.params.dataset,
        "Version": str(report.params.version or NONE),
        "First reading": _moment(report.first_reading),
        "Last reading": _moment(report.last_reading),
        "Resamples": f"{report.params.resamples:,}",
        "Seed": str(report.params.seed),
    }


def _draw_table(document: Document, heading: str, rows: dict[str, str], x: float) -> None:
    document.heading(heading, x, COLUMN)
    for name, value in rows.items():
        top = document.y
        document.style(BODY, MUTED)
        document.label(name, x, top + ROW / 2, NAMES, "L")
        document.style(BODY, INK)
        document.y = top
        document.paragraph(value, x + NAMES, COLUMN - NAMES, ROW, "R")
        document.rule(x, COLUMN, LINE)


def _draw_intervals(document: Document, report: ReportContent) -> None:
    params, result = report.params, report.result
    document.keep_together(9 + 3 * ROW + 8)
    confidence = f"{result.mean_interval.confidence:.0%}"
    document.heading(f"{confidence} confidence intervals", MARGIN, WIDTH)
    _draw_row(document, "", ["Estimate", "Lower bound", "Upper bound"], MUTED)
    write = Notation.for_result(result).write
    for name, estimate, interval in _estimates(result):
        numbers = [write(number) for number in (estimate, interval.low, interval.high)]
        _draw_row(document, name, numbers, INK)
    document.ln(1.5)
    document.style(SMALL, MUTED)
    method = f"Percentile bootstrap, {params.resamples:,} resamples, seed {params.seed}."
    document.paragraph(method, MARGIN, WIDTH, 4)
    document.ln(6)


def _estimates(
    result: JobNameResult,
) -> list[tuple[str, float, Interval]]:
    return [
        ("Mean", result.mean, result.mean_interval),
        ("Median", result.median, result.median_interval),
    ]


def _draw_row(document: Document, name: str, texts: Sequence[str], grey: int) -> None:
    middle, width = document.y + ROW / 2, (WIDTH - NAMES) / len(texts)
    document.style(BODY, MUTED)
    document.label(name, MARGIN, middle, NAMES, "L")
    document.style(BODY, grey)
    for number, text in enumerate(texts):
        document.label(text, MARGIN + NAMES + number * width, middle, width, "R")
    document.y = middle + ROW / 2
    document.rule(MARGIN, WIDTH, LINE)
