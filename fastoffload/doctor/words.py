"""A report as text: findings of one place together, what was not judged in the last line."""

from collections.abc import Iterable, Iterator

from fastoffload.doctor.findings import Finding
from fastoffload.doctor.report import Report

# Other entries that come to the same place, by name.
MOST_NAMED = 3
KINDS = {
    "route": "async routes", "dependency": "async dependencies", "middleware": "middleware",
    "websocket": "WebSockets", "background": "background tasks", "startup": "start-up",
    "resolver": "resolvers",
}  # fmt: skip


def lines(report: Report, *, with_files: bool) -> Iterator[str]:
    """The report, the most expensive first."""
    findings = [*report.findings, *(report.files if with_files else ())]
    for together in _by_place(findings):
        yield from _finding(together)
    if report.startup:
        yield f"Start-up and first calls, before or besides requests ({_places(report.startup)}):"
        for together in _by_place(report.startup):
            yield f"  {_headline(together[0])}"
        yield ""
    if report.files and not with_files:
        yield f"Access to files in {_places(report.files)}: see them with --files."
    yield _verdict(report, findings)
    yield _not_judged(report)


def _finding(together: list[Finding]) -> Iterator[str]:
    first = together[0]
    yield _headline(first)
    if len(first.chain) > 1:
        yield f"    {' > '.join(first.chain)}"
    if len(together) > 1:
        yield f"    also from {_named([each.entry for each in together[1:]])}"
    yield f"    {first.remedy.advice}"
    yield ""


def _headline(finding: Finding) -> str:
    measured = "by reading" if finding.seconds is None else f"{finding.seconds:.2f} s"
    where = f"{finding.place.file}:{finding.place.line}"
    return f"{finding.entry}  {finding.call} {finding.cause}, {measured}  {where}"


def _by_place(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Findings of one place together, in the order of the first of each."""
    found: dict[object, list[Finding]] = {}
    for finding in findings:
        found.setdefault((finding.place, finding.call), []).append(finding)
    return list(found.values())


def _places(findings: Iterable[Finding]) -> str:
    count = len(_by_place(findings))
    return f"{count} {'place' if count == 1 else 'places'}"


def _named(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _verdict(report: Report, findings: list[Finding]) -> str:
    read = f"{report.modules} modules, {report.functions} functions on the loop"
    if findings:
        entries = len({finding.entry for finding in findings})
        return f"{_places(findings)} hold the event loop, reached from {entries} entries; {read}."
    if report.unread:
        return f"Nothing found in what could be read: {read}."
    return f"Clean: nothing found that holds the event loop; {read}."


def _not_judged(report: Report) -> str:
    kinds = [f"{count} {KINDS[kind]}" for kind, count in sorted(report.entries.items())]
    parts = [
        f"{len(report.unread)} files that could not be read ({_named(list(report.unread))})"
        if report.unread
        else "",
        f"what more {_named(list(report.cut))} reach" if report.cut else "",
        f"{report.unknown_calls} of {report.calls} calls whose target the code does not tell",
        "libraries without an entry in its list",
        "loops of unknown size",
        "how long anything takes",
    ]
    return f"Followed: {', '.join(kinds)}. Not judged: {'; '.join(filter(None, parts))}."
