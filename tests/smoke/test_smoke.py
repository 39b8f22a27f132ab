"""`fastoffload smoke`: what it asks, prints and leaves behind. Faults are in test_smoke_faults."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import psutil
import pytest
import yaml
from conftest import FASTOFFLOAD, LIMIT_SECONDS, VARIANTS, Cli, Rendered
from workshop import CHECKOUT

from fastoffload.smoke.options import SmokeOptions
from fastoffload.smoke.project.environments import Environments
from fastoffload.smoke.project.project import Place, Project
from fastoffload.smoke.project.services import Services
from fastoffload.smoke.project.slots import Slots
from fastoffload.smoke.run import projects_of
from fastoffload.smoke.stages.checking import STRATEGY_TESTS, of_strategy, summary
from fastoffload.templating.releases import templates_dir

WORKFLOW = CHECKOUT / ".github" / "workflows" / "ci.yml"
SMOKE_SECONDS = 10 * LIMIT_SECONDS

NEEDS_A_FULL_DEVICE = pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="this system has no /dev/full"
)

Smoke = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def smoke(tmp_path: Path) -> Smoke:
    """Smokes the background variant, with its temporary folder below the test's."""

    def run(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*FASTOFFLOAD, "smoke", "--variant", "background", *options],
            cwd=tmp_path,
            env=os.environ | {"TMPDIR": str(tmp_path)} | environment,
            capture_output=True,
            text=True,
            timeout=SMOKE_SECONDS,
            check=False,
        )

    return run


def living_in(folder: Path) -> list[psutil.Process]:
    """The processes that work below a folder, or have its name in their environment."""

    def is_there(process: psutil.Process) -> bool:
        try:
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                return False
            named = str(folder) in process.environ().get("FASTOFFLOAD_SMOKE", "")
            return named or Path(process.cwd()).is_relative_to(folder)
        except (psutil.Error, OSError):
            return False

    return [process for process in psutil.process_iter() if is_there(process)]


def folders(tmp_path: Path) -> list[Path]:
    """The folders of smokes."""
    return list(tmp_path.glob("smoke-*"))


def test_all_but_the_tests_in_json_and_junit(smoke: Smoke, tmp_path: Path) -> None:
    stages = [word for stage in ("lint", "job", "stop") for word in ("--stage", stage)]
    done = smoke("--json", "--junit", "junit.xml", *stages)
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout)
    [entry] = result["entries"]
    names = ["render", "install", "lint", "boot", "job", "stop"]
    assert [(cell["stage"], cell["status"]) for cell in entry["stages"]] == [
        (name, "passed") for name in names
    ]
    assert result["passed"]
    assert result["kept"] is None
    assert result["critical_path"][0].startswith("background-3.")
    cases = ElementTree.parse(tmp_path / "junit.xml").findall("testsuite/testcase")
    assert [case.get("name") for case in cases] == names
    assert len(done.stderr.splitlines()) == len(names)  # a plain line for each stage
    assert folders(tmp_path) == []
    assert living_in(tmp_path) == []


def test_the_last_line_of_pytest_is_found_among_bytes_that_are_no_text(tmp_path: Path) -> None:
    log = tmp_path / "tests.log"
    log.write_bytes(b"..\xff.\n=== 3 passed, 1 skipped in 0.10s ===\n")
    assert summary(log) == "3 passed, 1 skipped"


def projects_on_two_pythons(tmp_path: Path, variants: list[str]) -> list[Project]:
    """Those of a smoke."""
    options = SmokeOptions.of(
        strategies=[],
        variants=variants,
        stages=[],
        pythons="3.11,3.12",
        jobs=1,
        services=False,
        keep=False,
        templates=None,
        junit=None,
    )
    place = Place(tmp_path, tmp_path, Environments(tmp_path), None, Slots(1))
    return projects_of(options.with_recipes_of(templates_dir()), place)


def whole_ones(tmp_path: Path, variants: list[str]) -> list[str]:
    """Of these, those of which all tests are run."""
    projects = projects_on_two_pythons(tmp_path, variants)
    return [one.entry.name for one in projects if one.tested_whole]


