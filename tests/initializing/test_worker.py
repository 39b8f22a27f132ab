"""A queue's worker in the files that start an application: added, left alone, taken out."""

from pathlib import Path

import pytest
import yaml
from conftest import Cli
from workshop import append, commit, contents, replace_in

from fastoffload.file_changes import Change
from fastoffload.initializing.found import Application, Found
from fastoffload.initializing.starting import compose, procfile
from fastoffload.recipes.place import Place
from initializing.conftest import LayOut
from initializing.shapes import SHAPES

COMMAND = "celery --quiet -A shop.offload.worker worker"
COMPOSE = """\
# Theirs.
services:
  api:
    build: .
    command: uv run uvicorn shop.main:app --host 0.0.0.0  # the API
    ports: ["8000:8000"]
    environment:
      # Where it all is.
      DATABASE_URL: postgresql://db/shop

      GREETING: |
        # no comment
        hello
    depends_on: [db]

  # What keeps it.
  db:
    image: postgres:18

# Where it is kept.
volumes:
  data:
"""
WORKER = """\

  worker:
    build: .
    environment:
      # Where it all is.
      DATABASE_URL: postgresql://db/shop

      GREETING: |
        # no comment
        hello
    depends_on: [db]
    command: uv run celery --quiet -A shop.offload.worker worker
"""


@pytest.fixture
def found(tmp_path: Path) -> Found:
    """An application `shop.main:app`, without files."""
    app = Application(tmp_path / "shop/main.py", "app", is_factory=False)
    place = Place(tmp_path, "shop", "shop", "shop")
    return Found(place, app, None, None, (), has_sqlite=False, broker=None)


def test_a_service_is_added_and_nothing_else_is_touched(found: Found) -> None:
    made = compose.with_worker(COMPOSE.encode(), COMMAND, found)
    assert isinstance(made, Change)
    last = "    image: postgres:18\n"
    assert made.after == COMPOSE.replace(last, f"{last}{WORKER}").encode()
    assert compose.only_services_went(made.after, COMPOSE.encode())


@pytest.mark.parametrize(
    ("dockerfile", "is_added"),
    [
        ('CMD ["uvicorn", "shop.main:app", \\\n  "--port", "80"]\n', True),
        ("CMD fastapi run shop/main.py\n", True),
        ('ENTRYPOINT ["./start.sh"]\nCMD ["uvicorn", "shop.main:app"]\n', False),
        ("CMD ./migrate && uvicorn shop.main:app\n", False),
        ("CMD uvicorn other.main:app\n", False),
    ],
)
def test_the_image_says_how_it_is_started(found: Found, dockerfile: str, is_added: bool) -> None:
    (found.root / "Dockerfile").write_text(dockerfile)
    made = compose.with_worker(b"services:\n    web:\n        build: .", COMMAND, found)
    assert isinstance(made, Change) is is_added
    if isinstance(made, Change):
        assert yaml.safe_load(made.after or b"")["services"] == {
            "web": {"build": "."},
            "worker": {"build": ".", "command": COMMAND},
        }


BUILT = "services:\n  api:\n    build: .\n    command: uv run uvicorn shop.main:app\n"
API = "services:\n  api:\n    image: shop\n    command: uvicorn shop.main:app\n"
LEFT = {
    "no YAML": ("services: [\n", "not read as YAML"),
    "on one line": ("services: {api: {image: shop}}\n", "not as lines of their own"),
    "the API on one line": (
        "services:\n  api: {image: shop, command: uvicorn shop.main:app}\n",
        "not written as lines of its own",
    ),
    "another application": (API.replace("main", "admin"), "none of its services"),
    "by a shell": (API.replace("uvicorn", "cd shop && uvicorn"), "none of its services"),
    "from another folder": (API.replace("app\n", "app --app-dir src\n"), "none of its services"),
    "two": (f"{API}{API.replace('services:', '').replace('api', 'api2')}", "several"),
    "an entrypoint": (f"{API}    entrypoint: [./start]\n", "has `entrypoint`"),
    "replicas": (f"{API}    deploy: {{replicas: 2}}\n", "has `deploy`"),
    "an address": (f"{API}    networks: {{a: {{ipv4_address: 10.0.0.2}}}}\n", "an address"),
    "an anchor": (API.replace("image: shop", "image: &image shop"), "named by an anchor"),
    "ports from elsewhere": (
        f"x-app: &app\n  ports: ['80:80']\n{API.replace('image: shop', '<<: *app')}",
        "takes `ports` from elsewhere",
    ),
    "a text that ends like a comment": (
        f"{API}    environment:\n      TEXT: |\n        one\n        # two\n",
        "not written in a way that can be added to as text",
    ),
    "all names taken": (f"{API}  worker: {{}}\n  offload-worker: {{}}\n", "has such a service"),
}


