"""A report in, the bytes of a PDF out.

One font is embedded. A character that it lacks is shown as U+FFFD; writing from right to left is
put in order, but Arabic letters are not joined, which would need a shaping library.
"""

import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from itertools import pairwise
from pathlib import Path
from typing import cast

from fpdf import FPDF
from fpdf.bidi import BidiParagraph
from fpdf.fonts import TTFFont

from app.compute import Analysis, Histogram, Interval
from app.scales import Axis, Notation, round_step, ticks

FONT = Path(__file__).with_name("fonts") / "DejaVuSans.ttf"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
TOTAL_PAGES = "\uffff"  # stands for their number until it is known; no text can hold it

# Millimetres on A4, 210 by 297.
MARGIN = 20.0
WIDTH = 170.0
GUTTER = 14.0
COLUMN = (WIDTH - GUTTER) / 2
ROW = 6.4
NAMES = 28.0  # the column of names in a table
PLOT_HEIGHT = 76.0
CHART_HEIGHT = PLOT_HEIGHT + 28  # with heading, interval and axis
AXIS_LABELS = 16.0  # the room beside the plot for the labels of its counts

# Points, greys (0 is black) and one colour.
TITLE_SIZES = {60: 20.0, 150: 16.0}  # by the number of characters up to which they are used
SMALLEST_TITLE = 12.0
HEADING, BODY, SMALL = 11.0, 9.0, 8.0
INK, MUTED, LINE = 30, 105, 215
BAR = (148, 174, 204)
ACCENT = (28, 78, 138)

NONE = "\N{EN DASH}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContent:
    """All that a PDF shows. Times have a zone."""

    title: str
    dataset: str
    resamples: int
    seed: int
    created_at: datetime
    first_reading: datetime | None = None
    last_reading: datetime | None = None
    result: Analysis


class Document(FPDF):
    """A4 pages with the font loaded and a footer, and what is drawn on them more than once."""

    def __init__(self, report: ReportContent) -> None:
        super().__init__(format="A4")
        self.set_margin(MARGIN)
        self.c_margin = 0
        self.add_font("body", fname=FONT)
        self._known = cast(TTFFont, self.fonts["body"]).cmap
        self._footnote = f"Created {_moment(report.created_at)}"
        self.alias_nb_pages(TOTAL_PAGES)
        self.set_title(clean(report.title))
        self.set_creator("Bootstrap report")
        self.set_producer("fpdf2")
        self.set_creation_date(report.created_at)

    def footer(self) -> None:
        """Draw when the report was made and the page's number; fpdf2 calls this."""
        self.set_y(-MARGIN + 6)
        self.style(SMALL, MUTED)
        self.cell(WIDTH / 2, 4, self._footnote)
        self.cell(WIDTH / 2, 4, f"Page {self.page_no()} of {TOTAL_PAGES}", align="R")

    def style(self, size: float, grey: int) -> None:
        """Set the size, in points, and the grey of the text to come."""
        self.set_font("body", size=size)
        self.set_text_color(grey)

    def paragraph(self, text: str, x: float, width: float, height: float, align: str = "L") -> None:
        """Draw text of any kind in lines of a width and a height, and go below it."""
        drawable = self._drawable(clean(text))
        lines = self.multi_cell(width, height, drawable, dry_run=True, output="LINES")
        for line in cast(list[str], lines):
            self.set_x(x)
            self.cell(width, height, visual(line), align=align, new_x="LMARGIN", new_y="NEXT")

    def label(self, text: str, x: float, y: float, width: float, align: str) -> None:
        """Draw a short text on one line, with its middle at y."""
        self.set_xy(x, y - 2)
        self.cell(width, 4, text, align=align)

    def heading(self, text: str, x: float, width: float) -> None:
        """Draw the heading of a block, ruled below, and go below it."""
        self.style(HEADING, INK)
        self.paragraph(text, x, width, 7)
        self.rule(x, width, MUTED)

    def rule(self, x: float, width: float, grey: int) -> None:
        """Draw a line across a block, here."""
        self.set_draw_color(grey)
        self.set_line_width(0.2)
        self.line(x, self.y, x + width, self.y)

    def keep_together(self, height: float) -> None:
        """Go to a new page unless a block of a height, in millimetres, fits on this one."""
        if self.will_page_break(height):
            self.add_page()

    def _drawable(self, text: str) -> str:
        # Composed first, because the font has more letters with accents than places for accents.
        composed = unicodedata.normalize("NFC", text)
        return "".join(char if ord(char) in self._known else REPLACEMENT for char in composed)


