"""The result of a smoke as a JUnit file."""

from pathlib import Path
from xml.etree import ElementTree

from fastoffload.errors import os_errors_expected
from fastoffload.smoke.board import Status
from fastoffload.smoke.result import EntryResult, SmokeResult, StageResult


def write(result: SmokeResult, path: Path) -> None:
    """A test suite for each entry, a test case for each stage."""
    suites = ElementTree.Element("testsuites", name="fastoffload smoke")
    for entry in result.entries:
        suite = ElementTree.SubElement(suites, "testsuite", {"name": entry.name} | _counts(entry))
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
