"""The tables. Every figure is the median of the rounds; a ratio is taken within each round."""

import os
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

from empty import Pace
from reports import IN_FLIGHT, WORKERS, Round
from rich.console import Console
from rich.table import Table

T = TypeVar("T")


def print_reports(found: Mapping[str, Sequence[Round]], bare: Sequence[float], number: int) -> None:
    """How each variant fared under load."""
    table = _table(
        f"{IN_FLIGHT} reports in flight, {_circumstances(len(bare), f'{number} reports')}",
        "aims for a queue: p99 loaded / idle at most 2, reports/s at least 0.9 of the bare pool's",
        "variant",
        "idle p50/p99 ms",
        "loaded p50/p99/max ms",
        "p99 ratio",
        "submit p50/p99 ms",
        "reports/s",
        "of bare",
        "API MB",
        "workers MB",
    )
    for name, rounds in found.items():
        table.add_row(name, *_report_cells(rounds))
    rate = statistics.median(bare)
    table.add_row("bare multiprocessing.Pool", "", "", "", "", f"{rate:.2f}", "1.00", "", "")
    Console(width=140).print(table)


def print_empty_jobs(found: Mapping[str, Sequence[Pace]], number: int) -> None:
    """What an empty job costs."""
    rounds = len(next(iter(found.values())))
    table = _table(
        f"Empty jobs, {_circumstances(rounds, f'{number} jobs')}",
        "aim: at least 0.5 of the bare engine",
        "queue",
        "jobs/s",
        "rows alone/s",
        "of rows",
        "bare engine's jobs/s",
        "of bare",
    )
    for name, paces in found.items():
        table.add_row(
            name,
            f"{_middle(paces, lambda p: p.ours):.0f}",
            f"{_middle(paces, lambda p: p.rows):.0f}",
            f"{_middle(paces, lambda p: p.ours / p.rows):.2f}",
            f"{_middle(paces, lambda p: p.bare):.0f}",
            f"{_middle(paces, lambda p: p.ours / p.bare):.2f}",
        )
    Console(width=140).print(table)


def _circumstances(rounds: int, each: str) -> str:
    database = urlsplit(os.environ.get("DATABASE_URL", "sqlite:")).scheme.partition("+")[0]
    broker = urlsplit(os.environ.get("BROKER_URL", "")).scheme or "embedded"
    return (
        f"{WORKERS} workers, {os.cpu_count()} cores, database: {database}, broker: {broker}; "
        f"medians of {rounds} interleaved rounds of {each}"
    )


def _table(title: str, aims: str, *headings: str) -> Table:
    table = Table(title=title, caption=aims)
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number else "left")
    return table


def _report_cells(rounds: Sequence[Round]) -> list[str]:
    def milliseconds(times: str, *shares: float) -> str:
        return " / ".join(f"{middle(times, share):.1f}" for share in shares)

    def middle(times: str, share: float) -> float:
        return _middle(rounds, lambda found: _percentile(getattr(found, times), share))

    ratio = _middle(rounds, lambda r: _percentile(r.loaded, 0.99) / _percentile(r.idle, 0.99))
    workers = [found.worker_megabytes for found in rounds if found.worker_megabytes]
    return [
        milliseconds("idle", 0.5, 0.99),
        milliseconds("loaded", 0.5, 0.99, 1),
        f"{ratio:.1f}",
        milliseconds("submits", 0.5, 0.99),
        f"{_middle(rounds, lambda found: found.reports_per_second):.2f}",
        f"{_middle(rounds, lambda found: found.of_bare):.2f}",
        f"{_middle(rounds, lambda found: found.megabytes):.0f}",
        f"{statistics.median(workers):.0f}" if workers else "",
    ]


def _middle(found: Iterable[T], figure: Callable[[T], float]) -> float:
    return statistics.median(map(figure, found))


def _percentile(times: Sequence[float], share: float) -> float:
    return sorted(times)[min(int(len(times) * share), len(times) - 1)]
