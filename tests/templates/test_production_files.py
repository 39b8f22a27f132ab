"""Dockerfile, compose.yaml and the CI workflow: read, not run: no Docker engine is at hand here.

What each says of the other files, and of the service, must be so.
"""

import ast
import json
import os
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from conftest import VARIANTS, Rendered

# The names in an environment that somebody else than the service reads.
READ_BY = {"PGPASSWORD": "psycopg", "REMAP_SIGTERM": "celery"}
OF_PROCESSES = ("JOB_TASKS_PER_CHILD", "JOB_MEMORY_MB")  # no example where jobs run on threads
DRAMATIQS = "dramatiq_"  # the prefix of the names that Dramatiq reads
BROKERS = {"redis": ("valkey/valkey", "redis"), "rabbitmq": ("rabbitmq", "amqp")}
# What the README names of libraries and servers; it does not occur in the project.
OF_OTHERS = {
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "OTEL_SERVICE_NAME",
    "client_body_timeout",
    "client_header_timeout",
    "client_max_body_size",
    "consumer_timeout",
    "dramatiq_queue_prefetch",
    "heartbeat_timeout",
    "limit_conn",
    "limit_req",
    "multiple_of",
    "time_limit",
    "visibility_timeout",
}
PORTS = {"postgresql+psycopg": 5432, "redis": 6379, "amqp": 5672}
RUN_LOCKED = ["uv", "run", "--locked"]

Compose = dict[str, Any]
Jobs = dict[str, dict[str, Any]]


@pytest.fixture(scope="module", params=VARIANTS)
def project(request: pytest.FixtureRequest, rendered: Rendered) -> Path:
    """A rendered project that is not installed."""
    return rendered(request.param)


@pytest.fixture
def compose(project: Path) -> Compose:
    return dict(yaml.safe_load((project / "compose.yaml").read_text()))


@pytest.fixture
def services(compose: Compose) -> dict[str, Compose]:
    return dict(compose["services"])


@pytest.fixture
def ours(services: dict[str, Compose]) -> dict[str, Compose]:
    """The services that run our image."""
    return {name: service for name, service in services.items() if "build" in service}


@pytest.fixture
def worker(services: dict[str, Compose]) -> Compose:
    if "worker" not in services:
        pytest.skip("this strategy has no worker")
    return dict(services["worker"])


@pytest.fixture
def workflow(project: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((project / ".github/workflows/ci.yml").read_text()))


@pytest.fixture
def jobs(workflow: dict[str, Any]) -> Jobs:
    return dict(workflow["jobs"])


@pytest.fixture
def dockerfile(project: Path) -> list[list[str]]:
    """The Dockerfile's instructions, a list of words each."""
    text = re.sub(r"\\\n\s*", "", (project / "Dockerfile").read_text())
    return [line.split() for line in text.splitlines() if line and not line.startswith("#")]


def answers(project: Path) -> dict[str, str]:
    return dict(yaml.safe_load((project / ".copier-answers.yml").read_text()))


def has_worker(project: Path) -> bool:
    return "broker" in answers(project)


def the_cmd(dockerfile: list[list[str]]) -> list[str]:
    """The words of the one CMD, which must be in exec form: JSON."""
    [words] = [words[1:] for words in dockerfile if words[0] == "CMD"]
    return without_shell(json.loads(" ".join(words)))


def without_shell(command: list[str]) -> list[str]:
    """The words that a shell, where there is one for its variables, gives its place to."""
    if command[:2] != ["sh", "-c"]:
        return command
    exec_, *words = command[2].split()
    assert exec_ == "exec", command  # or the shell would get the signals
    return words


def seconds(period: str) -> int:
    number, unit = period[:-1], period[-1]
    return int(number) * {"s": 1, "m": 60}[unit]


def pyproject(project: Path) -> dict[str, Any]:
    return tomllib.loads((project / "pyproject.toml").read_text())


def dependencies(project: Path) -> set[str]:
    """What the project installs without its development group."""
    entries = pyproject(project)["project"]["dependencies"]
    return {re.split(r"\W", entry)[0] for entry in entries}


def development_dependencies(project: Path) -> set[str]:
    return {re.split(r"\W", entry)[0] for entry in pyproject(project)["dependency-groups"]["dev"]}