def test_schemathesis_asks_without_a_key_and_with_one_where_the_sample_is(tmp_path: Path) -> None:
    projects = [one for one in projects_on_two_pythons(tmp_path, []) if one.keys]
    with_key = [one for one in projects if any(one.keys)]
    assert {key for one in projects for key in one.keys} > {""}
    assert [one.entry.python for one in with_key] == ["3.11", "3.12"]
    assert all("report" in one.entry.recipes for one in with_key)


def test_tests_that_know_no_strategy_run_once_on_each_python(tmp_path: Path) -> None:
    assert whole_ones(tmp_path, []) == ["background-3.11", "background-3.12"]
    two = whole_ones(tmp_path, ["dramatiq-redis", "celery-redis"])
    assert two == ["celery-redis-3.11", "celery-redis-3.12"]


@pytest.mark.parametrize("variant", ["background", "celery-redis"])
def test_whatever_starts_the_service_runs_in_every_variant(
    rendered: Rendered, variant: str
) -> None:
    project = rendered(variant)
    folders = of_strategy(project)
    assert folders == STRATEGY_TESTS[: 3 if variant == "celery-redis" else 2]
    starters = re.compile(r"\b(service: Service|ServiceMaker|Breakable)\b")
    for test in (project / "tests").rglob("test_*.py"):
        if starters.search(test.read_text()):
            assert test.relative_to(project).as_posix().startswith(folders), test


@NEEDS_A_FULL_DEVICE
def test_the_junit_file_is_written_even_if_stdout_is_full(tmp_path: Path) -> None:
    junit = tmp_path / "junit.xml"
    options = ("--variant", "background", "--stage", "render", "--junit", str(junit))
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*FASTOFFLOAD, "smoke", *options],
            stdout=full,
            stderr=subprocess.DEVNULL,
            timeout=SMOKE_SECONDS,
            check=False,
        )
    assert done.returncode == 1
    assert ElementTree.parse(junit).find("testsuite/testcase") is not None


@NEEDS_A_FULL_DEVICE
def test_a_junit_file_that_cannot_be_written_costs_no_result(smoke: Smoke) -> None:
    done = smoke("--stage", "render", "--junit", "/dev/full")
    assert done.returncode == 1
    assert "1 projects, stages: 1 passed" in done.stdout
    assert "Error: " in done.stderr.splitlines()[-1]


def test_a_failure_shows_its_end_and_how_to_repeat_it(smoke: Smoke, tmp_path: Path) -> None:
    templates = tmp_path / "fork"
    subprocess.run(["cp", "-r", CHECKOUT / "templates", templates], check=True)
    with (templates / "project" / "app" / "offload" / "errors.py").open("a") as file:
        file.write("".join(f"import missing_{number}\n" for number in range(100)))
    done = smoke("--stage", "lint", "--templates", str(templates), "--junit", "junit.xml")
    assert done.returncode == 1
    report, _, repeat = done.stdout.partition("--- kept in ")
    assert len(report.splitlines()) == 1 + 40
    folder, _, command = repeat.splitlines()[0].partition("; again: ")
    assert (Path(folder) / "app" / "offload" / "errors.py").is_file()
    again = subprocess.run(
        [sys.executable, "-m", *command.split()],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        check=False,
    )
    assert again.returncode == 1
    failure = ElementTree.parse(tmp_path / "junit.xml").find("testsuite/testcase/failure")
    assert failure is not None
    assert "missing_99" in str(failure.text)


def test_on_a_terminal_there_is_a_table() -> None:
    ours, theirs = pty.openpty()
    command = [*FASTOFFLOAD, "smoke", "--variant", "background", "--stage", "render"]
    done = subprocess.run(command, stderr=theirs, stdout=subprocess.DEVNULL, check=False)
    shown = os.read(ours, 65536).decode()
    assert done.returncode == 0
    assert re.search(r"Variant.*Python.*render", shown)
    assert re.search(r"background.*\d\.\d", shown)


