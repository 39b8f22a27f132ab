"""`fastoffload doctor`: what blocks the event loop of an application, and what to do."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fastoffload import terminal
from fastoffload.errors import FastoffloadError, check_writable, os_errors_expected

if TYPE_CHECKING:
    from fastoffload.doctor.findings import Finding
    from fastoffload.doctor.report import Report

EXAMPLE = "fastoffload doctor --sarif doctor.sarif"


def doctor(
    path: Annotated[
        Path,
        typer.Argument(metavar="[PATH]", help="The project's folder; the present one if left out."),
    ] = Path(),
    files: Annotated[
        bool, typer.Option("--files", help="Show access to local files as well.")
    ] = False,
    baseline: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Only what an earlier --json does not have."),
    ] = None,
    sarif: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write SARIF 2.1.0 as well.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on stdout.")
    ] = False,
) -> None:
    """Names what blocks the event loop, by route and line; exit 1 if there is something."""
    from fastoffload.doctor.baseline import known, without
    from fastoffload.doctor.reading.read import read

    if not path.is_dir():
        raise FastoffloadError(f"{path} is no folder; give the folder of an application")
    if sarif:
        check_writable(sarif)
    fingerprints = known(baseline) if baseline else frozenset()
    with terminal.progress(f"Reading {path}"):
        report = without(read(path.resolve()), fingerprints)
    findings = [*report.findings, *(report.files if files else ())]
    if sarif:
        _write_sarif(findings, sarif)
    _show(report, with_files=files, as_json=as_json)
    raise typer.Exit(1 if findings else 0)


def _write_sarif(findings: "list[Finding]", file: Path) -> None:
    from fastoffload.doctor import sarif

    with os_errors_expected():
        sarif.write(findings, file)


def _show(report: "Report", *, with_files: bool, as_json: bool) -> None:
    from fastoffload.doctor import words

    if as_json:
        terminal.show_json(_document(report))
        return
    for line in words.lines(report, with_files=with_files):
        typer.echo(terminal.visible(line))


def _document(report: "Report") -> dict[str, object]:
    from fastoffload.doctor.report import fingerprint

    lists = {"findings": report.findings, "startup": report.startup, "files": report.files}
    told = {
        name: [asdict(each) | {"fingerprint": fingerprint(each)} for each in findings]
        for name, findings in lists.items()
    }
    return {"version": 1} | asdict(report) | told
