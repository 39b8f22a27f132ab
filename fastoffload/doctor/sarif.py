"""Findings as SARIF 2.1.0, which GitHub shows at the line."""

import json
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from fastoffload.doctor.findings import Finding
from fastoffload.doctor.report import fingerprint

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
RULES = {
    "waits": "A call that waits holds the event loop",
    "computes": "A call that computes holds the event loop",
    "files": "Access to a file holds the event loop",
}


def write(findings: Iterable[Finding], file: Path) -> None:
    """Writes the document."""
    file.write_text(json.dumps(document(findings), indent=2) + "\n")


def document(findings: Iterable[Finding]) -> dict[str, object]:
    """One run of one tool; a rule for each cause."""
    rules = [
        {"id": f"event-loop-{cause}", "shortDescription": {"text": text}}
        for cause, text in RULES.items()
    ]
    driver = {"name": "fastoffload", "version": version("fastoffload"), "rules": rules}
    results = [_result(finding) for finding in findings]
    run = {"tool": {"driver": driver}, "results": results, "columnKind": "unicodeCodePoints"}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(finding: Finding) -> dict[str, object]:
    chain = " > ".join(finding.chain)
    text = (
        f"{finding.call} holds the event loop in {finding.entry} ({chain}). {finding.remedy.advice}"
    )
    place = {
        "artifactLocation": {"uri": finding.place.file, "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": finding.place.line},
    }
    return {
        "ruleId": f"event-loop-{finding.cause}",
        "level": "note" if finding.cause == "files" else "warning",
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"fastoffload/v1": fingerprint(finding)},
    }