def render(report: ReportContent) -> bytes:
    """The report as a PDF; the same bytes for the same report."""
    document = Document(report)
    document.add_page()
    _draw_title(document, report)
    _draw_tables(document, report)
    _draw_intervals(document, report)
    _draw_chart(document, report.result)
    return bytes(document.output())


def clean(text: str) -> str:
    """The text on one line; what is not text (control characters, lone surrogates) is U+FFFD."""
    line = " ".join(text.split())
    return "".join(REPLACEMENT if unicodedata.category(c) in {"Cc", "Cs"} else c for c in line)


def visual(line: str) -> str:
    """A line in the order in which it is drawn, from left to right (Unicode's annex 9)."""
    if any(unicodedata.bidirectional(char) in {"R", "AL"} for char in line):
        return BidiParagraph(line).get_reordered_string()
    return line


def _moment(at: datetime) -> str:
    """A time in UTC, to the second; only its date when it is midnight."""
    utc = at.astimezone(UTC).replace(tzinfo=None)
    if utc.time() == time.min:
        return utc.date().isoformat()
    return f"{utc.isoformat(' ', 'seconds')} UTC"


def _draw_title(document: Document, report: ReportContent) -> None:
    length = len(report.title)
    size = next((TITLE_SIZES[most] for most in TITLE_SIZES if length <= most), SMALLEST_TITLE)
    document.style(size, INK)
    document.paragraph(report.title, MARGIN, WIDTH, size * 0.46)
    document.ln(1)
    document.style(BODY + 1, MUTED)
    document.paragraph(f"Bootstrap report on dataset {report.dataset}", MARGIN, WIDTH, 6)
    document.ln(6)


def _draw_tables(document: Document, report: ReportContent) -> None:
    statistics, parameters = _statistics(report.result), _parameters(report)
    document.keep_together(9 + ROW * len(statistics))
    top = document.y
    _draw_table(document, "Parameters", parameters, MARGIN + COLUMN + GUTTER)
    end_of_parameters, document.y = document.y, top
    _draw_table(document, "Statistics", statistics, MARGIN)
    document.y = max(document.y, end_of_parameters) + 6


def _statistics(result: Analysis) -> dict[str, str]:
    write = Notation.for_result(result).write
    deviation = result["standard_deviation"]
    return {
        "Count": str(result["count"]),
        "Mean": write(result["mean"]),
        "Standard deviation": NONE if deviation is None else write(deviation),
        "Minimum": write(result["minimum"]),
        "Lower quartile": write(result["lower_quartile"]),
        "Median": write(result["median"]),
        "Upper quartile": write(result["upper_quartile"]),
        "Maximum": write(result["maximum"]),
    }


def _parameters(report: ReportContent) -> dict[str, str]:
    rows = {"Dataset": report.dataset}
    if report.first_reading:
        rows["First reading"] = _moment(report.first_reading)
    if report.last_reading:
        rows["Last reading"] = _moment(report.last_reading)
    return rows | {"Resamples": str(report.resamples), "Seed": str(report.seed)}


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
    result = report.result
    document.keep_together(9 + 3 * ROW + 8)
    confidence = f"{result['mean_interval']['confidence']:.0%}"
    document.heading(f"{confidence} confidence intervals", MARGIN, WIDTH)
    _draw_row(document, "", ["Estimate", "Lower bound", "Upper bound"], MUTED)
    write = Notation.for_result(result).write
    for name, estimate, interval in _estimates(result):
        numbers = [write(number) for number in (estimate, interval["low"], interval["high"])]
        _draw_row(document, name, numbers, INK)
    document.ln(1.5)
    document.style(SMALL, MUTED)
    method = f"Percentile bootstrap, {report.resamples} resamples, seed {report.seed}."
    document.paragraph(method, MARGIN, WIDTH, 4)
    document.ln(6)


