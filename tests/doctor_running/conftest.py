"""Environments of users: each with a FastAPI application's packages, and without fastoffload."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from uv import find_uv_bin

from fastoffload.doctor.running.watch.watcher import TICK_SECONDS

# The first is the one that runs the tests, and the only one unless all are asked for: an
# environment and two runs for each of them take long.
ALL = "FASTOFFLOAD_TEST_PYTHONS"
THIS = f"{sys.version_info.major}.{sys.version_info.minor}"
OTHERS = tuple(version for version in ("3.11", "3.12", "3.13") if version != THIS)
VERSIONS = (THIS, *OTHERS)
PACKAGES = (
    *("fastapi", "uvicorn", "uvloop", "websockets", "strawberry-graphql"),
    *("httpx", "pytest", "python-multipart"),
)
LIMIT_SECONDS = 300

# An application's own measure of how long its loop stands still: from a call of `stands` to the
# loop's next turn, in which it answers the watch as well.
STANDS = """
import asyncio
import time


def stands():
    asyncio.get_running_loop().call_soon(_stood, time.monotonic())


def _stood(begin):
    with open(FILE, "a") as file:
        print(time.monotonic() - begin, file=file)
"""

Environment = Callable[[str], Path]
Project = Callable[[Mapping[str, str]], Path]


def _find_python(version: str) -> Path:
    if version == THIS:
        return Path(sys.executable)
    if os.environ.get(ALL) != "all":
        pytest.skip(f"not run: Python {version} is tested with {ALL}=all")
    command = [find_uv_bin(), "python", "find", "--no-project", version]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode == 0:
        return Path(found.stdout.strip())
    # pyenv's own, whichever of them it has made the current ones.
    others = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    if not others:
        pytest.skip(f"there is no Python {version} here")
    return others[-1]


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The interpreter of an environment of a version of Python, made when it is first asked for."""
    folder = tmp_path_factory.mktemp("environments")

    def python_of(version: str) -> Path:
        python = folder / version / "bin" / "python"
        if not python.exists():
            base = str(_find_python(version))
            for command in (
                ("venv", "--quiet", "--python", base, str(folder / version)),
                ("pip", "install", "--quiet", "--python", str(python), *PACKAGES),
            ):
                subprocess.run([find_uv_bin(), *command], check=True, timeout=LIMIT_SECONDS)
        return python

    return python_of


@pytest.fixture
def python(environment: Environment) -> Path:
    """The interpreter of one environment, where the version makes no difference."""
    return environment(VERSIONS[0])


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Makes a project of files by name."""

    def make(files: Mapping[str, str]) -> Path:
        root = tmp_path / "shop"
        for name, text in files.items():
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return root

    return make


def stands(file: Path) -> str:
    """The source of a module `stands`, which writes its measures into a file."""
    return STANDS.replace("FILE", repr(str(file)))


def is_told(seconds: float, file: Path) -> bool:
    """Whether a run tells what the application measured itself."""
    return is_measured(seconds, [*map(float, file.read_text().split())])


def is_measured(seconds: float, stood: Sequence[float]) -> bool:
    """Whether the watch tells one of the times for which a loop stood still.

    Never more: what the machine takes away does not count. Less by the beginning: the watch asks
    fifty times a second, and later when it gets no CPU itself.
    """
    return min(stood) * 3 / 4 < seconds <= max(stood) + TICK_SECONDS


def processes_with(text: str) -> list[int]:
    """The processes whose environment or command has a text in it, this one excepted."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            about = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if text.encode() in about and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found
