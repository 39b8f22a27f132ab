"""A generated project of each strategy holds no loop, nor do the kinds that recipes give it."""

import subprocess
import sys
from pathlib import Path

import pytest

from fastoffload.doctor.reading.read import read

STRATEGIES = ["background", "executor", "celery", "dramatiq"]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_generated_project_is_clean(strategy: str, tmp_path: Path) -> None:
    options = ["--strategy", strategy, "--defaults", "--no-install", "--no-git"]
    options += ["--recipe", "report", "--recipe", "image"]
    command = [sys.executable, "-m", "fastoffload", "new", str(tmp_path / "demo"), *options]
    subprocess.run(command, check=True, capture_output=True)
    report = read(tmp_path / "demo")

    assert not report.findings
    assert not report.unread
    assert report.entries["route"] > 1
