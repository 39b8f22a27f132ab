"""`fastoffload add` in a generated project: what it writes, refuses, and leaves behind."""

import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import VARIANTS, Cli, Rendered
from workshop import CHECKOUT, append, commit, contents, git

from fastoffload.catalog import variants

WRITTEN = {
    "app/jobs/clip/README.md",
    "app/jobs/clip/__init__.py",
    "app/jobs/clip/kind.py",
    "app/jobs/clip/work.py",
    "tests/jobs/test_clip.py",
}
OLD_LAYOUT = "0.1.0"  # of the recorded releases, one without recipes

Make = Callable[..., Path]


@pytest.fixture
def project_of(rendered: Rendered, tmp_path: Path) -> Make:
    """A project of a variant, committed; one of its own for each test."""

    def make(variant: str = "background") -> Path:
        folder = tmp_path / "demo"
        shutil.copytree(rendered(variant), folder)
        git(folder, "init", "--quiet")
        commit(folder)
        return folder

    return make


@pytest.fixture
def project(project_of: Make) -> Path:
    """A project in which jobs run on threads."""
    return project_of()


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_kind_is_one_folder_and_its_test(project_of: Make, cli: Cli, variant: str) -> None:
    project = project_of(variant)
    before = contents(project)
    done = cli("add", "clip", cwd=project / "app" / "offload")
    assert done.returncode == 0, done.stderr
    after = contents(project)
    assert after.keys() - before.keys() == WRITTEN
    assert all(after[name] == before[name] for name in before)
    assert "curl --json '{\"steps\": 20}' http://127.0.0.1:8000/jobs/clip\n" in done.stdout
    assert "uv run pytest tests/jobs/test_clip*.py\n" in done.stdout
    assert "job_name" not in "".join(after[name].decode() for name in WRITTEN)
    commit(project)
    found = json.loads(cli("status", "--check", "--json", cwd=project).stdout)
    assert (found["edited"], found["extra"], found["faults"]) == ([], [], [])


def test_in_json_it_is_one_document(project: Path, cli: Cli) -> None:
    done = cli("add", "clip", "--recipe", "blank", "--json", cwd=project)
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)
    assert set(result["files"]) == WRITTEN
    assert (result["name"], result["recipe"], result["route"]) == ("clip", "blank", "/jobs/clip")
    assert result["dry_run"] is False


@pytest.mark.parametrize("options", [("--dry-run",), ("--dry-run", "--json"), ("--diff",)])
def test_looking_writes_nothing(project: Path, cli: Cli, options: tuple[str, ...]) -> None:
    done = cli("add", "clip", *options, cwd=project)
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in WRITTEN)
    assert git(project, "status", "--porcelain", "--ignored") == ""


def test_the_diff_is_what_git_applies(project: Path, cli: Cli, tmp_path: Path) -> None:
    patch = tmp_path / "patch"
    patch.write_text(cli("add", "clip", "--diff", cwd=project).stdout)
    git(project, "apply", str(patch))
    applied = contents(project)
    git(project, "clean", "--force", "-d", "--quiet")
    assert cli("add", "clip", cwd=project).returncode == 0
    assert contents(project) == applied


@pytest.mark.parametrize("strategy", ["background", "celery", "dramatiq"])
def test_a_queue_stands_in_the_kind_and_its_worker_is_named(
    project_of: Make, cli: Cli, strategy: str
) -> None:
    variant = strategy if strategy in variants() else f"{strategy}-redis"
    project = project_of(variant)
    done = cli("add", "clip", "--queue", "gpu", cwd=project)
    tree = ast.parse((project / "app" / "jobs" / "clip" / "kind.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    (queue,) = [word.value for call in calls for word in call.keywords if word.arg == "queue"]
    assert ast.literal_eval(queue) == "gpu"
    worker = {
        "celery": "celery --quiet -A app.offload.worker",
        "dramatiq": "dramatiq app.offload.worker:",
    }
    assert ("JOB_QUEUES=gpu uv run" in done.stdout) == (strategy in worker)
    assert worker.get(strategy, "runs the queue gpu too") in done.stdout


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("my app", 2, "is no name of a kind of job"),
        ("MyApp", 2, "such as my_app"),
        ("7up", 2, "such as up"),
        ("überwachung", 2, "such as uberwachung"),
        ("über", 2, "such as uber"),
        ("日本", 2, "such as job"),
        ("class", 2, "is a keyword of Python; take another, such as class_job"),
        ("match", 2, "is a keyword"),
        ("email", 2, "is a module of the standard library; take another, such as email_job"),
        ("filter", 2, "one of Python's own functions; take another, such as filter_job"),
        ("l", 2, "such as l_job"),
        ("a" * 41, 2, "has 41 characters, 40 are the most; take another, such as " + "a" * 40),
        ("report", 1, "there is app/jobs/report already; take another, such as report_job"),
        ("events", 1, "app/offload/http/routers.py has its route, /jobs/events"),
    ],
)
def test_a_name_that_cannot_be_is_one_line_with_one_that_can(
    project: Path, cli: Cli, name: str, code: int, words: str
) -> None:
    refused = cli("add", name, cwd=project)
    assert (refused.returncode, refused.stdout) == (code, "")
    (line,) = refused.stderr.splitlines()
    assert words in line
    assert git(project, "status", "--porcelain", "--ignored") == ""
    offered = line.rpartition("such as ")[2]
    assert cli("add", offered, cwd=project).returncode == 0


