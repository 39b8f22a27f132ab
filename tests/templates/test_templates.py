"""The template's files, and what they render to."""

import re
from pathlib import Path

import jinja2
import pytest
import yaml
from conftest import VARIANTS, Cli
from copier import run_copy
from workshop import CHECKOUT

TEMPLATES = CHECKOUT / "templates"

SHARED = [
    ".copier-answers.yml",
    ".dockerignore",
    ".env.example",
    ".github/workflows/ci.yml",
    ".github/workflows/templates.yml",
    ".gitignore",
    "Dockerfile",
    "Procfile",
    "README.md",
    "compose.yaml",
    "pyproject.toml",
    "app/__init__.py",
    "app/api/__init__.py",
    "app/api/body_limit.py",
    "app/api/datasets.py",
    "app/api/dependencies.py",
    "app/api/events.py",
    "app/api/health.py",
    "app/api/loop.py",
    "app/api/metrics.py",
    "app/api/observed.py",
    "app/api/own_host.py",
    "app/api/page.py",
    "app/api/problems.py",
    "app/api/reports.py",
    "app/api/sockets.py",
    "app/callback_sender.py",
    "app/callbacks.py",
    "app/compute.py",
    "app/database.py",
    "app/errors.py",
    "app/fonts/DejaVuSans.ttf",
    "app/fonts/LICENSE-DejaVu.txt",
    "app/heartbeat.py",
    "app/janitor.py",
    "app/jobs.py",
    "app/logs.py",
    "app/loop_watch.py",
    "app/main.py",
    "app/metrics.py",
    "app/metrics_folder.py",
    "app/migrate.py",
    "app/models.py",
    "app/offload.py",
    "app/offloader.py",
    "app/origin.py",
    "app/outbound.py",
    "app/pdf.py",
    "app/pipeline.py",
    "app/readings.py",
    "app/scales.py",
    "app/schemas.py",
    "app/settings.py",
    "app/shutdown.py",
    "app/storage.py",
    "app/tallies.py",
    "app/tracing.py",
    "app/watch.py",
    "app/web/api.js",
    "app/web/card.js",
    "app/web/dom.js",
    "app/web/format.js",
    "app/web/icon.svg",
    "app/web/index.html",
    "app/web/key.js",
    "app/web/list.js",
    "app/web/nile.csv",
    "app/web/page.js",
    "app/web/result.js",
    "app/web/stalls.js",
    "app/web/style.css",
    "migrations/env.py",
    "migrations/script.py.mako",
    "migrations/versions/0001_datasets_and_reports.py",
    "samples/README.md",
    "samples/nile.csv",
    "tests/conftest.py",
    "tests/contract/test_callbacks.py",
    "tests/contract/test_datasets.py",
    "tests/contract/test_events.py",
    "tests/contract/test_faults.py",
    "tests/contract/test_hosts.py",
    "tests/contract/test_loop_watch.py",
    "tests/contract/test_metrics.py",
    "tests/contract/test_openapi.py",
    "tests/contract/test_page.py",
    "tests/contract/test_reports.py",
    "tests/contract/test_start.py",
    "tests/faults/fault.py",
    "tests/faults/planted.py",
    "tests/faults/sitecustomize.py",
    "tests/receiver.py",
    "tests/service.py",
    "tests/unit/conftest.py",
    "tests/unit/rows.py",
    "tests/unit/test_away.py",
    "tests/unit/test_callback_sender.py",
    "tests/unit/test_callback_tries.py",
    "tests/unit/test_claims.py",
    "tests/unit/test_compute.py",
    "tests/unit/test_database.py",
    "tests/unit/test_imports.py",
    "tests/unit/test_janitor.py",
    "tests/unit/test_jobs.py",
    "tests/unit/test_loop_stalls.py",
    "tests/unit/test_metrics_folder.py",
    "tests/unit/test_migrations.py",
    "tests/unit/test_outbound.py",
    "tests/unit/test_pdf.py",
    "tests/unit/test_pipeline.py",
    "tests/unit/test_readings.py",
    "tests/unit/test_settings.py",
    "tests/unit/test_storage.py",
    "tests/unit/test_uploads.py",
    "tests/unit/test_watch.py",
]
IN_PROCESS = ["app/in_process.py"]
PROCESSES = ["app/children.py", "tests/contract/test_children.py"]
THREADS = ["app/threads.py", "tests/contract/test_threads.py"]
POOL = ["app/pool.py", "tests/contract/test_pool.py"]
QUEUE = [
    "app/broker.py",
    "app/dev/__init__.py",
    "app/dev/broker.py",
    "app/dev/run.py",
    "app/doorbell.py",
    "app/worker.py",
    "tests/broker.py",
    "tests/contract/conftest.py",
    "tests/contract/test_queue.py",
    "tests/unit/test_worker.py",
]
OF_A_VARIANT = {
    "background": IN_PROCESS + THREADS,
    "executor-process": IN_PROCESS + PROCESSES + POOL,
    "executor-thread": IN_PROCESS + THREADS,
    "celery-redis": PROCESSES + QUEUE,
    "celery-rabbitmq": PROCESSES + QUEUE,
    "dramatiq-redis": PROCESSES + POOL + QUEUE,
    "dramatiq-rabbitmq": PROCESSES + POOL + QUEUE,
}
# What may differ between two brokers: what is set up, not what is run.
OF_A_BROKER = {
    ".copier-answers.yml",
    ".env.example",
    ".github/workflows/ci.yml",
    "README.md",
    "compose.yaml",
}