def test_templates_from_a_repository(smoke: Smoke, tmp_path: Path) -> None:
    fork = tmp_path / "fork"
    subprocess.run(["cp", "-r", CHECKOUT / "templates", fork], check=True)
    (fork / "project" / "of-the-fork.txt").touch()
    identity = ("-c", "user.name=x", "-c", "user.email=x")
    for command in (("init", "-q"), ("add", "."), ("commit", "-qm", "x")):
        subprocess.run(["git", *identity, *command], cwd=fork, check=True)
    done = smoke("--stage", "render", "--keep", "--json", "--templates", f"file://{fork}")
    [entry] = json.loads(done.stdout)["entries"]
    assert (Path(entry["folder"]) / "of-the-fork.txt").exists()


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--variant", "flask"), 2, "unknown variant 'flask'"),
        (("--strategy", "celery"), 2, "no variant is of that strategy"),
        (("--stage", "test"), 2, "unknown stage 'test'"),
        (("--python", "3"), 2, "versions such as 3.12"),
        (("--python", "3.99"), 1, "there is no Python 3.99"),
        (("--jobs", "0"), 2, "--jobs 0 runs nothing"),
        (("--junit", "no/such/junit.xml"), 1, "junit.xml cannot be written"),
        (("--templates", "nowhere"), 1, "--templates nowhere is no folder"),
        (("--templates", "."), 1, "has no copier.yml"),
    ],
)
def test_what_cannot_work_is_one_line(
    smoke: Smoke, options: tuple[str, ...], code: int, words: str
) -> None:
    done = smoke(*options, "--stage", "render")
    assert done.returncode == code, done.stdout + done.stderr
    [line] = done.stderr.splitlines()
    assert words in line


@pytest.mark.parametrize(
    ("urls", "code", "words"),
    [
        ({"DATABASE_URL": ""}, 2, "--services needs DATABASE_URL"),
        *(
            ({"DATABASE_URL": url}, 2, "DATABASE_URL is no URL of a PostgreSQL; give postgresql://")
            for url in ("nonsense", "postgresql://me:secret@[", "mysql://me:secret@host/x")
        ),
        (
            {"DATABASE_URL": "postgresql+psycopg://me:secret@127.0.0.1:1/x"},
            1,
            "DATABASE_URL: postgresql+psycopg://127.0.0.1 does not answer",
        ),
    ],
)
def test_servers_are_asked_before_anything_starts(
    smoke: Smoke, tmp_path: Path, urls: dict[str, str], code: int, words: str
) -> None:
    done = smoke("--services", **urls)
    assert done.returncode == code
    [line] = done.stderr.splitlines()
    assert words in line
    assert "secret" not in line
    assert folders(tmp_path) == []


@pytest.mark.parametrize(
    ("variant", "name", "url"),
    [("celery-redis", "REDIS_URL", "redis"), ("dramatiq-rabbitmq", "RABBITMQ_URL", "amqp")],
)
def test_the_broker_is_asked_first(cli: Cli, variant: str, name: str, url: str) -> None:
    given = {"DATABASE_URL": "postgresql://127.0.0.1:1/x", name: f"{url}://127.0.0.1:1/"}
    done = cli("smoke", "--services", "--variant", variant, env=given)
    assert done.returncode == 1
    assert f"{name}: {url}://127.0.0.1 does not answer" in done.stderr


def test_what_a_dead_server_keeps_is_named_and_costs_nothing_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    database, redis, rabbitmq = (
        f"{scheme}://me:secret@127.0.0.1:1/" for scheme in ("postgresql", "redis", "amqp")
    )
    queues = [(redis, "smoke_2"), (rabbitmq, "smoke_3")]
    Services({"DATABASE_URL": database}, ["smoke_0", "smoke_1"], queues).put_away()
    lines = capsys.readouterr().err.splitlines()
    schemes = ["postgresql", "postgresql", "redis", "amqp"]
    for number, (scheme, line) in enumerate(zip(schemes, lines, strict=True)):
        assert f"Warning: smoke_{number} is left on {scheme}://127.0.0.1 (" in line
        assert "secret" not in line


def test_a_url_of_another_broker_is_refused(cli: Cli) -> None:
    given = {"DATABASE_URL": "postgresql://127.0.0.1:1/x", "REDIS_URL": "amqp://127.0.0.1:1/"}
    done = cli("smoke", "--services", "--variant", "celery-redis", env=given)
    assert done.returncode == 2
    assert "REDIS_URL is no URL of a Redis; give redis://" in done.stderr


