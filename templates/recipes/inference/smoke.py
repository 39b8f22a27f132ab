"""One real job in a service that runs: `python smoke.py URL`."""

import sys

import httpx

from app.offload.testing import wait_for

FLOWERS = {
    "setosa": "5.1,3.5,1.4,0.2",
    "versicolor": "7.0,3.2,4.7,1.4",
    "virginica": "7.7,2.6,6.9,2.3",
}
TABLE = "\n".join(["sepal_length,sepal_width,petal_length,petal_width", *FLOWERS.values()])


def main(url: str) -> None:
    """Submit a job, wait for it, look at what came of it."""
    files = {"rows": ("flowers.csv", TABLE.encode(), "text/csv")}
    with httpx.Client(timeout=30, trust_env=False) as client:
        accepted = client.post(url, files=files)
        assert accepted.status_code == 202, accepted.text
        location = str(accepted.url.join(accepted.headers["location"]))
        job = wait_for(client.get, location)
        assert job["status"] == "succeeded", job
        predictions = client.get(f"{location}/artifacts/predictions.csv")
    found = [line.partition(",")[0] for line in predictions.text.splitlines()[1:]]
    assert found == list(FLOWERS), predictions.text
    print(f"{job['result']['rows']} predictions")


main(sys.argv[1])