@pytest.fixture(params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def project(variant: str, tmp_path: Path, cli: Cli) -> Path:
    """A rendered project that is not installed."""
    made = cli("new", "demo", *VARIANTS[variant], "--no-install", "--no-git")
    assert made.returncode == 0, made.stderr
    return tmp_path / "demo"


def files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_exactly_these_files(project: Path, variant: str) -> None:
    assert sorted(files(project)) == sorted(SHARED + OF_A_VARIANT[variant])


def test_a_second_rendering_is_the_same_to_the_byte(
    project: Path, variant: str, tmp_path: Path, cli: Cli
) -> None:
    again = tmp_path / "again" / "demo"
    cli("new", str(again), *VARIANTS[variant], "--no-install", "--no-git")
    assert files(again) == files(project)


def test_no_tag_is_left_and_every_text_ends_with_one_newline(project: Path) -> None:
    for name, content in files(project).items():
        if name.endswith((".ttf", "__init__.py")):
            continue
        text = content.decode()
        if name.startswith(".github/"):
            text = text.replace("${{", "")  # an expression of GitHub's
        assert not re.search(r"\{[{%#]", text), name
        assert re.search(r"[^\n]\n$", text), name


def test_nothing_of_this_machine_is_rendered(project: Path, tmp_path: Path) -> None:
    for name, content in files(project).items():
        assert str(tmp_path).encode() not in content, name
        assert str(TEMPLATES.parent).encode() not in content, name


def test_the_answers_name_the_template_and_the_choices(project: Path, variant: str) -> None:
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text())
    assert answers["_src_path"] == "git+fastoffload::templates"
    option = answers.get("pool") or answers.get("broker")
    assert "-".join(filter(None, (answers["strategy"], option))) == variant


def test_python_in_the_template_is_plain_python() -> None:
    for path in TEMPLATES.rglob("*.py"):
        assert not re.search(r"\{[{%#]", path.read_text()), path


def test_every_strategy_folder_has_the_same_files() -> None:
    for kind in ("strategies", "brokers"):
        folders = (TEMPLATES / kind).iterdir()
        first, *others = ({path.name for path in folder.iterdir()} for folder in folders)
        assert all(names == first for names in others)


@pytest.mark.parametrize("strategy", ["celery", "dramatiq"])
def test_the_broker_changes_no_code(strategy: str, tmp_path: Path, cli: Cli) -> None:
    made = []
    for broker in ("redis", "rabbitmq"):
        folder = tmp_path / broker / "demo"
        cli("new", str(folder), *VARIANTS[f"{strategy}-{broker}"], "--no-install", "--no-git")
        made.append(files(folder))
    redis, rabbitmq = made
    assert redis.keys() == rabbitmq.keys()
    assert {name for name in redis if redis[name] != rabbitmq[name]} <= OF_A_BROKER


def test_a_misspelt_variable_is_an_error(tmp_path: Path) -> None:
    answers = TEMPLATES / "copier.yml"
    (tmp_path / "project").mkdir()
    (tmp_path / "copier.yml").write_text(answers.read_text())
    (tmp_path / "project" / "a.txt.jinja").write_text("{{ projectname }}")
    with pytest.raises(jinja2.UndefinedError, match="projectname"):
        run_copy(
            str(tmp_path),
            tmp_path / "out",
            data={"project_name": "x", "strategy": "background"},
            defaults=True,
            quiet=True,
        )
