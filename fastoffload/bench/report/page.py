"""The page: one HTML file with the chart and the tables, without script, nothing from outside."""

from html import escape

from fastoffload.bench.report.charts import chart
from fastoffload.bench.report.tables import Table, circumstances, tables
from fastoffload.bench.result import Result

STYLE = """
:root { color-scheme: light dark; --ink: #1f2430; --soft: #5d6678; --ground: #fff; --rule: #d5dae3 }
@media (prefers-color-scheme: dark) {
:root { --ink: #e8eaf0; --soft: #a2abbd; --ground: #15181f; --rule: #343b49 } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground);
max-width: 1080px; margin: 2rem auto; padding: 0 1rem }
svg { max-width: 100%; height: auto } figure { margin: 1rem 0 } .scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--rule); text-align: right }
th { color: var(--soft); font-weight: 500; vertical-align: bottom }
td { white-space: nowrap } th:first-child, td:first-child { text-align: left }
p, li { color: var(--soft) } h2 { margin: 2rem 0 .5rem; font-size: 1.1rem }
"""


def page(result: Result) -> str:
    """The document."""
    notes = [*result.warnings, *(f"left out: {name}" for name in result.left_out)]
    parts = [
        *(f"<p>{escape(line)}</p>" for line in circumstances(result)),
        f"<figure>{chart(result)}</figure>",
        *map(_table, tables(result)),
        *(["<h2>With care</h2>", _list(notes)] if notes else []),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>fastoffload bench</title><style>{STYLE}</style></head>\n"
        f"<body><h1>fastoffload bench</h1>\n{chr(10).join(parts)}\n</body></html>\n"
    )


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in table.columns)
    lines = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in line)}</tr>" for line in table.lines
    )
    return (
        f"<h2>{escape(table.title)}</h2>\n<div class=scroll><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{lines}</tbody></table></div>\n<p>{escape(table.note)}</p>"
    )


def _list(notes: list[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(note)}</li>' for note in notes)}</ul>"
