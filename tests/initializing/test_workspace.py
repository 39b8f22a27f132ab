"""A member of a uv workspace, whose lock file is above it: additions only, and out again."""

import subprocess
import tomllib
from pathlib import Path

from conftest import Cli
from uv import find_uv_bin
from workshop import contents

from initializing.conftest import LIMIT_SECONDS, LayOut
from initializing.shapes import PYPROJECT, SHAPES, Shape

TOP = """
[project]
name = "top"
version = "0.1.0"
requires-python = ">=3.11"

[tool.uv]
package = false

[tool.uv.workspace]
members = ["services/*"]
"""


def test_a_member_of_a_workspace(cli: Cli, lay_out: LayOut) -> None:
    shop = {f"services/web/{name}": text for name, text in SHAPES["a lifespan"].files.items()}
    del shop["services/web/requirements.txt"]
    member = PYPROJECT.format(path=".")
    root = lay_out(Shape({**shop, "services/web/pyproject.toml": member, "pyproject.toml": TOP}))
    lock = [find_uv_bin(), "lock", "--quiet"]
    subprocess.run(lock, cwd=root, check=True, timeout=LIMIT_SECONDS)
    before, locked = contents(root), (root / "uv.lock").read_text()
    web = root / "services/web"
    done = cli("init", "--strategy", "celery", "--yes", cwd=web)
    assert done.returncode == 0, done.stderr
    assert "uv.lock (shown by --diff)" in done.stdout
    assert "+version = " not in done.stdout
    assert versions(root / "uv.lock") > versions_in(locked)
    assert not (web / "uv.lock").exists()
    check = [find_uv_bin(), "lock", "--check", "--quiet"]
    subprocess.run(check, cwd=root, check=True, timeout=LIMIT_SECONDS)
    undone = cli("init", "--undo", "--yes", cwd=web)
    assert undone.returncode == 0, undone.stderr
    assert contents(root) == before
    assert (root / "uv.lock").read_text() == locked


def versions(lock: Path) -> set[tuple[str, str]]:
    """What is locked."""
    return versions_in(lock.read_text())


def versions_in(text: str) -> set[tuple[str, str]]:
    """What a lock file holds."""
    return {(one["name"], one["version"]) for one in tomllib.loads(text)["package"]}
