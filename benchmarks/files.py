"""What a large file costs the API: memory, time, and how long the event loop keeps others waiting.

    PROJECT/.venv/bin/python benchmarks/files.py PROJECT [MEGABYTES]

Prints a line for each way in and out, measured one after another in one run: each way has a server
of its own, so that its peak is its own. Linux only: the peak is the kernel's (VmHWM).
"""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread

import httpx

BOUNDARY = "0123456789"
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
CHUNK = os.urandom(1_000_000)
SERVER = """
import asyncio, socket, sys
import uvicorn
from fastapi import FastAPI, Request
from app.offload.files import store
from app.offload.files.artifacts import respond
from app.offload.files.stored import StoredFile
from app.offload.files.uploads import receive
from app.offload.kinds import Input

app, kept = FastAPI(), {}

@app.get("/ping")
async def ping(): ...

@app.post("/form")
async def form(request: Request):
    received = await receive(request, {"file": Input(max_bytes=2 * 10**9)}, "job/in/token")
    kept["file"] = received.files["file"][0]

@app.post("/temporary")
async def temporary(request: Request):
    async with request.form() as parts:
        file = parts["file"]
        async def chunks():
            while chunk := await file.read(1_000_000):
                yield chunk
        await store.put_stream("job/in/token/0", chunks(), 2 * 10**9, name="a", media_type="a/b")

@app.get("/artifact")
async def artifact(request: Request):
    return await respond(request, kept["file"])

uvicorn.run(app, fd=int(sys.argv[1]), log_level="warning")
"""


def body(megabytes: int) -> Iterator[bytes]:
    """A form with one file."""
    yield f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; '.encode()
    yield b'filename="a.bin"\r\n\r\n'
    for _ in range(megabytes):
        yield CHUNK
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


def upload(path: str, megabytes: int) -> Callable[[httpx.Client], None]:
    """A way in."""

    def run(client: httpx.Client) -> None:
        client.post(path, content=body(megabytes), headers=FORM).raise_for_status()

    return run


def raw(client: httpx.Client, megabytes: int) -> None:
    """The way in without a form."""
    content = (CHUNK for _ in range(megabytes))
    client.post("/form", content=content, headers={"Content-Type": "a/b"}).raise_for_status()


def download(client: httpx.Client) -> None:
    """The way out of what an upload has left."""
    with client.stream("GET", "/artifact") as answer:
        for _ in answer.raise_for_status().iter_raw():
            pass


def measure(project: Path, name: str, *ways: Callable[[httpx.Client], None]) -> None:
    """Run all but the last way to prepare, and print what the last one cost."""
    *before, way = ways
    with tempfile.TemporaryDirectory() as folder, socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(listener.fileno())],
            cwd=project,
            env=os.environ | {"STORAGE_URL": f"{folder}/files", "TMPDIR": folder},
            pass_fds=[listener.fileno()],
        )
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            with httpx.Client(base_url=url, timeout=600) as client:
                for each in (lambda client: client.get("/ping"), *before):
                    each(client)
                tell(f"{name:34}{cost(server.pid, url, lambda: way(client))}")
        finally:
            server.terminate()
            server.wait()


def cost(pid: int, url: str, way: Callable[[], None]) -> str:
    """What a way costs a server: memory, time, and the waits of others."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak begins anew
    rss, done, waits = memory(pid, "VmRSS"), Event(), list[float]()
    thread = Thread(target=ping, args=(url, done, waits))
    thread.start()
    began = time.monotonic()
    way()
    seconds = time.monotonic() - began
    done.set()
    thread.join()
    waits.sort()
    p99 = waits[int(len(waits) * 0.99)] * 1000
    peak = memory(pid, "VmHWM")
    return f"{peak - rss:8.1f} MB more (of {rss:.0f}){seconds:8.2f} s   ping p99 {p99:7.1f} ms"


def memory(pid: int, name: str) -> float:
    """MB of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(rf"{name}:\s+(\d+)", status)
    assert found
    return int(found[1]) / 1000


def ping(url: str, done: Event, waits: list[float]) -> None:
    """Note how long a request takes that does nothing."""
    with httpx.Client(base_url=url, timeout=600) as client:
        while not done.wait(0.005):
            began = time.monotonic()
            client.get("/ping")
            waits.append(time.monotonic() - began)


def idle(_: httpx.Client) -> None:
    """Nothing, for the waits of a server that has nothing to do."""
    time.sleep(3)


def tell(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(project: Path, megabytes: int = 300) -> None:
    """Measure all ways."""
    tell(f"{megabytes} MB, in a folder")
    measure(project, "nothing", idle)
    measure(project, "form, by a temporary file", upload("/temporary", megabytes))
    measure(project, "form, into the store", upload("/form", megabytes))
    measure(project, "raw, into the store", lambda client: raw(client, megabytes))
    measure(project, "artifact, out of the store", upload("/form", megabytes), download)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
