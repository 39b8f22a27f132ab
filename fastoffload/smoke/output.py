"""The result of a smoke on stdout, as text or JSON, and as a JUnit file."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from xml.etree import ElementTree

import typer

from fastoffload.errors import os_errors_expected
from fastoffload.smoke.board import Status
from fastoffload.smoke.matrix import Entry
from fastoffload.smoke.result import EntryResult, SmokeResult, StageResult


def show(result: SmokeResult, *, as_json: bool) -> None:
    """What failed with the last of its output, then what it all took."""
    if as_json:
        typer.echo(json.dumps(asdict(result), indent=2, default=str))
        return
    for entry, stage in _stages(result, Status.FAILED):
        typer.echo(_failure(entry, stage))
    for entry, stage in _stages(result, Status.NOT_RUN):
        typer.echo(f"Not run: {_name(entry)} {stage.stage}: {stage.note}")
    typer.echo(_summary(result))


def show_matrix(entries: Sequence[Entry], *, as_json: bool) -> None:
    """The matrix on one line of JSON, as a workflow takes it; a line for each entry as text."""
    if as_json:
        typer.echo(json.dumps({"include": [asdict(entry) for entry in entries]}))
        return
    for entry in entries:
        typer.echo(f"{entry.variant} {entry.python}")


def write_junit(result: SmokeResult, path: Path) -> None:
    """A test suite for each entry, a test case for each stage."""
    suites = ElementTree.Element("testsuites", name="fastoffload smoke")
    for entry in result.entries:
        suite = ElementTree.SubElement(suites, "testsuite", {"name": _name(entry)} | _counts(entry))
        for stage in entry.stages:
            _add_case(suite, entry, stage)
    with os_errors_expected():
        ElementTree.ElementTree(suites).write(path, encoding="utf-8", xml_declaration=True)


def _counts(entry: EntryResult) -> dict[str, str]:
    statuses = [stage.status for stage in entry.stages]
    skipped = statuses.count(Status.NOT_RUN) + statuses.count(Status.NOT_REACHED)
    return {
        "tests": str(len(statuses)),
        "failures": str(statuses.count(Status.FAILED)),
        "skipped": str(skipped),
        "time": f"{sum(stage.seconds for stage in entry.stages):.2f}",
    }


def _add_case(suite: ElementTree.Element, entry: EntryResult, stage: StageResult) -> None:
    place = f"smoke.{entry.variant}.python{entry.python.replace('.', '')}"
    case = ElementTree.SubElement(
        suite, "testcase", classname=place, name=stage.stage, time=f"{stage.seconds:.2f}"
    )
    if stage.status == Status.FAILED:
        failure = ElementTree.SubElement(case, "failure", message=_xml(stage.note))
        failure.text = _xml(f"{stage.output}\n{stage.repeat}")
    elif stage.status != Status.PASSED:
        ElementTree.SubElement(case, "skipped", message=_xml(stage.note or stage.status))


def _xml(text: str) -> str:
    """Without the control characters that XML 1.0 does not allow."""
    return "".join(one for one in text if one in "\t\n" or one.isprintable())


def _stages(result: SmokeResult, status: Status) -> Iterator[tuple[EntryResult, StageResult]]:
    for entry in result.entries:
        for stage in entry.stages:
            if stage.status == status:
                yield entry, stage


def _failure(entry: EntryResult, stage: StageResult) -> str:
    lines = [f"--- {_name(entry)} {stage.stage}: {stage.note}", stage.output]
    lines += [f"--- kept in {entry.folder}; again: {stage.repeat}", ""]
    return "\n".join(lines)


def _summary(result: SmokeResult) -> str:
    statuses = [stage.status for entry in result.entries for stage in entry.stages]
    found = [f"{statuses.count(one)} {one}" for one in Status if one in statuses]
    return "\n".join(
        [
            f"{len(result.entries)} projects, stages: {', '.join(found)}",
            f"{result.seconds:.1f} s on {result.cores} cores: {result.cpu_seconds:.1f} s of work,"
            f" {result.idle_seconds:.1f} s idle",
            f"Critical path: {' → '.join(result.critical_path)}",
            *([f"Kept: {result.kept}"] if result.kept else []),
        ]
    )


def _name(entry: EntryResult) -> str:
    return f"{entry.variant}-{entry.python}"
