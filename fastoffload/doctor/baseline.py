"""Findings that are known: those of an earlier `fastoffload doctor --json`."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from fastoffload.doctor.report import Report, fingerprint
from fastoffload.errors import FastoffloadError

AnyReport = TypeVar("AnyReport", bound=Report)


def known(file: Path) -> frozenset[str]:
    """The fingerprints in a file; raises FastoffloadError if it is not such a document."""
    try:
        document = json.loads(file.read_text())
        findings = [*document["findings"], *document["files"]]
        return frozenset(str(finding["fingerprint"]) for finding in findings)
    except OSError as error:
        reason = error.strerror or str(error)
    except (ValueError, KeyError, TypeError):
        reason = "not a document of `fastoffload doctor --json`"
    raise FastoffloadError(f"{file}: {reason}; make it with `fastoffload doctor --json > {file}`")


def without(report: AnyReport, fingerprints: frozenset[str]) -> AnyReport:
    """The report with new findings only."""
    new, files = (
        tuple(each for each in findings if fingerprint(each) not in fingerprints)
        for findings in (report.findings, report.files)
    )
    return replace(report, findings=new, files=files, known=len(report.findings) - len(new))
