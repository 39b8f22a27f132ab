"""A report as text: findings of one place together, the most expensive first."""

from collections.abc import Iterable, Iterator

from fastoffload.doctor.findings import Finding
from fastoffload.doctor.report import Report

# Other entries that come to the same place, by name.
MOST_NAMED = 3


def lines(report: Report, *, with_files: bool) -> Iterator[str]:
    """What was found; what was looked at comes after it, by `reading` or `running`."""
    for together in _by_place(shown(report, with_files=with_files)):
        yield from _finding(together)
    if report.startup:
        yield f"Start-up, before requests ({_places(report.startup)}):"
        for together in _by_place(report.startup):
            yield f"  {_headline(together[0])}"
        yield ""
    if report.files and not with_files:
        yield f"Access to files in {_places(report.files)}: see them with --files."


def shown(report: Report, *, with_files: bool) -> list[Finding]:
    """Those that count."""
    return [*report.findings, *(report.files if with_files else ())]


def held(findings: list[Finding]) -> str:
    """How many places, of how many entries."""
    entries = len({finding.entry for finding in findings})
    holds = "holds" if len(_by_place(findings)) == 1 else "hold"
    reached = counted(entries, "entry", "entries")
    return f"{_places(findings)} {holds} the event loop, reached from {reached}"


def nothing_new(report: Report) -> str:
    """Of a report that a baseline left nothing of."""
    return f"Nothing new: {counted(report.known, 'finding', 'findings')} that the baseline has"


def named(names: list[str]) -> str:
    """The first few of them."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def counted(count: int, one: str, several: str) -> str:
    """`1 entry`, `2 entries`."""
    return f"{count} {one if count == 1 else several}"


def _finding(together: list[Finding]) -> Iterator[str]:
    first = together[0]
    yield _headline(first)
    if len(first.chain) > 1:
        yield f"    {' > '.join(first.chain)}"
    if len(together) > 1:
        yield f"    also from {named([each.entry for each in together[1:]])}"
    yield f"    {first.remedy.advice}"
    yield ""


def _headline(finding: Finding) -> str:
    measured = "by reading" if finding.seconds is None else f"{finding.seconds:.2f} s"
    where = f"{finding.place.file}:{finding.place.line}"
    does = f"{finding.cause} {finding.how}".rstrip()
    return f"{finding.entry}  {finding.call} {does}, {measured}  {where}"


def _by_place(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Findings of one place together, in the order of the first of each."""
    found: dict[object, list[Finding]] = {}
    for finding in findings:
        found.setdefault((finding.place, finding.call), []).append(finding)
    return list(found.values())


def _places(findings: Iterable[Finding]) -> str:
    return counted(len(_by_place(findings)), "place", "places")
