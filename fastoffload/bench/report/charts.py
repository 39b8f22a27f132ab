"""The charts: one SVG, readable on a dark and on a light ground, without script."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

from fastoffload.bench.result import Measured, Result
from fastoffload.bench.service.ways import Kind

WIDTH = 860
LABELS = 230  # for the names of the ways
VALUES = 150  # for the figures behind the bars
LINE = 24
HEAD = 58

STYLE = """
.ground { fill: #ffffff } .ink { fill: #1f2430 } .soft { fill: #5d6678 }
.grid { stroke: #d5dae3; stroke-width: 1 } .limit { stroke: #5d6678; stroke-dasharray: 4 3 }
.variant { fill: #2f6fb2 } .held { fill: #c2513d }
.range { stroke: #1f2430; stroke-width: 1.5 }
text { font: 13px system-ui, sans-serif } .title { font-weight: 600; font-size: 15px }
@media (prefers-color-scheme: dark) {
.ground { fill: #15181f } .ink { fill: #e8eaf0 } .soft { fill: #a2abbd }
.grid { stroke: #343b49 } .limit { stroke: #a2abbd }
.variant { fill: #6aa5e3 } .held { fill: #e5806b }
.range { stroke: #e8eaf0 } }
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """A way: the length of its bar, the range over the rounds, the figures in words."""

    name: str
    value: float
    low: float
    high: float
    text: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars on one scale; a dashed line marks a limit."""

    title: str
    bars: Sequence[Bar]
    logarithmic: bool = False
    limit: float | None = None

    @property
    def height(self) -> int:
        """In pixels."""
        return HEAD + LINE * len(self.bars) + 24


def chart(result: Result) -> str:
    """All panels below each other, as an SVG document."""
    parts, top = [], 0
    for panel in panels(result):
        parts.append(f'<g transform="translate(0 {top})">{_draw(panel)}</g>')
        top += panel.height
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}"'
        f' height="{top}" role="img"><title>fastoffload bench</title><style>{STYLE}</style>'
        f'<rect class="ground" width="{WIDTH}" height="{top}"/>{"".join(parts)}</svg>\n'
    )


def panels(result: Result) -> list[Panel]:
    """Latency, throughput, memory."""
    ways = result.ways
    return [
        Panel(
            "GET /health/live under load: 99th percentile, ms, logarithmic",
            _bars(ways, "loaded_p99", _latency),
            logarithmic=True,
        ),
        Panel(
            "Jobs per second; dashed: a bare multiprocessing.Pool",
            _bars(ways, "jobs_per_second", lambda way: f"{way['jobs_per_second'].median:.2f}"),
            limit=result.bare_pool.median,
        ),
        Panel("Memory of API and workers under load, MB (PSS)", [_memory(way) for way in ways]),
    ]


def _bars(ways: Iterable[Measured], figure: str, text: Callable[[Measured], str]) -> list[Bar]:
    return [
        Bar(way.name, found.median, found.low, found.high, text(way), way.kind)
        for way in ways
        for found in [way[figure]]
    ]


def _latency(way: Measured) -> str:
    return f"{way['loaded_p99'].median:.1f} (max {way['loaded_max'].median:.0f})"


def _memory(way: Measured) -> Bar:
    found = [way.figures[name] for name in ("api_mb", "worker_mb") if name in way.figures]
    total = sum(figure.median for figure in found)
    low, high = sum(figure.low for figure in found), sum(figure.high for figure in found)
    text = " + ".join(f"{figure.median:.0f}" for figure in found)
    return Bar(way.name, total, low, high, text, way.kind)


def _draw(panel: Panel) -> str:
    ends = [*(bar.high for bar in panel.bars), panel.limit or 0]
    ticks = _decades(panel.bars, max(ends)) if panel.logarithmic else _steps(max(ends))
    at = _scale(ticks, logarithmic=panel.logarithmic)
    bottom = HEAD + LINE * len(panel.bars)
    parts = [f'<text class="ink title" x="16" y="26">{escape(panel.title)}</text>']
    for tick in ticks:
        x = at(tick)
        parts.append(
            f'<line class="grid" x1="{x:.1f}" y1="{HEAD - 8}" x2="{x:.1f}" y2="{bottom}"/>'
        )
        parts.append(
            f'<text class="soft" x="{x:.1f}" y="{HEAD - 13}" text-anchor="middle">{tick:g}</text>'
        )
    for number, bar in enumerate(panel.bars):
        parts.append(_draw_bar(bar, HEAD + LINE * number, at))
    if panel.limit:
        x = at(panel.limit)
        parts.append(f'<line class="limit" x1="{x:.1f}" y1="{HEAD}" x2="{x:.1f}" y2="{bottom}"/>')
    return "".join(parts)


def _draw_bar(bar: Bar, top: int, at: Callable[[float], float]) -> str:
    base, end, middle = LABELS, at(bar.value), top + LINE // 2
    return (
        f'<text class="ink" x="{LABELS - 10}" y="{middle + 4}" text-anchor="end">'
        f"{escape(bar.name)}</text>"
        f'<rect class="{bar.kind}" x="{base}" y="{top + 4}" width="{max(end - base, 1):.1f}"'
        f' height="{LINE - 8}" rx="2"/>'
        f'<line class="range" x1="{at(bar.low):.1f}" y1="{middle}" x2="{at(bar.high):.1f}"'
        f' y2="{middle}"/>'
        f'<text class="soft" x="{WIDTH - VALUES + 14}" y="{middle + 4}">{escape(bar.text)}</text>'
    )


def _scale(ticks: Sequence[float], *, logarithmic: bool) -> Callable[[float], float]:
    """From a figure to pixels."""
    low, high = ticks[0], ticks[-1]
    room = WIDTH - VALUES - LABELS

    def at(value: float) -> float:
        if logarithmic:
            share = math.log(max(value, low) / low) / math.log(high / low)
        else:
            share = (value - low) / (high - low)
        return LABELS + room * share

    return at


def _decades(bars: Iterable[Bar], high: float) -> list[float]:
    first = math.floor(math.log10(min(bar.low for bar in bars)))
    last = max(math.ceil(math.log10(high)), first + 1)
    return [10.0**power for power in range(first, last + 1)]


def _steps(high: float) -> list[float]:
    unit = 10.0 ** math.floor(math.log10(high))
    step = next(size * unit for size in (0.2, 0.5, 1, 2) if high / (size * unit) <= 5)
    return [step * number for number in range(math.ceil(high / step) + 1)]