def steps_of(jobs: Jobs) -> list[dict[str, Any]]:
    return [step for job in jobs.values() for step in job["steps"]]


def defaults(project: Path) -> dict[str, str]:
    """The settings and their defaults, as an .env file would have them."""
    procfile = (project / "Procfile").read_text()
    found = dict(re.findall(r"\$\{(\w+):-([\w.]+)\}", procfile))
    paths = [path for path in (project / "app").rglob("*.py") if "jobs" not in path.parts]
    for path in paths:  # a kind's own settings are in its folder, and go with it
        for node in fields_of_settings(ast.parse(path.read_text() if settings_in(path) else "")):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                default = default_of(node.value)
                written = str(default).lower() if isinstance(default, bool) else str(default)
                found[node.target.id.upper()] = "" if default is None else written
    return found


def fields_of_settings(module: ast.Module) -> Iterator[ast.stmt]:
    """What stands in the classes of settings."""
    for node in module.body:
        if isinstance(node, ast.ClassDef) and node.name.endswith("Settings"):
            yield from node.body


def settings_in(path: Path) -> bool:
    """Whether a module defines settings."""
    return re.search(r"\((Base|Engine)Settings\):", path.read_text()) is not None


def default_of(value: ast.expr | None) -> object:
    """A field's default, which is a constant or the keyword of a call."""
    if isinstance(value, ast.Call):
        given = {keyword.arg: keyword.value for keyword in value.keywords}
        return default_of(given.get("default"))
    return value.value if isinstance(value, ast.Constant) else None


def names_read(project: Path) -> set[str]:
    """The names of the environment that the service reads: its settings' and those it looks up."""
    found: set[str] = set()
    for path in (project / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found.add(node.target.id.upper())
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("compose-spec", "compose.yaml"),
        ("github-workflows", ".github/workflows/ci.yml"),
        ("github-workflows", ".github/workflows/templates.yml"),
    ],
)
def test_all_keep_to_the_specification(rendered: Rendered, schema: str, file: str) -> None:
    files = [str(rendered(variant) / file) for variant in VARIANTS]
    command = ("check_jsonschema", "--builtin-schema", f"vendor.{schema}", *files)
    checked = subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_there_are_exactly_these_services(services: dict[str, Compose], project: Path) -> None:
    expected = {"api", "migrate", "database"}
    assert set(services) == expected | ({"broker", "worker"} if has_worker(project) else set())


def test_the_broker_is_the_one_that_was_chosen(
    services: dict[str, Compose], worker: Compose, project: Path
) -> None:
    image, scheme = BROKERS[answers(project)["broker"]]
    assert services["broker"]["image"].startswith(f"{image}:")
    for service in (services["api"], worker):
        assert service["environment"]["BROKER_URL"].startswith(f"{scheme}://")


def test_what_is_waited_for_exists_and_can_come_true(services: dict[str, Compose]) -> None:
    for service in services.values():
        for name, wait in service.get("depends_on", {}).items():
            assert wait["condition"] != "service_healthy" or "healthcheck" in services[name]
    assert services["migrate"]["restart"] == "no"


def test_volumes_are_those_in_use(compose: Compose) -> None:
    mounts = [mount for s in compose["services"].values() for mount in s.get("volumes", ())]
    assert {mount.partition(":")[0] for mount in mounts} == set(compose["volumes"])


def test_images_are_pinned_by_version_and_digest(
    services: dict[str, Compose], dockerfile: list[list[str]]
) -> None:
    images = [service["image"] for service in services.values() if "image" in service]
    images += [words[1] for words in dockerfile if words[0] == "FROM"]
    copied_from = (
        word.partition("=")[2] for words in dockerfile for word in words if "--from=" in word
    )
    images += [image for image in copied_from if "/" in image]  # the others are stages
    assert len(images) >= 4
    for image in images:
        assert re.search(r":\d[^@]*@sha256:[0-9a-f]{64}$", image), image


