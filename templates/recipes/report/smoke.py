"""The sample data in, a report, its PDF out and read by another library: `python smoke.py URL`."""

import io
import re
import sys
from pathlib import Path
from typing import Any

import httpx
from pypdf import PdfReader

from app.jobs.job_name import readings
from app.offload.testing import wait_for

DATA = Path(readings.__file__).parent / "page" / "nile.csv"
TITLE = "The Nile at Aswan"
# R: `summary(Nile)`. They are in every report of the sample, whatever its seed.
NUMBERS = {"count": 100, "mean": 919.35, "minimum": 456, "maximum": 1370}


def main(url: str) -> None:
    """Make a report, and compare what it says with what R does."""
    with httpx.Client(timeout=30, trust_env=False) as client:
        put = client.put(
            f"{url}/datasets/nile", content=DATA.read_bytes(), headers={"Content-Type": "text/csv"}
        )
        assert put.status_code in (200, 201), put.text
        asked = {"dataset": "nile", "title": TITLE, "resamples": 1000, "seed": 1}
        accepted = client.post(url, json=asked)
        assert accepted.status_code == 202, accepted.text
        job = wait_for(client.get, str(accepted.url.join(accepted.headers["location"])))
        check_result(job)
        (href,) = [one["href"] for one in job["artifacts"] if one["name"] == "report.pdf"]
        document = client.get(str(accepted.url.join(href))).raise_for_status().content
    print(f"a PDF of {check_pdf(document)} pages")


def check_result(job: dict[str, Any]) -> None:
    """Look at the numbers of a job that has ended."""
    assert job["status"] == "succeeded", job
    for name, number in NUMBERS.items():
        assert abs(job["result"][name] - number) < 1e-9, (name, job["result"])


def check_pdf(document: bytes) -> int:
    """The number of pages; title and numbers are in their text."""
    texts = [page.extract_text() for page in PdfReader(io.BytesIO(document)).pages]
    text = " ".join(texts)
    assert TITLE in text, text[:200]
    found = {float(one.replace(",", "")) for one in re.findall(r"\d[\d,]*(?:\.\d+)?", text)}
    assert set(NUMBERS.values()) <= found, text
    return len(texts)


main(sys.argv[1])
