"""The job of a smoke: real data in, a report, its PDF out and read by an independent reader."""

import asyncio
import io
import re
from pathlib import Path
from typing import Any

from fastoffload.smoke.project.client import Client
from fastoffload.smoke.stages.outcome import StageError

SAMPLE = "nile"
TITLE = "The Nile at Aswan"
PDF = "report.pdf"
ENDED = ("succeeded", "failed", "cancelled")
LOOK_SECONDS = 0.05
# R: `summary(Nile)`. They are in every report of the sample, whatever its seed.
NUMBERS = {"count": 100, "mean": 919.35, "minimum": 456, "maximum": 1370}


async def make_report(client: Client, folder: Path) -> str:
    """Makes a report of the sample. Raises StageError at the first thing that is not right."""
    data = (folder / "samples" / f"{SAMPLE}.csv").read_bytes()
    csv = {"Content-Type": "text/csv"}
    await client.ask("PUT", f"/datasets/{SAMPLE}", 201, content=data, headers=csv)
    asked = {"dataset": SAMPLE, "title": TITLE, "resamples": 1000, "seed": 1}
    accepted = await client.ask("POST", "/reports", 202, json=asked)
    report = await _followed(client, accepted.headers["Location"])
    _check_result(report)
    document = (await client.ask("GET", _href(report), 200)).content
    pages = await asyncio.to_thread(_read, document)
    return f"a PDF of {pages} page{'s' * (pages > 1)}"


async def _followed(client: Client, path: str) -> dict[str, Any]:
    """The report when it has ended."""
    while True:
        report: dict[str, Any] = (await client.ask("GET", path, 200)).json()
        if report["status"] in ENDED:
            return report
        await asyncio.sleep(LOOK_SECONDS)


def _check_result(report: dict[str, Any]) -> None:
    if report["status"] != "succeeded":
        raise StageError(f"the report is {report['status']}: {report['error']}")
    for name, number in NUMBERS.items():
        if abs(report["result"][name] - number) > 1e-9:
            raise StageError(f"the report's {name} is {report['result'][name]}, not {number}")


def _href(report: dict[str, Any]) -> str:
    """Where the PDF is served."""
    hrefs = {artifact["name"]: artifact["href"] for artifact in report["artifacts"]}
    if PDF not in hrefs:
        raise StageError(f"the report has no {PDF}, but {', '.join(hrefs) or 'nothing'}")
    return str(hrefs[PDF])


def _read(document: bytes) -> int:
    """The number of pages, when title and numbers are in their text."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        texts = [page.extract_text() for page in PdfReader(io.BytesIO(document)).pages]
    except PyPdfError as error:
        raise StageError(f"the PDF cannot be read: {error}") from error
    text = " ".join(texts)
    if TITLE not in text:
        raise StageError(f"the PDF's text has no title: {text[:200]!r}")
    found = {float(one.replace(",", "")) for one in re.findall(r"\d[\d,]*(?:\.\d+)?", text)}
    for name, number in NUMBERS.items():
        if number not in found:
            raise StageError(f"the PDF's text has no {name}, {number}")
    return len(texts)
