"""One real job in a service that runs: `python smoke.py URL`."""

import io
import sys
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import httpx
from pymediainfo import MediaInfo

from app.offload.testing import wait_for

FRAMES = 25


def make(path: Path) -> bytes:
    """A second of grey that gets lighter."""
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=FRAMES)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(FRAMES):
            frame = av.VideoFrame(320, 240, "yuv420p")
            for plane, value in zip(frame.planes, (10 * number, 128, 128), strict=True):
                plane.update(bytes([value]) * plane.buffer_size)
            frame.pts, frame.time_base = number, Fraction(1, FRAMES)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path.read_bytes()


def main(url: str) -> None:
    """Submit a job, wait for it, look at what came of it."""
    with TemporaryDirectory() as folder:
        files = {"video": ("clip.mp4", make(Path(folder) / "clip.mp4"), "video/mp4")}
    with httpx.Client(timeout=30, trust_env=False) as client:
        accepted = client.post(url, data={"params": '{"height": 120}'}, files=files)
        assert accepted.status_code == 202, accepted.text
        location = str(accepted.url.join(accepted.headers["location"]))
        job = wait_for(client.get, location)
        assert job["status"] == "succeeded", job
        video = client.get(f"{location}/artifacts/video.mp4")
    [track] = MediaInfo.parse(io.BytesIO(video.content)).video_tracks
    assert (track.width, track.height, int(track.frame_count)) == (160, 120, FRAMES), job
    print(f"{job['result']['frames']} frames")


main(sys.argv[1])
