"""The engine runs with the oldest versions that `templates/floors.toml` names."""

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from uv import find_uv_bin
from workshop import CHECKOUT

FLOORS = tomllib.loads((CHECKOUT / "templates" / "floors.toml").read_text(encoding="utf-8"))
LIMIT_SECONDS = 600
# Whatever runs the tests; the engine needs none of it.
BESIDE = ["honcho>=2", "httpx>=0.28", "psutil>=7", "pytest>=9", "pytest-xdist>=3.8"]
BESIDE += ["python-dotenv>=1.2", "uvicorn>=0.35", "websockets>=15,<16"]
EXTRAS = {"httpcore2": "[asyncio]", "psycopg": "[binary]", "sqlalchemy": "[asyncio]"}
# What depends most on others' versions: tables and transactions, routes, uploads, a pool's job.
ESSENTIAL = [
    "rows/test_enqueuing.py",
    "running/test_async_work.py",
    "http/test_guarding.py",
    "http/test_installing.py",
    "installed/test_its_database.py",
]


def test_the_essential_tests_pass_with_the_oldest_versions(
    tmp_path: Path, rendered: Callable[[str], Path]
) -> None:
    if sys.version_info[:2] != (3, 11):
        pytest.skip("the oldest versions have wheels for Python 3.11")
    python, project = tmp_path / "venv" / "bin" / "python", tmp_path / "demo"
    shutil.copytree(rendered("executor-process"), project)
    floors = FLOORS["engine"] | FLOORS["pool"]
    oldest = [f"{name}{EXTRAS.get(name, '')}=={version}" for name, version in floors.items()]
    uv("venv", "--quiet", "--python", sys.executable, python.parent.parent)
    uv("pip", "install", "--quiet", "--python", python, *oldest, *BESIDE)
    run = subprocess.run(
        [
            *(python, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider"),
            *("-o", "filterwarnings=default"),  # old versions warn of what has changed since
            *(f"tests/offload/{path}" for path in ESSENTIAL),
        ],
        cwd=project,
        env={name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]


def uv(*arguments: str | Path) -> None:
    """Run uv; it says why when it cannot."""
    run = subprocess.run([find_uv_bin(), *arguments], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
