"""An environment in which every shape runs, and an application laid out in a folder.

Servers are given by URL by whoever runs the tests; what needs one is reported as not run else.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from uv import find_uv_bin
from workshop import commit, git, making

from initializing.shapes import Shape

SERVER = os.environ.get("DATABASE_URL", "")
BROKER = os.environ.get("REDIS_URL", "")
NEEDS_SERVER = pytest.mark.skipif(
    not SERVER.startswith("postgresql"), reason="DATABASE_URL names no PostgreSQL"
)
NEEDS_BROKER = pytest.mark.skipif(not BROKER, reason="REDIS_URL names no Redis")
LIMIT_SECONDS = 300
# What the applications and their tests import, beside what the engine needs.
PACKAGES = ("fastapi>=0.115", "sqlmodel", "asyncpg", "uvicorn", "httpx", "pytest")

LayOut = Callable[[Shape], Path]


@pytest.fixture(scope="session")
def environment(shared: Path) -> Path:
    """The interpreter of an environment with the engine's own list of requirements."""
    folder = shared / "environment"
    listed = Path("templates/project/app/offload/requirements.txt.jinja").read_text()
    lines = (line.partition("#")[0].strip() for line in listed.splitlines())
    queues = () if BROKER else ("celery", "dramatiq")  # for which there must be a broker
    wanted = [one for one in lines if one and one[0].isalpha() and not one.startswith(queues)]
    python = folder / ".venv" / "bin" / "python"
    commands = (
        ("venv", "--quiet", "--python", sys.executable, str(folder / ".venv")),
        ("pip", "install", "--quiet", "--python", str(python), *PACKAGES, *wanted),
    )
    with making(folder) as is_new:
        for command in commands if is_new else ():
            subprocess.run([find_uv_bin(), *command], check=True, timeout=LIMIT_SECONDS)
    return python


@pytest.fixture
def lay_out(tmp_path: Path) -> LayOut:
    """Writes an application into a folder of the test's own, in a repository."""

    def make(shape: Shape) -> Path:
        root = tmp_path / "application"
        for name, text in shape.all_files().items():
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        (root / ".gitignore").write_text("__pycache__/\n*.db\n.pytest_cache/\ndata/\n")
        git(root, "init", "--quiet")
        commit(root)
        return root

    return make


@contextmanager
def database() -> Iterator[str]:
    """One of the test's own on the server."""
    name = f"init_{uuid4().hex[:8]}"
    parts = urlsplit(SERVER)._replace(scheme="postgresql")
    with psycopg.connect(parts.geturl(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        try:
            yield parts._replace(scheme="postgresql+psycopg", path=f"/{name}").geturl()
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
