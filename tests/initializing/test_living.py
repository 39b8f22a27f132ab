"""An application with the engine in it lives on: update, switch and status, and out again.

As the member of a workspace too, whose lock file is above it.
"""

import json
import subprocess
import tomllib
from pathlib import Path

import pytest
from conftest import Cli
from uv import find_uv_bin
from workshop import CHANGED, Workshop, append, commit, contents, git, replace_in

from initializing.conftest import LIMIT_SECONDS, LayOut
from initializing.shapes import PYPROJECT, SHAPES, Shape

IN = ("init", "--strategy", "executor", "--yes")
ENGINE, LIST = "shop/offload/", "requirements.txt"

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


@pytest.fixture
def application(workshop: Workshop, lay_out: LayOut) -> Path:
    """One with the engine in it, of the newest release of the workshop, committed."""
    root = lay_out(SHAPES["a lifespan"])
    workshop.ok(*IN, cwd=root)
    commit(root, "init")
    return root


def test_what_git_ignores_is_committed_all_the_same(workshop: Workshop, lay_out: LayOut) -> None:
    root = lay_out(SHAPES["a lifespan"])
    append(root / ".gitignore", "migrations/\n*.patch\n")
    commit(root, "ignored")
    said = workshop.ok(*IN, cwd=root)
    folder = f"{ENGINE}database/migrations/versions"
    command = f"git add --force .offload-init.patch {folder}"
    assert f"`{command}`: git ignores them, and the engine needs them" in said
    git(root, *command.split()[1:])
    commit(root, "init")
    assert git(root, "clean", "-dnX", "--", ".") == ""
    workshop.ok("status", "--check", cwd=root)
    workshop.ok("switch", "background", cwd=root)


def test_an_update_brings_the_engine_and_what_it_needs(
    workshop: Workshop, application: Path, tmp_path: Path
) -> None:
    next_one = Workshop(tmp_path / "next", workshop)
    append(next_one.template(CHANGED), "\n# The engine's own.\n")
    append(next_one.template("app/main.py"), "\n# Of generated projects alone.\n")
    wanted = next_one.template("app/offload/requirements.txt.jinja")
    replace_in(wanted, "alembic>=1.13,<2\n", "alembic>=1.14,<2\n")
    append(wanted, "idna>=3\n")
    assert next_one.record("0.1.1").returncode == 0
    append(application / "shop/main.py", "\n# Mine.\n")
    commit(application)
    before = contents(application)
    next_one.ok("update", cwd=application)
    after = contents(application)
    touched = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert touched == {
        ".copier-answers.yml",
        ".offload-init.patch",
        LIST,
        f"{ENGINE}{LIST}",
        CHANGED.replace("app/offload/", ENGINE),
    }
    added = after[LIST].decode().splitlines()
    assert {"idna>=3", "alembic>=1.14,<2"} <= {*added}
    assert "alembic>=1.13,<2" not in added
    commit(application, "update")
    next_one.ok("init", "--undo", "--yes", cwd=application)
    first = git(application, "rev-list", "--max-parents=0", "HEAD")
    changed = git(application, "diff", "--stat", first).splitlines()
    assert [line.split()[0] for line in changed] == ["shop/main.py", "1"]


def test_a_switch_brings_what_the_strategy_needs(workshop: Workshop, application: Path) -> None:
    before = contents(application)
    workshop.ok("switch", "dramatiq", cwd=application)
    assert (application / "shop/offload/worker.py").exists()
    assert "dramatiq[rabbitmq,redis]" in (application / LIST).read_text()
    commit(application, "switch")
    workshop.ok("switch", "executor", cwd=application)
    commit(application, "and back")
    assert contents(application) == before
    workshop.ok("switch", "background", cwd=application)
    assert "pebble" not in (application / LIST).read_text()
    commit(application, "once more")
    workshop.ok("init", "--undo", "--yes", cwd=application)
    first = git(application, "rev-list", "--max-parents=0", "HEAD")
    assert git(application, "status", "--porcelain", "--", "shop/main.py", LIST) != ""
    assert git(application, "diff", first) == ""


def test_a_switch_keeps_what_was_theirs(workshop: Workshop, lay_out: LayOut) -> None:
    root = lay_out(SHAPES["a lifespan"])
    append(root / LIST, "pebble\n")
    commit(root)
    workshop.ok(*IN, cwd=root)
    commit(root, "init")
    workshop.ok("switch", "background", cwd=root)
    assert "\npebble\n" in (root / LIST).read_text()


def test_status_looks_at_the_engine_alone(workshop: Workshop, application: Path) -> None:
    append(application / "shop/main.py", "\n# Mine.\n")
    append(application / f"{ENGINE}run.py", "\n# Mine.\n")
    (application / ENGINE / "extra.py").write_text("# Mine.\n")
    (application / ENGINE / "errors.py").unlink()
    found = json.loads(workshop.ok("status", "--json", cwd=application))
    assert found["yours"] == [f"all but {ENGINE} and tests/offload/"]
    assert found["edited"] == [f"{ENGINE}run.py"]
    assert found["extra"] == [f"{ENGINE}extra.py"]
    assert found["missing"] == found["needed"] == [f"{ENGINE}errors.py"]


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
