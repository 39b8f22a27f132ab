"""The tables, as lists of lines of cells: for the terminal, for Markdown and for the page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fastoffload.bench.measuring.latency import IDLE_SECONDS, LOADED_SECONDS
from fastoffload.bench.result import Figure, Measured, Result

MARGINS = 3  # between two columns on a terminal


@dataclass(frozen=True, slots=True)
class Table:
    """A heading, the columns, the lines; what is said below it."""

    title: str
    columns: Sequence[str]
    lines: Sequence[Sequence[str]]
    note: str

    def width_of(self, number: int) -> int:
        """How wide a column must be; its heading may be broken between words."""
        words = self.columns[number].split()
        return max(map(len, [*words, *(line[number] for line in self.lines)]))


def tables(result: Result) -> list[Table]:
    """All there are."""
    made = [_latencies(result), _costs(result)]
    if result.losses:
        made.append(_losses(result))
    if result.engines:
        made.append(_engines(result))
    return made


def fitted(table: Table, width: int) -> list[Table]:
    """The table in as many as it takes for no cell to be broken, each with the first column."""
    first, *others = (table.width_of(n) + MARGINS for n in range(len(table.columns)))
    parts: list[list[int]] = [[]]
    for number, needed in enumerate(others, 1):
        used = first + sum(others[one - 1] for one in parts[-1])
        if parts[-1] and used + needed + 1 > width:
            parts.append([])
        parts[-1].append(number)
    return [_part(table, [0, *part], is_last=part is parts[-1]) for part in parts]


def _part(table: Table, numbers: Sequence[int], *, is_last: bool) -> Table:
    return Table(
        table.title if 1 in numbers else f"{table.title}, continued",
        [table.columns[number] for number in numbers],
        [[line[number] for number in numbers] for line in table.lines],
        table.note if is_last else "",
    )


def circumstances(result: Result) -> list[str]:
    """What the figures hold for, in sentences."""
    work = result.work
    return [
        f"{result.machine.in_words}; database: {result.database}.",
        f"A job is {result.computation} computation and a PDF: {work.job_seconds:.2f} s"
        f" on an idle core. {work.workers} workers; {work.in_flight} jobs in flight under load.",
        f"Measured on {result.measured_at} in {result.took_seconds:.0f} s by `{result.command}`.",
    ]


def _latencies(result: Result) -> Table:
    columns: dict[str, Callable[[Measured], str]] = {
        "way": lambda way: way.name,
        "idle p50/p99/max ms": lambda way: _medians(way, 1, "idle_p50", "idle_p99", "idle_max"),
        "loaded p50/p99/max ms": lambda way: _medians(
            way, 1, "loaded_p50", "loaded_p99", "loaded_max"
        ),
        "p99 low-high": lambda way: _spread(way["loaded_p99"], 1),
        "submit p50/p99 ms": lambda way: _medians(way, 0, "submit_p50", "submit_p99"),
        "late p99/max ms": lambda way: _medians(way, 1, "late_p99", "late_max"),
    }
    return Table(
        "How long GET /health/live takes while jobs run",
        list(columns),
        [[cell(way) for cell in columns.values()] for way in result.ways],
        f"Asked 100 times a second, {IDLE_SECONDS} s idle and {LOADED_SECONDS} s under load;"
        f" medians of up to {max(way.rounds for way in result.ways)} interleaved rounds, and the"
        " range of the p99. late: how late the load generator itself was.",
    )


def _costs(result: Result) -> Table:
    columns: dict[str, Callable[[Measured], str]] = {
        "way": lambda way: way.name,
        "jobs/s": lambda way: f"{way['jobs_per_second'].median:.2f}",
        "low-high": lambda way: _spread(way["jobs_per_second"], 2),
        "of bare": lambda way: f"{way['of_bare'].median:.2f}",
        "alone s": lambda way: f"{way['alone_seconds'].median:.2f}",
        "done p50/max s": lambda way: _medians(way, 1, "done_p50", "done_max"),
        "start s": lambda way: f"{way['start_seconds'].median:.1f}",
        "API MB (own)": lambda way: _memory(way, "api"),
        "workers MB (own)": lambda way: _memory(way, "worker"),
    }
    bare = result.bare_pool
    limit = ["bare multiprocessing.Pool", f"{bare.median:.2f}", _spread(bare, 2), "1.00"]
    lines = [[cell(way) for cell in columns.values()] for way in result.ways]
    return Table(
        "What gets done, and what it takes",
        list(columns),
        [*lines, [*limit, *[""] * (len(columns) - len(limit))]],
        f"{result.work.burst} jobs submitted at once with nobody asking; done: from a submit to"
        " the job's end, alone: of one job that has the service for itself; memory under load:"
        " PSS, and what no other process shares.",
    )


def _losses(result: Result) -> Table:
    return Table(
        "What is lost when a part gets kill -9 while jobs run and wait",
        ["way", "killed", "accepted", "unanswered", "lost", "ran again", "all ended after s"],
        [
            [
                loss.way,
                loss.killed,
                str(loss.accepted),
                str(loss.unanswered),
                str(loss.lost),
                str(loss.ran_again),
                f"{loss.seconds:.1f}",
            ]
            for loss in result.losses
        ],
        "The part is started again at once and every accepted job followed to its end;"
        " unanswered: the client never heard whether it was accepted.",
    )


def _engines(result: Result) -> Table:
    return Table(
        "What a job costs that does nothing",
        ["queue", "jobs/s", "the same rows without a queue/s", "bare engine's hello-world/s"],
        [
            [name, f"{pace.ours:.0f}", f"{pace.rows:.0f}", f"{pace.bare:.0f}"]
            for name, pace in result.engines.items()
        ],
        "A job of ours is a claim and an end in its row; the bare engine's leaves no trace.",
    )


def _medians(way: Measured, digits: int, *names: str) -> str:
    return " / ".join(f"{way[name].median:.{digits}f}" for name in names)


def _spread(figure: Figure, digits: int) -> str:
    return f"{figure.low:.{digits}f}-{figure.high:.{digits}f}"


def _memory(way: Measured, part: str) -> str:
    if f"{part}_mb" not in way.figures:
        return ""
    return f"{way[f'{part}_mb'].median:.0f} ({way[f'{part}_own_mb'].median:.0f})"
