"""What `add` depends on is added by the project's own tools; whatever fails leaves nothing."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import FASTOFFLOAD, LIMIT_SECONDS, Cli, Rendered
from workshop import contents

from fastoffload.adding import add as adding
from fastoffload.errors import FastoffloadError

# A package manager that changes the project before it fails.
FAILING = """#!/bin/sh
echo '# changed' >> pyproject.toml
echo 'x' > poetry.lock
echo 'no such package'
exit 1
"""
PLAIN = '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = []\n'


@pytest.fixture
def project(rendered: Rendered, tmp_path: Path) -> Path:
    """A project that does not depend on what the recipe `report` needs, nor has its kind."""
    folder = Path(shutil.copytree(rendered("background"), tmp_path / "demo"))
    shutil.rmtree(folder / "app" / "jobs" / "report")
    for test in (folder / "tests" / "jobs").glob("test_report*.py"):
        test.unlink()
    (folder / "pyproject.toml").write_text(PLAIN)
    return folder


def add_report(cli: Cli, project: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """What `add` answers for a recipe that depends on something."""
    return cli("add", "sales", "--recipe", "report", cwd=project, env=env)


def test_a_project_without_a_lock_gets_none(cli: Cli, project: Path) -> None:
    done = add_report(cli, project)
    assert done.returncode == 0, done.stderr
    text = (project / "pyproject.toml").read_text()
    assert '"fpdf2>=2.8.9,<3"' in text
    assert 'dev = [\n    "pypdf>=7,<8",\n]' in text
    assert not (project / "uv.lock").exists()
    assert (project / "migrations" / "versions" / "0002_sales.py").is_file()


def test_what_it_has_already_is_left_as_it_is(cli: Cli, project: Path) -> None:
    own = PLAIN.replace("[]", '["FPDF2==2.8.9"]') + '[dependency-groups]\ndev = ["pypdf"]\n'
    (project / "pyproject.toml").write_text(own)
    assert add_report(cli, project).returncode == 0
    assert (project / "pyproject.toml").read_text() == own


def test_a_program_that_is_not_installed_is_named_with_its_command(
    cli: Cli, project: Path, tmp_path: Path
) -> None:
    (project / "poetry.lock").touch()
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "git").symlink_to(str(shutil.which("git")))
    done = add_report(cli, project, PATH=str(programs))
    assert done.returncode == 0, done.stderr
    assert "  poetry add 'fpdf2>=2.8.9,<3'\n" in done.stdout
    assert "  poetry add --group dev 'pypdf>=7,<8'\n" in done.stdout
    assert "poetry run pytest tests/jobs/test_sales*.py" in done.stdout
    assert (project / "pyproject.toml").read_text() == PLAIN


def test_a_list_for_pip_gets_lines(cli: Cli, project: Path) -> None:
    (project / "pyproject.toml").unlink()
    (project / "requirements.txt").write_text("fastapi")
    done = add_report(cli, project)
    assert (project / "requirements.txt").read_text() == "fastapi\nfpdf2>=2.8.9,<3\n"
    assert "  pip install -r requirements.txt\n" in done.stdout
    assert "  pip install 'pypdf>=7,<8'\n" in done.stdout


def test_what_a_program_changed_before_it_failed_is_put_back(
    cli: Cli, project: Path, tmp_path: Path
) -> None:
    (project / "pyproject.toml").write_text(f"{PLAIN}[tool.poetry]\n")
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "poetry").write_text(FAILING)
    (programs / "poetry").chmod(0o755)
    before = contents(project)
    refused = add_report(cli, project, PATH=f"{programs}{os.pathsep}{os.environ['PATH']}")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "`poetry add 'fpdf2>=2.8.9,<3'` failed, and nothing was changed" in refused.stderr
    assert "no such package" in refused.stderr
    assert contents(project) == before


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_leaves_nothing(project: Path, how: signal.Signals, tmp_path: Path) -> None:
    (project / "uv.lock").write_text('version = 1\nrequires-python = ">=3.11"\n')
    before, lock = contents(project), (project / "uv.lock").read_bytes()
    with socket.socket() as index:  # which takes connections, and never answers
        index.bind(("127.0.0.1", 0))
        index.listen()
        index.settimeout(LIMIT_SECONDS)
        url = f"http://127.0.0.1:{index.getsockname()[1]}/simple"
        environment = os.environ | {
            "UV_DEFAULT_INDEX": url,
            "UV_CACHE_DIR": str(tmp_path / "cache"),
            "UV_PYTHON": sys.executable,
            "NO_PROXY": "127.0.0.1",
        }
        with subprocess.Popen(
            [*FASTOFFLOAD, "add", "sales", "--recipe", "report"],
            cwd=project,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        ) as running:
            waiting, _ = index.accept()
            with waiting:
                running.send_signal(how)
                _, said = running.communicate(timeout=LIMIT_SECONDS)
    assert running.returncode == 130
    assert "interrupted; nothing was kept" in said
    assert contents(project) == before
    assert (project / "uv.lock").read_bytes() == lock


def test_a_file_that_somebody_writes_meanwhile_is_theirs(project: Path) -> None:
    planned = adding.plan(project, "clip", None, None)
    theirs = project / "tests" / "jobs" / "test_clip.py"
    theirs.write_text("theirs")
    before = contents(project)
    with pytest.raises(FastoffloadError, match=r"test_clip\.py was changed meanwhile"):
        adding.carry_out(planned)
    assert contents(project) == before


def test_a_folder_that_cannot_be_written_is_one_line(
    cli: Cli, project: Path, without_privileges: list[str]
) -> None:
    jobs = project / "app" / "jobs"
    jobs.chmod(0o555)
    before = contents(project)
    refused = cli("add", "clip", cwd=project, prefix=without_privileges)
    jobs.chmod(0o755)
    assert refused.returncode == 1
    (line,) = refused.stderr.splitlines()
    assert "app/jobs/clip: Permission denied" in line
    assert contents(project) == before
