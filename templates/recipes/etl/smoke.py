"""One real job in a service that runs: `python smoke.py URL`."""

import sys

import httpx

from app.offload.testing import wait_for

CSV = b"day,shop,amount\n2026-01-05,Qena,3.10\n2026-01-05,Qena,0.15\n2026-02-30,Luxor,1\n"


def main(url: str) -> None:
    """Send three rows, of which one is wrong."""
    with httpx.Client(trust_env=False, timeout=60) as client:
        files = {"sales": ("sales.csv", CSV, "text/csv")}
        answer = client.post(url, files=files)
        assert answer.status_code == 202, answer.text
        job = wait_for(client.get, str(answer.url.join(answer.headers["Location"])), 120)
        assert job["status"] == "succeeded", job
        assert job["result"]["amount"] == "3.25", job["result"]
        assert job["result"]["rejected"] == {"day": 1}, job["result"]
        links = {each["name"]: answer.url.join(each["href"]) for each in job["artifacts"]}
        found = {name: client.get(link) for name, link in links.items()}
    assert found["cleaned.parquet"].content.startswith(b"PAR1")
    assert "2026-02-30" in found["rejected.csv"].text
    print("3 rows read, 1 rejected, 1 total")


main(sys.argv[1])