def test_what_the_dockerfile_copies_is_there_and_not_ignored(
    project: Path, dockerfile: list[list[str]]
) -> None:
    copies = [words[1:-1] for words in dockerfile if words[0] == "COPY"]
    sources = {source for words in copies if "--from" not in words[0] for source in words}
    bound = set(re.findall(r"source=([\w.]+)", (project / "Dockerfile").read_text()))
    kept = {
        line.removeprefix("!")
        for line in (project / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    assert sources | bound == kept
    for source in kept - {"uv.lock"}:  # `uv sync` makes it
        assert (project / source).exists(), source


def test_the_image_runs_as_nobody_in_particular(dockerfile: list[list[str]]) -> None:
    assert ["USER", "10001:10001"] in dockerfile


def test_commands_are_in_exec_form_and_installed(
    ours: dict[str, Compose], dockerfile: list[list[str]], project: Path
) -> None:
    commands = [service["command"] for service in ours.values() if "command" in service]
    for command in [the_cmd(dockerfile), *map(without_shell, commands)]:
        assert command[0] in dependencies(project)
        assert all(isinstance(word, str) for word in command)


def test_stopping_is_given_the_time_it_takes(
    ours: dict[str, Compose], dockerfile: list[list[str]], project: Path
) -> None:
    command = the_cmd(dockerfile)
    requests = int(command[command.index("--timeout-graceful-shutdown") + 1])
    for service in ours.values():
        grace = service["environment"]["SHUTDOWN_GRACE_SECONDS"]
        if answers(project)["strategy"] == "background":
            assert requests == grace  # reports belong to requests
            assert seconds(service["stop_grace_period"]) >= grace + 10
        else:
            assert seconds(service["stop_grace_period"]) >= requests + grace + 10


def test_the_image_keeps_to_the_limits_of_the_procfile(
    dockerfile: list[list[str]], project: Path
) -> None:
    procfile = (project / "Procfile").read_text()
    limits = re.search(r"--http h11 .* --limit-concurrency \d+", procfile)
    assert limits
    assert limits.group() in " ".join(the_cmd(dockerfile))


def test_every_name_in_an_environment_is_read(ours: dict[str, Compose], project: Path) -> None:
    known = names_read(project)
    for service in ours.values():
        for name in service["environment"]:
            reader = "dramatiq" if name.startswith(DRAMATIQS) else READ_BY.get(name)
            if reader:
                assert reader in dependencies(project), name
            else:
                assert name in known, name


def test_secrets_must_be_given(project: Path) -> None:
    text = (project / "compose.yaml").read_text()
    asked = dict(re.findall(r"\$\{(\w+)(:?.)", text))
    for name in ("API_KEY", "POSTGRES_PASSWORD"):
        assert asked.pop(name) == ":?"
    assert set(asked) <= {"WEB_PORT", "JOB_WORKERS"}
    assert set(asked.values()) == {":-"}


def test_nothing_is_open_to_the_network(services: dict[str, Compose]) -> None:
    ports = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert list(ports) == ["api"]
    assert all(port.startswith("127.0.0.1:") for port in ports["api"])


def test_our_containers_can_do_little(ours: dict[str, Compose]) -> None:
    for service in ours.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["environment"]["MIGRATE_ON_START"] == "false"


def test_dramatiq_has_as_many_threads_as_job_workers(worker: Compose) -> None:
    command = worker["command"]
    if command[0] == "dramatiq":
        threads = command[command.index("--threads") + 1]
        assert threads == worker["environment"]["JOB_WORKERS"]


def test_the_worker_is_well_while_it_touches_its_file(worker: Compose, tmp_path: Path) -> None:
    [_, check] = worker["healthcheck"]["test"]
    file = worker["environment"]["WORKER_ALIVE_FILE"]
    assert file in check
    assert worker["tmpfs"] == [str(Path(file).parent)]

    mine = tmp_path / "alive"
    command = check.replace(file, str(mine)).replace("$$", "$")

    def is_well() -> bool:
        return subprocess.run(["sh", "-c", command], check=False).returncode == 0

    assert not is_well()
    mine.touch()
    assert is_well()
    a_minute_ago = time.time() - 61
    os.utime(mine, (a_minute_ago, a_minute_ago))
    assert not is_well()


def test_ci_looks_at_every_push_and_pull_request_and_may_only_read(
    workflow: dict[str, Any], jobs: Jobs
) -> None:
    assert workflow[True] == {"push": None, "pull_request": None}  # `on` is a boolean of YAML 1.1
    assert workflow["permissions"] == {"contents": "read"}
    assert all(job["timeout-minutes"] <= 30 for job in jobs.values())


def test_ci_runs_what_the_project_has_its_settings_for(jobs: Jobs, project: Path) -> None:
    commands = [step["run"].split() for step in steps_of(jobs) if "run" in step]
    ours = [words for words in commands if words[0] == "uv"]
    assert all(words[:3] == RUN_LOCKED for words in ours)
    assert {words[3] for words in ours} == {"mypy", "pytest", "ruff"}
    assert {words[3] for words in ours} <= development_dependencies(project)
    assert [words for words in commands if words[0] != "uv"] == [["docker", "build", "."]]


def test_ci_pins_actions_and_sets_uv_up_before_it_is_used(jobs: Jobs) -> None:
    for job in jobs.values():
        actions = [step["uses"].partition("@") for step in job["steps"] if "uses" in step]
        # A commit: what a tag names, its owner can change.
        assert all(re.fullmatch(r"[0-9a-f]{40}", version) for _, _, version in actions)
        names = [name for name, _, _ in actions]
        uses_uv = any(step.get("run", "").startswith("uv ") for step in job["steps"])
        assert names == ["actions/checkout"] + ["astral-sh/setup-uv"] * uses_uv


def test_ci_tests_every_python_that_is_promised(
    jobs: Jobs, project: Path, dockerfile: list[list[str]]
) -> None:
    pythons = jobs["test"]["strategy"]["matrix"]["python"]
    assert f">={pythons[0]}" == pyproject(project)["project"]["requires-python"]
    assert pythons == ["3.11", "3.12", "3.13"]
    [image] = {words[1] for words in dockerfile if words[0] == "FROM"}
    assert image.startswith(f"python:{pythons[-1]}-slim-trixie@")
    [set_up] = [step for step in jobs["test"]["steps"] if "setup-uv" in step.get("uses", "")]
    assert set_up["with"]["python-version"] == "${{ matrix.python }}"


def test_ci_tests_on_the_servers_of_compose(jobs: Jobs, services: dict[str, Compose]) -> None:
    servers, urls = jobs["services"]["services"], jobs["services"]["env"]
    in_compose = {
        name: service["image"] for name, service in services.items() if "image" in service
    }
    assert {name: server["image"] for name, server in servers.items()} == in_compose
    assert set(urls) == {"DATABASE_URL"} | ({"BROKER_URL"} if "broker" in servers else set())
    for name, server in servers.items():
        url = urlsplit(urls[f"{name.upper()}_URL"])
        assert (url.hostname, url.port) == ("127.0.0.1", PORTS[url.scheme])
        assert server["ports"] == [f"{url.port}:{url.port}"]
        assert "--health-cmd" in server["options"]


def test_the_example_of_an_env_file_has_all_settings_and_their_defaults(project: Path) -> None:
    known = defaults(project)
    example = (project / ".env.example").read_text()
    listed = dict(re.findall(r"^(\w+)=(.*)$", example, flags=re.MULTILINE))
    assert {name: known[name] for name in listed} == listed
    processes = {name for name in OF_PROCESSES if name not in listed}
    assert len(processes) in (0, len(OF_PROCESSES))
    assert known.keys() - listed.keys() <= {"WORKER_ALIVE_FILE"} | processes


def test_what_readme_and_docs_name_exists(project: Path) -> None:
    pages = (project / "README.md", *(project / "docs").glob("*.md"))
    named = {name for page in pages for name in re.findall(r"`(\w+_\w+)`", page.read_text())}
    assert {"SHUTDOWN_GRACE_SECONDS", "worker_lost"} <= named
    folders = [project / "app", project / "compose.yaml", project / "Procfile"]
    paths = [path for top in folders for path in (top, *top.rglob("*")) if path.is_file()]
    texts = [path.read_text() for path in paths if path.suffix not in (".ttf", ".txt")]
    found = {name for name in named for text in texts if name in text or name.lower() in text}
    assert named - found <= OF_OTHERS
