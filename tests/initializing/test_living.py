"""An application with the engine in it lives on: update, switch and status, and out again."""

import json
from pathlib import Path

import pytest
from workshop import CHANGED, Workshop, append, commit, contents, git, replace_in

from initializing.conftest import LayOut
from initializing.shapes import SHAPES

IN = ("init", "--strategy", "executor", "--yes")
ENGINE, LIST = "shop/offload/", "requirements.txt"


@pytest.fixture
def application(workshop: Workshop, lay_out: LayOut) -> Path:
    """One with the engine in it, of the newest release of the workshop, committed."""
    root = lay_out(SHAPES["a lifespan"])
    workshop.ok(*IN, cwd=root)
    commit(root, "init")
    return root


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
