"""What a large video costs the API on its way in, through a job, and out: memory, and what is left.

    PROJECT/.venv/bin/python benchmarks/video.py PROJECT KIND [MEGABYTES]

KIND is a kind that was added by the recipe `video`; PROJECT has the strategy `executor --pool
process`. Prints a line for each way, and what an upload that is too long or cut off leaves behind.
Linux only: the peak is the kernel's (VmHWM).
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from threading import Event, Thread

import av
import httpx
import psutil
from files import memory, tell

LIMIT_SECONDS = 600
WIDTH, HEIGHT, RATE = 1280, 720, 25
UVICORN = ("-m", "uvicorn", "app.main:app", "--no-access-log", "--fd")
TOO_LONG = 2_100_000_000  # bytes; the recipe takes 2,000,000,000


def make(path: Path, megabytes: int) -> int:
    """A video of noise, which hardly gets smaller, of about so many megabytes; its frames."""
    with av.open(path, "w") as container:
        stream = container.add_stream("mjpeg", rate=RATE, options={"q:v": "1"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
        frames = 0
        while not path.exists() or path.stat().st_size < megabytes * 1_000_000:
            frame = av.VideoFrame(WIDTH, HEIGHT, "yuvj420p")
            for plane in frame.planes:
                plane.update(os.urandom(plane.buffer_size))
            frame.pts, frame.time_base = frames, Fraction(1, RATE)
            container.mux(stream.encode(frame))
            frames += 1
        container.mux(stream.encode(None))
    return frames


@contextmanager
def serving(project: Path, folder: Path) -> Iterator[tuple[int, httpx.Client]]:
    """The service with files of its own: the process of the API, and a client."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = subprocess.Popen(
            [sys.executable, *UVICORN, str(listener.fileno())],
            cwd=project,
            env=os.environ
            | {
                "DATABASE_URL": f"sqlite:///{folder}/app.db",
                "STORAGE_URL": f"{folder}/files",
                "TMPDIR": str(folder),
                "LOG_LEVEL": "WARNING",
            },
            pass_fds=[listener.fileno()],
        )
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            with httpx.Client(base_url=url, timeout=LIMIT_SECONDS, trust_env=False) as client:
                until(lambda: client.get("/health/ready").status_code == 200)
                yield server.pid, client
        finally:
            server.terminate()
            server.wait()


def until(look: Callable[[], bool]) -> None:
    """Wait for what comes."""
    end = time.monotonic() + LIMIT_SECONDS
    while not look():
        if time.monotonic() > end:
            raise SystemExit(f"waited {LIMIT_SECONDS} s in vain")
        time.sleep(0.1)


def cost(pid: int, name: str, way: Callable[[], str]) -> None:
    """Print how much more memory than at first a way takes, for how long, and what it says."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak begins anew
    before, began = memory(pid, "VmRSS"), time.monotonic()
    said = way()
    seconds, peak = time.monotonic() - began, memory(pid, "VmHWM")
    tell(f"{name:34}{peak - before:8.1f} MB more (of {before:.0f}){seconds:8.2f} s   {said}")


def upload(client: httpx.Client, path: str, video: Path) -> str:
    """Submit a job; where it is."""
    with video.open("rb") as file:
        files = {"video": ("noise.mov", file, "video/quicktime")}
        answer = client.post(path, data={"params": '{"height": 240}'}, files=files)
    answer.raise_for_status()
    return str(answer.headers["location"])


def wait_for(client: httpx.Client, job: str) -> str:
    """Wait for the end of a job; its result."""
    until(lambda: client.get(job).json()["status"] not in ("queued", "running"))
    ended = client.get(job).json()
    return f"{ended['status']}: {ended['result'] or ended['error']}"


def peak_of_children(pid: int, over: Event, found: list[float]) -> None:
    """Note the most that a child has had, in MB."""
    while not over.wait(0.1):
        for child in psutil.Process(pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                found.append(child.memory_info().rss / 1e6)


def download(client: httpx.Client, artifact: str, step: int) -> str:
    """All of an artifact, in ranges of `step` bytes."""
    size = int(client.head(artifact).headers["content-length"])
    got = 0
    while got < size:
        headers = {"Range": f"bytes={got}-{min(got + step, size) - 1}"}
        with client.stream("GET", artifact, headers=headers) as answer:
            assert answer.status_code == 206
            got += sum(map(len, answer.iter_raw()))
    return f"{size / 1e6:.1f} MB"


def announce(client: httpx.Client, path: str) -> str:
    """Say that more comes than is allowed, and send none of it; the answer."""
    headers = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\n"
    headers += "Connection: close\r\n"
    headers += f"Content-Type: video/mp4\r\nContent-Length: {TOO_LONG}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", client.base_url.port or 80), 60) as connection:
        connection.sendall(headers.encode())
        with connection.makefile("rb") as file:
            answer = file.read().decode()
    return f"{answer.splitlines()[0]} {answer.splitlines()[-1]}"


def cut(client: httpx.Client, path: str, video: Path) -> str:
    """Send half of a file and hang up; wait until the store is as it was."""
    size = video.stat().st_size
    headers = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    headers += f"Content-Type: video/mp4\r\nContent-Length: {size}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", client.base_url.port or 80), 60) as connection:
        connection.sendall(headers.encode())
        with video.open("rb") as file:
            for _ in range(size // 2_000_000):
                connection.sendall(file.read(1_000_000))
    return "hung up"


def kept(folder: Path) -> set[Path]:
    """The files in the store."""
    return {path for path in (folder / "files").rglob("*") if path.is_file()}


def main(project: Path, kind: str, megabytes: int = 300) -> None:
    """Measure all ways."""
    path = f"/jobs/{kind}"
    with tempfile.TemporaryDirectory() as name, serving(project, Path(name)) as (pid, client):
        folder, video = Path(name), Path(name) / "noise.mov"
        frames = make(video, megabytes)
        tell(f"{video.stat().st_size / 1e6:.0f} MB, {frames} frames of {WIDTH} x {HEIGHT}")
        client.get(path)
        jobs: list[str] = []
        over, found = Event(), list[float]()
        watch = Thread(target=peak_of_children, args=(pid, over, found))
        watch.start()
        cost(pid, "upload", lambda: jobs.append(upload(client, path, video)) or "accepted")
        cost(pid, "job", lambda: wait_for(client, jobs[0]))
        over.set()
        watch.join()
        tell(f"{'job, its own process':34}{max(found):8.1f} MB in all")
        artifact = f"{jobs[0]}/artifacts/video.mp4"
        cost(pid, "download, ranges of 1 MB", lambda: download(client, artifact, 1_000_000))
        cost(pid, "download, one range", lambda: download(client, artifact, TOO_LONG))
        before = kept(folder)
        cost(pid, "too long", lambda: announce(client, path))
        cost(pid, "cut off in the middle", lambda: cut(client, path, video))
        until(lambda: kept(folder) == before)
        tell(f"{len(client.get(path).json()['items'])} job, no file more than before")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:]))