def test_what_the_recipe_itself_is_called_by_is_refused(project: Path, cli: Cli) -> None:
    refused = cli("add", "pdf", "--recipe", "report", cwd=project)
    assert refused.returncode == 1
    assert "the recipe report has something else of that name" in refused.stderr
    assert refused.stderr.endswith("such as pdf_job\n")


ROUTES = {
    "a path": '@app.get("/jobs/clip")\ndef clip() -> None: ...\n',
    "a path below": '@app.get("/jobs/clip/{number}")\ndef clip(number: int) -> None: ...\n',
    "a prefix": 'router = APIRouter(prefix="/jobs")\n@router.get("/clip")\ndef x() -> None: ...\n',
}


@pytest.mark.parametrize("code", ROUTES.values(), ids=ROUTES)
def test_a_route_of_ones_own_is_not_taken_over(project: Path, cli: Cli, code: str) -> None:
    append(project / "app" / "main.py", code)
    refused = cli("add", "clip", cwd=project)
    assert refused.returncode == 1
    assert "app/main.py has its route, /jobs/clip; take another, such as clip_job" in refused.stderr


def test_a_kind_of_another_folder_keeps_its_name_and_its_route(project: Path, cli: Cli) -> None:
    kind = project / "app" / "jobs" / "report" / "kind.py"
    kind.write_text(kind.read_text().replace('"report",', '"clip",'))
    assert "app/jobs/report/kind.py has that name" in cli("add", "clip", cwd=project).stderr
    kind.write_text(kind.read_text().replace('prefix="/reports"', 'prefix="/jobs/video"'))
    refused = cli("add", "video", cwd=project).stderr
    assert "app/jobs/report/kind.py has its route, /jobs/video" in refused


def test_a_test_that_is_there_is_not_written_over(project: Path, cli: Cli) -> None:
    (project / "tests" / "jobs" / "test_clip.py").write_text("# Mine.\n")
    refused = cli("add", "clip", cwd=project)
    assert refused.returncode == 1
    assert "there is tests/jobs/test_clip.py already" in refused.stderr
    assert not (project / "app" / "jobs" / "clip").exists()


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--recipe", "blnk"), 2, "unknown recipe 'blnk'; --recipe takes one of: blank"),
        (("--queue", "My Queue"), 2, "--queue 'My Queue' is no name of a queue"),
        (("--diff", "--json"), 2, "--diff goes with neither"),
    ],
)
def test_options_that_cannot_be_are_one_line(
    project: Path, cli: Cli, options: tuple[str, ...], code: int, words: str
) -> None:
    refused = cli("add", "clip", *options, cwd=project)
    assert refused.returncode == code
    (line,) = refused.stderr.splitlines()
    assert words in line


def test_outside_of_a_project_it_says_how_to_have_one(cli: Cli, tmp_path: Path) -> None:
    refused = cli("add", "clip")
    assert refused.returncode == 1
    (line,) = refused.stderr.splitlines()
    assert f"{tmp_path} is in no project that has the engine" in line
    assert "`fastoffload new`" in line
    assert "`fastoffload init`" in line


def test_a_release_without_recipes_is_to_be_updated_first(cli: Cli, tmp_path: Path) -> None:
    options = (*VARIANTS["background"], "--release", OLD_LAYOUT, "--no-install", "--no-git")
    assert cli("new", "old", *options).returncode == 0
    refused = cli("add", "clip", cwd=tmp_path / "old")
    assert refused.returncode == 1
    assert f"release {OLD_LAYOUT}, which this project has, knows no recipes" in refused.stderr
    assert "run `fastoffload update` first" in refused.stderr
    named = cli("new", "new", *options, "--recipe", "blank")
    assert named.returncode == 2
    assert f"release {OLD_LAYOUT} has no recipes yet" in named.stderr


@pytest.mark.parametrize(
    ("package", "folder", "module"),
    [
        ("src/shop", "src/shop", "shop."),
        ("backend/app", "backend/app", "backend.app."),
        ("", ".", ""),
    ],
)
def test_in_an_application_of_another_layout(
    project: Path, cli: Cli, package: str, folder: str, module: str
) -> None:
    append(project / ".copier-answers.yml", f"package: '{package}'\n")
    done = cli("add", "clip", cwd=project)
    assert done.returncode == 0, done.stderr
    work = (project / folder / "jobs" / "clip" / "work.py").read_text()
    test = (project / "tests" / "jobs" / "test_clip.py").read_text()
    assert f"\nfrom {module}offload import Run\n" in work
    assert f"\nfrom {module}jobs.clip.kind import (\n" in test
    assert f"\nfrom {module}offload.testing import run_directly\n" in test
    assert "app." not in f"{work}{test}".replace("backend.app.", "")


def test_the_recorded_text_is_the_recipes_own(project: Path, cli: Cli) -> None:
    assert cli("add", "clip", cwd=project).returncode == 0
    recipe = (CHECKOUT / "templates" / "recipes" / "blank" / "work.py").read_text()
    written = (project / "app" / "jobs" / "clip" / "work.py").read_text()
    assert written == recipe.replace("job_name", "clip").replace("JobName", "Clip")


def test_it_is_found_by_the_engine(project: Path, cli: Cli) -> None:
    """Formatted, linted, and of the name that is asked for."""
    assert cli("add", "clip", cwd=project).returncode == 0
    for command in (("check",), ("format", "--check")):
        ruff = [sys.executable, "-m", "ruff", *command, "--no-cache", "app/jobs", "tests/jobs"]
        checked = subprocess.run(ruff, cwd=project, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout
