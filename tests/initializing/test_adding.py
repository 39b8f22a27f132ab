"""`add` in an application that has the engine by `init`: what it takes, and what it refuses."""

import json
import subprocess
from pathlib import Path

import pytest
from conftest import Cli
from new.test_questions_of_new import CTRL_C, Terminal
from workshop import contents

from fastoffload.catalog import Choice
from fastoffload.templating.answers import ANSWERS_FILE, SOURCE, Answers
from fastoffload.templating.releases import newest
from initializing.conftest import LIMIT_SECONDS, LayOut
from initializing.shapes import SHAPES

IN = ("init", "--strategy", "executor", "--yes")
SHAPED = ("a lifespan", "modules in a folder that is no package", "modules beside a main.py")


@pytest.mark.parametrize("what", SHAPED)
def test_a_kind_is_imported_as_the_application_is(
    cli: Cli, lay_out: LayOut, environment: Path, what: str
) -> None:
    root = lay_out(SHAPES[what])
    assert cli(*IN, cwd=root).returncode == 0
    done = cli("add", "clip", cwd=root)
    assert done.returncode == 0, done.stderr
    tested = subprocess.run(
        [environment, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/jobs"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert "4 passed" in tested.stdout, tested.stdout + tested.stderr


def test_a_recipe_for_generated_projects_is_refused(cli: Cli, lay_out: LayOut) -> None:
    root = lay_out(SHAPES["a lifespan"])
    assert cli(*IN, cwd=root).returncode == 0
    before = contents(root)
    refused = cli("add", "sales", "--recipe", "report", cwd=root)
    assert (refused.returncode, refused.stdout) == (1, "")
    (line,) = refused.stderr.splitlines()
    assert "its datasets.py uses app.database; take another, such as blank" in line
    assert contents(root) == before


def test_it_is_not_offered_either(lay_out: LayOut) -> None:
    root = lay_out(SHAPES["a lifespan"])
    answers = Answers(newest(), "shop", "", Choice.of("executor", {}), "shop")
    said = {"_src_path": SOURCE, "_commit": answers.release, **answers.data(answers.choice)}
    (root / ANSWERS_FILE).write_text(json.dumps(said))
    terminal = Terminal(root, "add", "sales")
    try:
        terminal.expect("Which work to begin with?")
        terminal.expect("video")
        terminal.press(CTRL_C)
        terminal.end()
    finally:
        terminal.close()
    assert "blank" in terminal.words
    assert "report" not in terminal.words


def test_tables_want_a_migration_of_ones_own(cli: Cli, lay_out: LayOut) -> None:
    root = lay_out(SHAPES["a lifespan"])
    assert cli(*IN, cwd=root).returncode == 0
    done = cli("add", "sums", "--recipe", "etl", "--json", cwd=root)
    assert done.returncode == 0, done.stderr
    steps = json.loads(done.stdout)["next_steps"]
    assert any(
        "make a migration of yours for the tables in shop/jobs/sums/" in one for one in steps
    )


def test_a_test_of_that_name_is_not_written_over(cli: Cli, lay_out: LayOut) -> None:
    root = lay_out(SHAPES["a lifespan"])
    (root / "tests" / "jobs").mkdir()
    (root / "tests" / "jobs" / "test_blank.py").write_text("# Mine.\n")
    before = contents(root)
    refused = cli(*IN, cwd=root)
    assert refused.returncode == 1
    assert "tests/jobs/test_blank.py is there already" in refused.stderr
    assert contents(root) == before
