"""What was read and what was not, as text."""

import platform
from collections.abc import Iterator

from fastoffload.doctor.findings import Finding
from fastoffload.doctor.messages import counted, held, named, nothing_new
from fastoffload.doctor.report import Reading

PYTHON = ".".join(platform.python_version_tuple()[:2])
KINDS = {
    "route": ("async route", "async routes"),
    "dependency": ("async dependency", "async dependencies"),
    "middleware": ("middleware", "middleware"),
    "websocket": ("WebSocket", "WebSockets"),
    "background": ("background task", "background tasks"),
    "startup": ("start-up", "start-up"),
    "resolver": ("resolver", "resolvers"),
}


def closing(reading: Reading, findings: list[Finding]) -> Iterator[str]:
    """A line of what was found, and a last one of what was not judged."""
    yield f"{_verdict(reading, findings)}; {_extent(reading)}."
    kinds = [counted(count, *KINDS[kind]) for kind, count in sorted(reading.entries.items())]
    followed = ", ".join(kinds) or "nothing"
    yield f"Followed: {followed}. Not judged: {'; '.join(_not_judged(reading))}."


def _verdict(reading: Reading, findings: list[Finding]) -> str:
    if findings:
        return held(findings)
    if reading.known:
        return nothing_new(reading)
    if not reading.is_whole:
        return "Nothing found in what could be read"
    if not reading.entries:
        return "Clean: nothing but plain `def`, which FastAPI runs in threads"
    return "Clean: nothing found that holds the event loop"


def _extent(reading: Reading) -> str:
    functions = counted(reading.functions, "function", "functions")
    return f"{counted(reading.modules, 'module', 'modules')}, {functions} on the loop"


def _not_judged(reading: Reading) -> Iterator[str]:
    if reading.unread:
        files = counted(len(reading.unread), "file", "files")
        unread = named([str(each) for each in reading.unread])
        yield (
            f"{files} that could not be read, by Python {PYTHON} or another one here ({unread}):"
            " make the project's .venv with the Python that it asks for"
        )
    if reading.cut:
        yield f"what more {named(list(reading.cut))} reach"
    yield f"{reading.unknown_calls} of {reading.calls} calls whose target the code does not tell"
    yield "libraries without an entry in its list"
    yield "loops of unknown size"
    yield "how long anything takes"
