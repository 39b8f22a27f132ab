"""Each variant as its user gets it: generated, installed, linted, typed, and its own tests run."""

import os
import subprocess
from pathlib import Path

import pytest
from conftest import VARIANTS
from uv import find_uv_bin

LONGEST_SECONDS = 1800


# One process makes a project and runs all its tests.
EACH = [pytest.param(variant, marks=pytest.mark.xdist_group(variant)) for variant in VARIANTS]


@pytest.fixture(scope="module", params=EACH)
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installed project, committed to its own repository."""
    folder = tmp_path_factory.mktemp(request.param) / "demo"
    made = run(
        Path.cwd(), "python", "-m", "fastoffload", "new", str(folder), *VARIANTS[request.param]
    )
    assert made.returncode == 0, made.stderr
    return folder


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """The command in the environment of the folder's project."""
    environment = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    return subprocess.run(
        [find_uv_bin(), "run", *command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )


@pytest.mark.parametrize("command", ["ruff check .", "ruff format --check .", "mypy"])
def test_it_passes(project: Path, command: str) -> None:
    done = run(project, *command.split())
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_own_tests_pass(project: Path) -> None:
    answers = (project / ".copier-answers.yml").read_text()
    if "broker: rabbitmq" in answers and "BROKER_URL" not in os.environ:
        # test_templates.py sees to it that the code is the same.
        pytest.skip("not run without a BROKER_URL: the same code is tested with the other broker")
    done = run(project, "pytest", "-q", "-ra")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_work_tree_is_clean_after_all_that(project: Path) -> None:
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=project, capture_output=True, text=True, check=True
    )
    assert status.stdout == ""
