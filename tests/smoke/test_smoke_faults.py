"""A fault in any template turns the smoke red, in the right cell."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import FASTOFFLOAD, LIMIT_SECONDS
from workshop import CHECKOUT

SMOKE_SECONDS = 10 * LIMIT_SECONDS
SMOKE = ("smoke", "--variant", "background", "--recipe", "report", "--json")
# A limit that is not worth waiting for; the options offer none.
SHORT_LIMIT = """
import sys
from dataclasses import replace
from fastoffload.smoke.stages import table as stages
stages.STAGES = tuple(replace(stage, limit_seconds=12) for stage in stages.STAGES)
from fastoffload.__main__ import main
sys.argv[0] = "fastoffload"
main()
"""
LEAVE_ONE = """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
"""

Plant = Callable[[str, str, str], None]
Cells = dict[str, dict[str, Any]]


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    """A fork of the templates."""
    return Path(shutil.copytree(CHECKOUT / "templates", tmp_path / "templates"))


@pytest.fixture
def plant(templates: Path) -> Plant:
    """Puts a text in the place of one that a template has once; at its end if that is empty."""

    def put(file: str, old: str, new: str) -> None:
        path = templates / file
        text = path.read_text()
        if old:
            assert text.count(old) == 1, (file, old)
        path.write_text(text.replace(old, new) if old else text + new)

    return put


@pytest.fixture
def smoke(templates: Path, tmp_path: Path) -> Callable[..., Cells]:
    """The cells of the background variant, which must be red somewhere."""

    def run(*stages: str, program: tuple[str, ...] = FASTOFFLOAD) -> Cells:
        options = [word for stage in stages for word in ("--stage", stage)]
        done = subprocess.run(
            [*program, *SMOKE, "--templates", str(templates), *options],
            env=os.environ | {"TMPDIR": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=SMOKE_SECONDS,
            check=False,
        )
        assert done.returncode == 1, done.stdout + done.stderr
        [entry] = json.loads(done.stdout)["entries"]
        assert Path(entry["folder"]).is_dir()
        return {cell["stage"]: cell for cell in entry["stages"]}

    return run


def red(cells: Cells) -> list[str]:
    """The stages that failed."""
    return [name for name, cell in cells.items() if cell["status"] == "failed"]


def test_a_template_that_cannot_be_rendered(plant: Plant, smoke: Callable[..., Cells]) -> None:
    plant("project/README.md.jinja", "", "\n{{ no_such_variable }}\n")
    cells = smoke("lint")
    assert red(cells) == ["render"]
    assert "no_such_variable" in cells["render"]["note"]
    assert cells["lint"]["status"] == "not reached"


def test_a_syntax_error(plant: Plant, smoke: Callable[..., Cells]) -> None:
    plant("recipes/report/compute.py", "", "\ndef broken(:\n")
    cells = smoke("lint", "types")
    assert red(cells) == ["lint", "types"]
    assert "app/jobs/report/compute.py" in cells["lint"]["output"]
    assert "--stage lint" in cells["lint"]["repeat"]
    assert "app/jobs/report/compute.py" in cells["types"]["output"]


def test_a_line_that_is_not_formatted(plant: Plant, smoke: Callable[..., Cells]) -> None:
    plant("project/app/offload/errors.py", "", "\n\n\n\nX  =  1\n")
    assert red(smoke("lint")) == ["lint"]


def test_a_wrong_import(plant: Plant, smoke: Callable[..., Cells]) -> None:
    plant(
        "project/app/main.py",
        "",
        "\nfrom app.jobs import nothing_of_that_name  # noqa: E402, F401\n",
    )
    cells = smoke("lint", "boot")
    assert red(cells) == ["boot"]
    assert "nothing_of_that_name" in cells["boot"]["output"]


def test_a_missing_dependency(plant: Plant, smoke: Callable[..., Cells]) -> None:
    plant("project/pyproject.toml.jinja", '    "structlog>=26.1",\n', "")
    cells = smoke("lint", "job")
    assert red(cells) == ["boot"]
    assert "No module named 'structlog'" in cells["boot"]["output"]
    assert cells["job"]["status"] == "not reached"


def test_a_dependency_that_does_not_exist(plant: Plant, smoke: Callable[..., Cells]) -> None:
    plant("project/pyproject.toml.jinja", '"structlog>=26.1"', '"structlog>=2600"')
    cells = smoke("lint")
    assert red(cells) == ["install"]
    assert "structlog" in cells["install"]["output"]


def test_a_broken_route(plant: Plant, smoke: Callable[..., Cells]) -> None:
    create = 'routing.post(router, "", _create(kind)'
    plant("project/app/offload/http/kind_routes.py", create, create.replace('""', '"/"'))
    cells = smoke("lint", "job", "stop")
    assert red(cells) == ["job"]
    assert "python ended with 1" in cells["job"]["note"]
    assert "AssertionError" in cells["job"]["output"]
    assert cells["stop"]["status"] == "passed"


def test_a_pdf_without_text(plant: Plant, smoke: Callable[..., Cells]) -> None:
    plant(
        "recipes/report/work.py",
        '    run.keep("report.pdf"',
        "    from fpdf import FPDF\n\n    blank = FPDF()\n    blank.add_page()\n"
        '    document = bytes(blank.output())\n    run.keep("report.pdf"',
    )
    cells = smoke("lint", "job", "stop")
    assert red(cells) == ["job"]
    assert "assert TITLE in text" in cells["job"]["output"]


def test_a_process_left_behind_by_the_service(plant: Plant, smoke: Callable[..., Cells]) -> None:
    plant("project/app/main.py", "", LEAVE_ONE)
    cells = smoke("job", "stop")
    assert red(cells) == ["stop"]
    assert "time.sleep(600)" in cells["stop"]["note"]


def one_test(plant: Plant) -> None:
    """Leave little to test, in one process: in a new environment each compiles what it imports."""
    pyproject = "project/pyproject.toml.jinja"
    plant(pyproject, 'testpaths = ["tests"]', 'testpaths = ["tests/jobs/test_report_readings.py"]')
    plant(pyproject, '    "pytest-xdist>=3.8,<4",\n', "")
    beside = ', "--numprocesses=auto", "--dist=loadscope", "--no-loadscope-reorder"'
    plant(pyproject, beside, "")


def test_a_process_left_behind_by_the_tests(plant: Plant, smoke: Callable[..., Cells]) -> None:
    plant("project/tests/conftest.py", "", LEAVE_ONE)
    one_test(plant)
    cells = smoke("tests")
    assert red(cells) == ["tests"]
    assert "time.sleep(600)" in cells["tests"]["note"]


def test_a_test_that_fails(plant: Plant, smoke: Callable[..., Cells]) -> None:
    plant(
        "recipes/report/test_readings.py",
        "",
        "\n\ndef test_false() -> None:\n    assert 1 == 2\n",
    )
    one_test(plant)
    cells = smoke("tests")
    assert red(cells) == ["tests"]
    assert "assert 1 == 2" in cells["tests"]["output"]


def test_a_stage_that_hangs(plant: Plant, smoke: Callable[..., Cells]) -> None:
    plant("recipes/report/pdf.py", "", "\n\nimport time\n\ntime.sleep(600)\n")
    cells = smoke("job", program=(sys.executable, "-c", SHORT_LIMIT))
    assert red(cells) == ["job"]
    assert cells["job"]["note"] == "not done after 12 s"
