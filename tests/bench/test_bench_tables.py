"""The tables of `bench` on a terminal, and what is measured when there is little time."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from fastoffload.bench.measuring.clock import Clock
from fastoffload.bench.measuring.work import Work
from fastoffload.bench.report.tables import Table, fitted
from fastoffload.bench.run import Bench
from fastoffload.bench.service.projects import generate
from fastoffload.commands.bench import on_terminal

LATENCIES = Table(
    "How long it takes",
    [
        "way",
        "idle p50/p99/max ms",
        "loaded p50/p99/max ms",
        "p99 low-high",
        "the same rows without a queue/s",
    ],
    [
        [
            "blocking in async def, --workers 2",
            "1.0 / 2.5 / 12.3",
            "512.1 / 2501.4 / 3000.2",
            "2000.0-3000.1",
            "1500",
        ],
        ["executor-process", "1.0 / 2.5 / 3.3", "1.1 / 2.4 / 30.2", "2.0-3.1", "15"],
    ],
    "What is said below.",
)


@pytest.mark.parametrize("width", [75, 80, 100, 200])
def test_no_cell_is_broken(width: int) -> None:
    console = Console(width=width, file=io.StringIO())
    parts = fitted(LATENCIES, width)
    for part in parts:
        console.print(on_terminal(part))
    said = console.file.getvalue()  # type: ignore[attr-defined]
    lines = [line.rstrip() for line in said.splitlines()]
    assert max(map(len, lines)) <= width
    for way in LATENCIES.lines:
        shown = [line for line in lines if line.strip().startswith(way[0])]
        assert len(shown) == len(parts)
        assert all(any(cell in line for line in shown) for cell in way)
    assert said.count("What is said below.") == 1
    assert (len(parts) == 1) == (width == 200)


@pytest.mark.xdist_group("bench")
def test_what_was_asked_for_is_measured_first(tmp_path: Path) -> None:
    project = generate(tmp_path, "executor-thread", None, [])
    bench = Bench(Clock(0), [project], Work.measured(project, None))
    bench.measure(rounds=1)
    assert [way.name for way in bench.measured()] == ["executor-thread"]
    assert "blocking in async def, round 1" in bench.clock.left_out