@pytest.mark.parametrize("command", ["smoke", "bench"])
def test_without_the_extra_one_line_names_it(cli: Cli, tmp_path: Path, command: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as u\n"
        "find = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'psutil' else find(name, *rest)\n"
    )
    done = cli(command, env={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 1
    checkout = Path(__file__).parents[2]
    remedy = f"`uv tool install --force --editable '{checkout}[{command}]'`"
    assert f"{command} needs psutil; install fastoffload with all" in done.stderr
    assert remedy in done.stderr


def test_without_a_rabbitmq_its_variants_tests_are_not_called_passed(tmp_path: Path) -> None:
    done = subprocess.run(
        [*FASTOFFLOAD, "smoke", "--variant", "dramatiq-rabbitmq", "--stage", "tests"],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Not run: dramatiq-rabbitmq-" in done.stdout
    assert "tests: no RabbitMQ" in done.stdout


INTERRUPTED_IN = {
    # The stage, by the line that says that the one before is over, and options.
    "install": ("render", ()),
    "types": ("install", ("--stage", "types")),
    "tests": ("install", ("--stage", "tests")),
    "boot": ("install", ("--stage", "boot")),
}


@pytest.fixture
def templates(tmp_path: Path) -> Iterator[Path]:
    """Templates whose service never gets ready and whose tests never end."""
    fork = tmp_path / "fork"
    subprocess.run(["cp", "-r", CHECKOUT / "templates", fork], check=True)
    with (fork / "project" / "app" / "database.py").open("a") as file:
        file.write("\n\nimport time\n\ntime.sleep(600)\n")
    return fork


# Each stage with each variant and with each signal, which are no matter of one another.
HOWS = {
    "background": (signal.SIGTERM, signal.SIGINT),
    "celery-redis": (signal.SIGINT, signal.SIGTERM),
}


@pytest.mark.parametrize(
    ("stage", "variant", "how"),
    [
        (stage, variant, hows[number % 2])
        for number, stage in enumerate(INTERRUPTED_IN)
        for variant, hows in HOWS.items()
    ],
)
def test_interrupted_it_leaves_nothing(
    templates: Path,
    tmp_path: Path,
    wait_until: Callable[[Callable[[], bool]], None],
    stage: str,
    variant: str,
    how: signal.Signals,
) -> None:
    before, options = INTERRUPTED_IN[stage]
    lines = tmp_path / "stderr"
    with (
        lines.open("w") as stderr,
        subprocess.Popen(
            [*FASTOFFLOAD, "smoke", "--variant", variant, *options, "--templates", str(templates)],
            env=os.environ | {"TMPDIR": str(tmp_path)},
            stderr=stderr,
        ) as running,
    ):
        wait_until(lambda: re.search(rf" {before} +passed", lines.read_text()) is not None)
        wait_until(lambda: bool(living_in(folders(tmp_path)[0])))
        running.send_signal(how)
        assert running.wait(LIMIT_SECONDS) == 130
    assert "interrupted; nothing was kept" in lines.read_text()
    assert folders(tmp_path) == []
    assert living_in(tmp_path) == []


def test_the_matrix_is_every_variant_on_every_python(cli: Cli) -> None:
    listed = json.loads(cli("smoke", "--list", "--json", "--python", "3.11,3.13").stdout)
    found = [(entry["variant"], entry["python"]) for entry in listed["include"]]
    assert sorted(found) == sorted(
        (name, python) for name in VARIANTS for python in ("3.11", "3.13")
    )


@pytest.fixture
def jobs() -> dict[str, Any]:
    """The jobs of this repository's workflow."""
    return dict(yaml.safe_load(WORKFLOW.read_text())["jobs"])


def test_the_workflow_keeps_to_the_specification() -> None:
    command = ("check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(WORKFLOW))
    checked = subprocess.run([sys.executable, "-m", *command], capture_output=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_the_workflow_takes_its_matrix_from_the_tool(jobs: dict[str, Any]) -> None:
    listing = jobs["matrix"]["steps"][-1]
    assert "fastoffload smoke --list --json" in listing["run"]
    for job in ("smoke", "services"):
        assert jobs[job]["needs"] == "matrix"
        assert jobs[job]["strategy"]["matrix"] == "${{ fromJSON(needs.matrix.outputs.entries) }}"


def test_ci_calls_it_for_everything() -> None:
    lines = (CHECKOUT / ".ci" / "run").read_text().splitlines()
    assert any(line.startswith("step uv run fastoffload smoke ") for line in lines)
    assert any(line.startswith("step uv run python tests/mutations.py ") for line in lines)
