"""The two ways of `doctor`: each gives a report, and the lines that it ends with."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from fastoffload import terminal
from fastoffload.errors import FastoffloadError, UsageError, unknown

if TYPE_CHECKING:
    from fastoffload.doctor.findings import Finding
    from fastoffload.doctor.report import Report
    from fastoffload.doctor.running.options import DriveOptions

    Closing = Callable[[list[Finding]], Iterator[str]]

FOUND, NOT_JUDGED = 1, 2


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of `--run`; None where nothing is given."""

    app: str | None
    method: list[str] | None
    header: list[str] | None
    limit: float | None
    timeout: float | None
    python: Path | None

    def check(self, *, run: bool) -> None:
        """Raises UsageError for an option that means nothing without `--run`."""
        for name, value in asdict(self).items():
            if value and not run:
                raise UsageError(f"--{name} needs --run beside it")

    @property
    def for_drive(self) -> "DriveOptions":
        """As the engine takes them; raises UsageError for one that makes no sense."""
        from fastoffload.doctor.running import options
        from fastoffload.doctor.running.watch.watcher import LIMIT_SECONDS

        return options.DriveOptions(
            methods=tuple(map(_method, self.method or options.METHODS)),
            headers=dict(map(_header, self.header or ())),
            limit_seconds=self.limit or LIMIT_SECONDS,
            python=self.python,
            timeout=self.timeout or options.TIMEOUT_SECONDS,
        )


def read(path: Path, known: frozenset[str]) -> "tuple[Report, Closing]":
    """By reading, without the findings that are known."""
    from fastoffload.doctor.baseline import without
    from fastoffload.doctor.reading.messages import closing
    from fastoffload.doctor.reading.read import read

    with terminal.progress(f"Reading {path}"):
        reading = without(read(path), known)
    return reading, partial(closing, reading)


def drive(path: Path, given: RunOptions, known: frozenset[str]) -> "tuple[Report, Closing]":
    """By running, without the findings that are known."""
    from fastoffload.doctor.baseline import without
    from fastoffload.doctor.running.drive import drive
    from fastoffload.doctor.running.messages import closing
    from fastoffload.doctor.running.scratch import servers_named

    options = given.for_drive
    servers = servers_named(os.environ, path)
    for note in servers:  # before anything is done there
        terminal.warn(note)
    with terminal.progress(f"Running {path}"):
        driven = without(drive(path, given.app, options), known)
    for note in driven.notes[len(servers) :]:
        terminal.warn(note)
    return driven, partial(closing, driven)


def document(report: "Report") -> dict[str, object]:
    """For `--json`."""
    from fastoffload.doctor.report import fingerprint

    lists = {"findings": report.findings, "startup": report.startup, "files": report.files}
    told = {
        name: [asdict(each) | {"fingerprint": fingerprint(each)} for each in findings]
        for name, findings in lists.items()
    }
    return {"version": 1} | asdict(report) | told


@contextmanager
def errors_are_no_findings() -> Iterator[None]:
    """Gives errors an exit code of their own: CI must not take one for a finding."""
    try:
        yield
    except FastoffloadError as error:
        error.exit_code = NOT_JUDGED
        raise


def exit_code(findings: "list[Finding]", report: "Report") -> int:
    """0 only if nothing was found in all that was to be judged."""
    if findings:
        return FOUND
    return 0 if report.is_whole else NOT_JUDGED


def show_attach() -> None:
    """How to watch an application under traffic of one's own."""
    from fastoffload.doctor.running.attach import attach_text

    typer.echo(attach_text(), nl=False)


def _method(text: str) -> str:
    from fastoffload.doctor.running.operations import METHODS

    known = [method.upper() for method in METHODS]
    if text.upper() not in known:
        raise unknown("method", text, known, "--method takes one of")
    return text.upper()


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    is_one_line = "\n" not in text and "\r" not in text
    if not (name.strip() and colon and is_one_line and text.isascii()):
        raise UsageError(f"--header {text!r} is no header; give it as 'Name: value'")
    return name.strip(), value.strip()
