"""The histogram of a report, drawn."""

import sys
from itertools import pairwise

from .document import INK, LINE, MARGIN, MUTED, SMALL, WIDTH, Document
from .figures import Histogram
from .kind import JobNameResult
from .scales import Axis, Notation, round_step, ticks

PLOT_HEIGHT = 76.0  # millimetres
CHART_HEIGHT = PLOT_HEIGHT + 28  # with heading, interval and axis
AXIS_LABELS = 16.0  # the room beside the plot for the labels of its counts
BAR = (148, 174, 204)
ACCENT = (28, 78, 138)


def draw_chart(document: Document, result: JobNameResult) -> None:
    """Draw the histogram below a heading, with the mean and its interval above it."""
    document.keep_together(CHART_HEIGHT)
    document.heading("Histogram", MARGIN, WIDTH)
    with document.role("Figure", _words(result)):
        _draw_plot(document, result)


def _words(result: JobNameResult) -> str:
    bins = result.histogram
    write = Notation.for_result(result).write
    return (
        f"Histogram of {result.count:,} readings in {len(bins.counts)} bins"
        f" from {write(bins.edges[0])} to {write(bins.edges[-1])};"
        f" the highest bin has {max(bins.counts):,}."
    )


def _draw_plot(document: Document, result: JobNameResult) -> None:
    bins = result.histogram
    floor = document.y + 9 + PLOT_HEIGHT
    across = Axis(bins.edges[0], bins.edges[-1], MARGIN + AXIS_LABELS, MARGIN + WIDTH)
    up = Axis(0, max(bins.counts) * 1.05, floor, floor - PLOT_HEIGHT)
    _draw_counts(document, across, up)
    _draw_bars(document, bins, across, up)
    _draw_values(document, across, floor)
    document.label("Readings", MARGIN, up.end - 4, AXIS_LABELS - 3, "R")
    document.label("Value", across.start, floor + 8.5, across.end - across.start, "C")
    _draw_mean(document, result, across, up)


def _draw_counts(document: Document, across: Axis, up: Axis) -> None:
    for count in ticks(0, up.high, round_step(max(up.high / 5, 1))):
        document.style(SMALL, MUTED)
        document.label(f"{count:,.0f}", MARGIN, up.at(count), AXIS_LABELS - 3, "R")
        document.y = up.at(count)
        document.rule(across.start, across.end - across.start, LINE)


def _draw_bars(document: Document, bins: Histogram, across: Axis, up: Axis) -> None:
    document.set_fill_color(*BAR)
    for (low, high), count in zip(pairwise(bins.edges), bins.counts, strict=True):
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


def _draw_mean(
    document: Document,
    result: JobNameResult,
    across: Axis,
    up: Axis,
) -> None:
    low, high = (across.at(end) for end in (result.mean_interval.low, result.mean_interval.high))
    mean, y = across.at(result.mean), up.end - 4
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