@pytest.mark.parametrize("what", LEFT)
def test_what_is_not_understood_to_the_last_word_is_left(found: Found, what: str) -> None:
    text, reason = LEFT[what]
    left = compose.with_worker(text.encode(), COMMAND, found)
    assert isinstance(left, str)
    assert reason in left


@pytest.mark.parametrize(
    ("text", "added"),
    [
        ("web: uvicorn shop.main:app --port $PORT", f"worker: {COMMAND}"),
        ("web: exec uv run uvicorn shop.main:app\n", f"worker: exec uv run {COMMAND}"),
        ("web: A=b python -m uvicorn shop.main:app\n", f"worker: A=b python -m {COMMAND}"),
        ("web: fastapi run shop/main.py\nworker: rq\n", f"offload-worker: {COMMAND}"),
        ("web: cd src && uvicorn shop.main:app\n", None),
        ("web: gunicorn --chdir src shop.main:app\n", None),
        ("web: ./start\n", None),
    ],
)
def test_a_line_of_the_procfile(found: Found, text: str, added: str | None) -> None:
    made = procfile.with_worker(text.encode(), COMMAND, found)
    if added is None:
        assert made == "no line of it is seen to start the application"
        return
    assert isinstance(made, Change)
    assert made.after == f"{text.rstrip()}\n{added}\n".encode()


@pytest.fixture
def queued(cli: Cli, lay_out: LayOut) -> Path:
    """An application with both files, and the engine with a queue in it."""
    root = lay_out(SHAPES["a lifespan"])
    (root / "compose.yaml").write_text(f"{BUILT}volumes:\n  data:\n")
    (root / "Procfile").write_text("web: uvicorn shop.main:app\n")
    commit(root)
    before = contents(root)
    done = cli("init", "--strategy", "celery", "--yes", cwd=root)
    assert done.returncode == 0, done.stderr
    for line in (f"+worker: {COMMAND}", f"+    command: uv run {COMMAND}", "edit  compose.yaml"):
        assert line in done.stdout
    for name, source in before.items():
        (root / ".git" / "before" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / ".git" / "before" / name).write_bytes(source)
    return root


def test_out_again_to_the_byte(cli: Cli, queued: Path) -> None:
    undone = cli("init", "--undo", "--yes", cwd=queued)
    assert undone.returncode == 0, undone.stderr
    assert "a schema `offload` on PostgreSQL" in undone.stdout
    assert "--scan --pattern 'shop.celery:*'" in undone.stdout
    assert contents(queued) == contents(queued / ".git" / "before")


def test_what_was_written_into_the_worker_is_not_given_to_its_neighbour(
    cli: Cli, queued: Path
) -> None:
    end = f"command: uv run {COMMAND}\n"
    replace_in(queued / "compose.yaml", end, f"{end}    mem_limit: 1g\n")
    replace_in(queued / "Procfile", "worker: celery", "worker: nice celery")
    before = contents(queued)
    refused = cli("init", "--undo", "--yes", cwd=queued)
    assert refused.returncode == 1
    assert "edited since `init`: Procfile, compose.yaml; nothing was taken out" in refused.stderr
    assert contents(queued) == before


def test_what_was_written_beside_the_worker_stays(cli: Cli, queued: Path) -> None:
    replace_in(queued / "compose.yaml", "  data:\n", "  kept:\n")
    append(queued / "Procfile", "clock: python -m clock\n")
    undone = cli("init", "--undo", "--yes", cwd=queued)
    assert undone.returncode == 0, undone.stderr
    assert (queued / "compose.yaml").read_text() == f"{BUILT}volumes:\n  kept:\n"
    assert (
        queued / "Procfile"
    ).read_text() == "web: uvicorn shop.main:app\nclock: python -m clock\n"
