"""What was asked and what was not, as text."""

from collections import defaultdict
from collections.abc import Iterator

from fastoffload.doctor.findings import Finding
from fastoffload.doctor.messages import counted, held, named, nothing_new
from fastoffload.doctor.report import Run


def closing(run: Run, findings: list[Finding]) -> Iterator[str]:
    """A line of what was found, and a last one of what was not judged."""
    if run.stopped_because:
        yield f"Stopped: {run.stopped_because}."
    yield f"{_verdict(run, findings)}; {counted(run.requests, 'request', 'requests')}."
    yield f"Not judged: {'; '.join(_not_judged(run))}."


def _verdict(run: Run, findings: list[Finding]) -> str:
    if findings:
        return held(findings)
    if run.known:
        return nothing_new(run)
    if not run.requests:
        return "Nothing was asked, so that nothing is known"
    return f"Nothing asked held the event loop for longer than {run.limit_seconds:g} s"


def _not_judged(run: Run) -> Iterator[str]:
    names: defaultdict[str, list[str]] = defaultdict(list)
    for each in run.not_judged:
        names[each.why].append(each.name)
    for why, those in sorted(names.items(), key=lambda item: -len(item[1])):
        yield f"{len(those)} {why} ({named(those)})"
    if run.stopped_because:
        yield "all that comes after it"
    yield f"what held the loop for less than {run.limit_seconds:g} s"
    yield "values other than those that were made up"
