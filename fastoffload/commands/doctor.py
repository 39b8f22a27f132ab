"""`fastoffload doctor`: what blocks the event loop of an application, and what to do."""

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fastoffload import terminal
from fastoffload.commands import _doctor
from fastoffload.commands._parameters import Json, Project
from fastoffload.errors import FastoffloadError, check_writable, os_errors_expected

if TYPE_CHECKING:
    from fastoffload.doctor.findings import Finding
    from fastoffload.doctor.report import Report

EXAMPLE = "fastoffload doctor --sarif doctor.sarif"


def doctor(
    path: Project = Path(),
    run: Annotated[
        bool, typer.Option("--run", help="Run the application, ask its routes, and measure.")
    ] = False,
    app: Annotated[
        str | None,
        typer.Option(metavar="MODULE:NAME", help="With --run: which one, if there are several."),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(metavar="METHOD", help="With --run, repeatable: what to ask; GET only, else."),
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option(metavar="'NAME: VALUE'", help="With --run, repeatable: sent each time."),
    ] = None,
    limit: Annotated[
        float | None,
        typer.Option(min=0.05, metavar="SECONDS", help="With --run: what is too long; 0.1, else."),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(min=1, metavar="SECONDS", help="With --run: for the start, and each answer."),
    ] = None,
    python: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --run: the interpreter, if there is no .venv."),
    ] = None,
    attach: Annotated[
        bool, typer.Option("--attach", help="Print the line that watches your own traffic.")
    ] = False,
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
    as_json: Json = False,
) -> None:
    """Names what blocks the event loop, by route and line."""
    with _doctor.errors_are_no_findings():
        given = _doctor.RunOptions(app, method, header, limit, timeout, python)
        given.check(run=run)
        if attach:
            _doctor.show_attach()
            return
        report, closing = _report(path, given, run=run, baseline=baseline, sarif=sarif)
        code = _show(report, closing, with_files=files, sarif=sarif, as_json=as_json)
    raise typer.Exit(code)


def _report(
    path: Path, given: _doctor.RunOptions, *, run: bool, baseline: Path | None, sarif: Path | None
) -> "tuple[Report, _doctor.Closing]":
    """By reading or by running; what cannot work is said before."""
    from fastoffload.doctor.baseline import known

    if not path.is_dir():
        raise FastoffloadError(f"{path} is no folder; give the folder of an application")
    if sarif:
        check_writable(sarif)
    fingerprints = known(baseline) if baseline else frozenset()
    return _doctor.drive(path, given, fingerprints) if run else _doctor.read(path, fingerprints)


def _show(
    report: "Report",
    closing: "_doctor.Closing",
    *,
    with_files: bool,
    sarif: Path | None,
    as_json: bool,
) -> int:
    """Shows and writes it; the exit code."""
    from fastoffload.doctor import messages

    findings = messages.shown(report, with_files=with_files)
    if sarif:
        _write_sarif(findings, sarif)
    if as_json:
        terminal.show_json(_doctor.document(report))
    else:
        for line in chain(messages.lines(report, with_files=with_files), closing(findings)):
            typer.echo(terminal.visible(line))
    return _doctor.exit_code(findings, report)


def _write_sarif(findings: "list[Finding]", file: Path) -> None:
    from fastoffload.doctor import sarif

    with os_errors_expected():
        sarif.write(findings, file)