def _estimates(result: Analysis) -> list[tuple[str, float, Interval]]:
    return [
        ("Mean", result["mean"], result["mean_interval"]),
        ("Median", result["median"], result["median_interval"]),
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


def _draw_chart(document: Document, result: Analysis) -> None:
    document.keep_together(CHART_HEIGHT)
    document.heading("Histogram", MARGIN, WIDTH)
    bins = result["histogram"]
    floor = document.y + 9 + PLOT_HEIGHT
    across = Axis(bins["edges"][0], bins["edges"][-1], MARGIN + AXIS_LABELS, MARGIN + WIDTH)
    up = Axis(0, max(bins["counts"]) * 1.05, floor, floor - PLOT_HEIGHT)
    _draw_counts(document, across, up)
    _draw_bars(document, bins, across, up)
    _draw_values(document, across, floor)
    document.label("Readings", MARGIN, up.end - 4, AXIS_LABELS - 3, "R")
    document.label("Value", across.start, floor + 8.5, across.end - across.start, "C")
    _draw_mean(document, result, across, up)


def _draw_counts(document: Document, across: Axis, up: Axis) -> None:
    for count in ticks(0, up.high, round_step(max(up.high / 5, 1))):
        document.style(SMALL, MUTED)
        document.label(f"{count:.0f}", MARGIN, up.at(count), AXIS_LABELS - 3, "R")
        document.y = up.at(count)
        document.rule(across.start, across.end - across.start, LINE)


def _draw_bars(document: Document, bins: Histogram, across: Axis, up: Axis) -> None:
    document.set_fill_color(*BAR)
    for (low, high), count in zip(pairwise(bins["edges"]), bins["counts"], strict=True):
        left, width = across.at(low), across.at(high) - across.at(low)
        gap = min(0.3, width / 5)
        if count:
            document.rect(left + gap, up.at(count), width - 2 * gap, up.start - up.at(count), "F")


def _draw_values(document: Document, across: Axis, floor: float) -> None:
    step = round_step(max((across.high - across.low) / 10, sys.float_info.min))
    notation = Notation.of(max(abs(across.low), abs(across.high)), step)
    document.style(SMALL, MUTED)
    document.set_draw_color(MUTED)
    document.line(across.start, floor, across.end, floor)
    free_from = 0.0
    for number in ticks(across.low, across.high, step):
        x, text = across.at(number), notation.write(number)
        width = document.get_string_width(text)
        document.line(x, floor, x, floor + 1.2)
        if x - width / 2 > free_from and x + width / 2 < MARGIN + WIDTH + 5:
            document.label(text, x - width / 2, floor + 3.5, width, "C")
            free_from = x + width / 2 + 2


def _draw_mean(document: Document, result: Analysis, across: Axis, up: Axis) -> None:
    low, high = (across.at(result["mean_interval"][end]) for end in ("low", "high"))
    mean, y = across.at(result["mean"]), up.end - 4
    document.set_draw_color(*ACCENT)
    document.set_fill_color(*ACCENT)
    document.set_line_width(0.4)
    document.line(low, y, high, y)
    for end in (low, high):
        document.line(end, y - 1, end, y + 1)
    document.circle(mean, y, 0.9, style="F")
    with document.local_context(dash_pattern={"dash": 1, "gap": 1, "phase": 0}):
        document.line(mean, y, mean, up.start)
    document.style(SMALL, INK)
    text = "Mean and its interval"
    width = document.get_string_width(text)
    fits = high + 2 + width < across.end
    document.label(text, high + 2 if fits else low - 2 - width, y, width, "L")
