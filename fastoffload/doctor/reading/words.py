"""What was read and what was not, as text."""

from collections.abc import Iterator

from fastoffload.doctor.findings import Finding
from fastoffload.doctor.report import Reading
from fastoffload.doctor.words import counted, held, named

KINDS = {
    "route": "async routes", "dependency": "async dependencies", "middleware": "middleware",
    "websocket": "WebSockets", "background": "background tasks", "startup": "start-up",
    "resolver": "resolvers",
}  # fmt: skip


def closing(reading: Reading, findings: list[Finding]) -> Iterator[str]:
    """A line of what was found, and a last one of what was not judged."""
    yield f"{_verdict(reading, findings)}; {_extent(reading)}."
    kinds = [f"{count} {KINDS[kind]}" for kind, count in sorted(reading.entries.items())]
    yield f"Followed: {', '.join(kinds)}. Not judged: {'; '.join(_not_judged(reading))}."


def _verdict(reading: Reading, findings: list[Finding]) -> str:
    if findings:
        return held(findings)
    if reading.unread:
        return "Nothing found in what could be read"
    return "Clean: nothing found that holds the event loop"


def _extent(reading: Reading) -> str:
    functions = counted(reading.functions, "function", "functions")
    return f"{counted(reading.modules, 'module', 'modules')}, {functions} on the loop"


def _not_judged(reading: Reading) -> Iterator[str]:
    if reading.unread:
        unread = named(list(reading.unread))
        yield f"{len(reading.unread)} files that could not be read ({unread})"
    if reading.cut:
        yield f"what more {named(list(reading.cut))} reach"
    yield f"{reading.unknown_calls} of {reading.calls} calls whose target the code does not tell"
    yield "libraries without an entry in its list"
    yield "loops of unknown size"
    yield "how long anything takes"
