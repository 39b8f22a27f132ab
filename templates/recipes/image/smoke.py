"""One real job in a service that runs: `python smoke.py URL`."""

import io
import sys

import httpx
from PIL import Image

from app.offload.testing import wait_for


def picture(width: int, height: int) -> tuple[str, bytes, str]:
    """A picture as a part of a form."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(file, "PNG")
    return "picture.png", file.getvalue(), "image/png"


def main(url: str) -> None:
    """Submit a job, wait for it, look at what came of it."""
    files = [("pictures", picture(640, 480)), ("pictures", picture(300, 900))]
    with httpx.Client(timeout=30, trust_env=False) as client:
        accepted = client.post(url, data={"params": '{"size": 100}'}, files=files)
        assert accepted.status_code == 202, accepted.text
        location = str(accepted.url.join(accepted.headers["location"]))
        job = wait_for(client.get, location)
        assert job["status"] == "succeeded", job
        sheet = client.get(f"{location}/artifacts/contact-sheet.jpg")
    sizes = [(one["width"], one["height"]) for one in job["result"]["thumbnails"]]
    assert sizes == [(100, 75), (33, 100)], job
    assert Image.open(io.BytesIO(sheet.content)).size == (224, 116)
    print(f"{len(sizes)} thumbnails")


main(sys.argv[1])
