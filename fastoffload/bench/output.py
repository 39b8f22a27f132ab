"""A bench's result: on the terminal, and in files."""

from pathlib import Path

from fastoffload import console
from fastoffload.bench.result import Result
from fastoffload.bench.tables import Table, circumstances, tables
from fastoffload.errors import os_errors_expected
from fastoffload.output import show_json


def show_bench(result: Result, *, as_json: bool) -> None:
    """The tables, or one JSON document; what is to be taken with care goes to stderr."""
    for warning in result.warnings:
        console.warn(warning)
    for name in result.left_out:
        console.warn(f"left out: {name}")
    if as_json:
        show_json(result.document())
        return
    from rich.console import Console

    out = Console()
    for line in circumstances(result):
        out.print(line, markup=False, highlight=False)
    for table in tables(result):
        out.print()
        out.print(_on_terminal(table))


def write_files(result: Result, html: Path | None, svg: Path | None) -> None:
    """The page and the chart, each whole or not at all."""
    from fastoffload.bench.charts import chart
    from fastoffload.bench.page import page

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


def _on_terminal(table: Table) -> object:
    from rich import box
    from rich.table import Table as RichTable

    shown = RichTable(title=table.title, caption=table.note, title_justify="left", box=box.SIMPLE)
    for number, column in enumerate(table.columns):
        shown.add_column(column, justify="right" if number else "left")
    for line in table.lines:
        shown.add_row(*line)
    return shown
