"""One real job in a service that runs: `python smoke.py URL`."""

import sys

import httpx

from app.offload.testing import wait_for


def main(url: str) -> None:
    """Submit a job, wait for it, look at what came of it."""
    with httpx.Client(timeout=30, trust_env=False) as client:
        accepted = client.post(url, json={"steps": 20})
        assert accepted.status_code == 202, accepted.text
        location = str(accepted.url.join(accepted.headers["location"]))
        job = wait_for(client.get, location)
    assert job["status"] == "succeeded", job
    assert job["result"] == {"steps": 20}, job
    print("20 steps")


main(sys.argv[1])
