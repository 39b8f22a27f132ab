"""An application as it is served, with the engine in it."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from initializing.conftest import LIMIT_SECONDS
from initializing.shapes import Shape

ENDED = {"succeeded", "failed", "cancelled"}


@contextmanager
def served(
    root: Path, shape: Shape, python: Path, env: Mapping[str, str]
) -> Iterator[httpx.Client]:
    """The application once it answers, with these settings."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--factory"] if shape.factory else []
    target = f"{shape.module}:{shape.served}"
    command = [python, "-m", "uvicorn", *options, target, "--port", str(port)]
    log = root / ".git" / "log.txt"
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, cwd=root / shape.start, env=inherited | env, stdout=output, stderr=output
        )
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=LIMIT_SECONDS
        ) as client:
            wait_for(lambda: answers(client, shape.path), server, log)
            yield client
    finally:
        server.terminate()
        server.wait(LIMIT_SECONDS)


def wait_for(look: Callable[[], bool], server: subprocess.Popen[bytes], log: Path) -> None:
    """Returns when it holds; fails when the server ends first, or it takes too long."""
    end = time.monotonic() + LIMIT_SECONDS
    while not look():
        assert server.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)


def answers(client: httpx.Client, path: str) -> bool:
    """Whether the application's own route does."""
    try:
        return client.get(path).status_code == 200
    except httpx.TransportError:
        return False


def ended(client: httpx.Client, location: str) -> dict[str, object]:
    """The job, once it has ended."""
    end = time.monotonic() + LIMIT_SECONDS
    while (job := client.get(location).json())["status"] not in ENDED:
        assert time.monotonic() < end, job
        time.sleep(0.05)
    return dict(job)
