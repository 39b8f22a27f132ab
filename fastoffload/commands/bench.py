"""`fastoffload bench`: the variants beside the blocking way, measured on this machine."""

from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated

import typer

from fastoffload import terminal
from fastoffload.catalog import variants
from fastoffload.commands._parameters import Json
from fastoffload.errors import os_errors_expected
from fastoffload.system.extras import check_installed

if TYPE_CHECKING:
    from fastoffload.bench.report.tables import Table
    from fastoffload.bench.result import Result

EXAMPLE = "fastoffload bench --variants executor-process,celery-redis"


def _complete_variants(incomplete: str) -> list[str]:
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in variants() if name.startswith(last)]


def bench(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH", help="Projects that exist, in place of generated ones."),
    ] = None,
    names: Annotated[
        str | None,
        typer.Option(
            "--variants",
            metavar="NAMES",
            help="Those to generate, with commas between; default: all.",
            autocompletion=_complete_variants,
        ),
    ] = None,
    seconds: Annotated[
        float,
        typer.Option(
            metavar="N",
            help="How long it may take in all; one variant is measured anyway.",
        ),
    ] = 600,
    rounds: Annotated[
        int, typer.Option(metavar="N", min=1, help="Rounds at the most, if there is time.")
    ] = 5,
    compute: Annotated[
        str | None,
        typer.Option(
            metavar="FILE:FUNCTION",
            help="Your work in place of the sample's; called with nothing or a list of floats.",
        ),
    ] = None,
    with_packages: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="PACKAGE", help="What FILE imports; may be repeated."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page with charts and tables.")
    ] = None,
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a chart.")] = None,
    as_json: Json = False,
) -> None:
    """Measures the variants beside the blocking way, here."""
    check_installed("bench")
    from fastoffload.bench import run
    from fastoffload.bench.options import BenchOptions

    wanted = BenchOptions.of(
        paths or [],
        names,
        seconds=seconds,
        rounds=rounds,
        compute=compute,
        packages=with_packages or [],
        files=[html, svg],
    )
    result = run.bench(wanted)
    _write_files(result, html, svg)
    _show(result, as_json=as_json)


def _show(result: "Result", *, as_json: bool) -> None:
    """The tables, or one JSON document; what is to be taken with care goes to stderr."""
    for warning in result.warnings:
        terminal.warn(warning)
    for name in result.left_out:
        terminal.warn(f"left out: {name}")
    if as_json:
        terminal.show_json(result.document())
        return
    from rich.console import Console

    from fastoffload.bench.report.tables import circumstances, fitted, tables

    out = Console()
    for line in circumstances(result):
        out.print(line, markup=False, highlight=False)
    for table in tables(result):
        for part in fitted(table, out.width):
            out.print()
            out.print(on_terminal(part))


def _write_files(result: "Result", html: Path | None, svg: Path | None) -> None:
    """The page and the chart, each whole or not at all."""
    from fastoffload.bench.report.charts import chart
    from fastoffload.bench.report.page import page

    for file, make in ((html, page), (svg, chart)):
        if file:
            _write(file, make(result))


def _write(file: Path, text: str) -> None:
    unfinished = file.with_name(f".{file.name}.unfinished")
    with os_errors_expected():
        try:
            unfinished.write_text(text, encoding="utf-8")
            unfinished.replace(file)
        finally:
            unfinished.unlink(missing_ok=True)


def on_terminal(table: "Table") -> object:
    """The table as Rich draws it, no column narrower than its widest cell."""
    from rich import box
    from rich.console import Group
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable(box=box.SIMPLE)
    for number, column in enumerate(table.columns):
        # Broken here, a long heading takes no room from the cells of other columns.
        heading = fill(column, table.width_of(number), break_long_words=False)
        shown.add_column(heading, justify="right" if number else "left", no_wrap=True)
    for line in table.lines:
        shown.add_row(*line)
    return Group(Text(table.title, style="bold"), shown, Text(table.note))
