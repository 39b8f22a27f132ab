"""The parts that need no application: values, targets, interpreters, copies, the text."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from doctor_running.conftest import Project
from fastoffload.doctor.running.attach import attach_text
from fastoffload.doctor.running.discover import find_python, find_target
from fastoffload.doctor.running.operations import operations
from fastoffload.doctor.running.samples import Samples
from fastoffload.doctor.running.scratch import copied, environment, servers_named
from fastoffload.doctor.running.watch.blame import stalls_of
from fastoffload.doctor.running.watch.stack import Look, Spent, Step
from fastoffload.errors import FastoffloadError

NAMES = {"__name__": "starlette.routing"}
DOCUMENT: dict[str, Any] = {
    "components": {
        "schemas": {
            "Tree": {
                "type": "object",
                "required": ["name", "parent"],
                "properties": {
                    "name": {"type": "string", "minLength": 3},
                    "parent": {"$ref": "#/components/schemas/Tree"},
                    "note": {"type": "string"},
                },
            }
        }
    },
    "paths": {
        "/trees/{tree_id}": {
            "parameters": [{"name": "tree_id", "in": "path", "schema": {"example": "a/b"}}],
            "get": {
                "parameters": [
                    {"name": "q", "in": "query", "required": True, "schema": {"enum": ["x y"]}},
                    {"name": "skip", "in": "query", "schema": {"type": "integer"}},
                    {"name": "x-shop", "in": "header", "required": True, "example": "main"},
                    {"name": "seen", "in": "cookie", "required": True, "schema": {"default": 3}},
                ]
            },
        }
    },
}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, 1),
        ({"type": "integer", "minimum": 64, "multipleOf": 10}, 70),
        ({"type": "integer", "exclusiveMaximum": 1, "minimum": -5}, 0),
        ({"type": "number", "maximum": 0.5, "exclusiveMinimum": -1}, 0.5),
        ({"type": "boolean"}, False),
        ({"type": "string", "format": "uuid"}, "00000000-0000-4000-8000-000000000000"),
        ({"type": "array", "minItems": 2, "items": {"const": "a"}}, ["a", "a"]),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, 1),
        ({"allOf": [{"example": {"a": 1}}, {"example": {"b": 2}}]}, {"a": 1, "b": 2}),
        ({"type": ["string", "null"], "examples": ["given"]}, "given"),
        ({}, "1"),
    ],
)  # fmt: skip
def test_the_smallest_value_of_a_schema(schema: dict[str, Any], value: object) -> None:
    assert Samples({}).of(schema) == value


def test_a_schema_that_contains_itself_ends() -> None:
    tree = Samples(DOCUMENT).of({"$ref": "#/components/schemas/Tree"})
    assert isinstance(tree, dict)
    assert tree["name"] == "111"
    assert set(tree["parent"]) == {"name", "parent"}


def test_an_operation_has_what_its_document_requires() -> None:
    (operation,) = operations(DOCUMENT)
    assert operation.name == "GET /trees/{tree_id}"
    assert operation.path == "/trees/a%2Fb?q=x+y"
    assert operation.headers == {"x-shop": "main", "cookie": "seen=3"}


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({"main.py": "app = FastAPI()"}, "main:app"),
        ({"app/main.py": "from x import create_app\napi = create_app()"}, "app.main:api"),
        ({"src/shop/web.py": "def make() -> fastapi.FastAPI: ..."}, "shop.web:make"),
        ({"shop/__init__.py": "app: FastAPI = FastAPI(title='Shop')"}, "shop:app"),
        ({"main.py": "def make() -> FastAPI: ...\napp = FastAPI()"}, "main:app"),
        (
            {"a.py": "a = FastAPI()", "pyproject.toml": '[tool.fastapi]\nentrypoint = "b:c"'},
            "b:c",
        ),
        ({"a.py": "a = FastAPI()", "tests/test_a.py": "app = FastAPI()"}, "a:a"),
    ],
)
def test_the_application_is_found(project: Project, files: dict[str, str], name: str) -> None:
    assert find_target(project(files), None).name == name


@pytest.mark.parametrize(
    ("files", "named", "says"),
    [
        ({"a.py": "app = Flask()"}, None, "has no module with `FastAPI"),
        ({"a.py": "a = FastAPI()", "b.py": "b = FastAPI()"}, None, "has several (a:a, b:b)"),
        ({"a.py": ""}, "shop.main", "give it as --app module:name"),
    ],
)
def test_which_application_is_meant_must_be_clear(
    project: Project, files: dict[str, str], named: str | None, says: str
) -> None:
    with pytest.raises(FastoffloadError) as caught:
        find_target(project(files), named)
    assert says in str(caught.value)


def test_the_interpreter_is_the_nearest_environments(project: Project) -> None:
    root = project({".git/HEAD": "", ".venv/bin/python": "", "backend/main.py": ""})
    assert find_python(root / "backend", None) == root / ".venv" / "bin" / "python"
    (root / ".venv" / "bin" / "python").unlink()
    with pytest.raises(FastoffloadError, match="has no \\.venv"):
        find_python(root / "backend", None)
    with pytest.raises(FastoffloadError, match="is no interpreter"):
        find_python(root, root / "backend" / "main.py")


def test_a_copy_has_what_the_application_needs_and_no_more(project: Project) -> None:
    root = project(
        {
            "main.py": "",
            ".env": "",
            ".git/HEAD": "",
            "env/pyvenv.cfg": "",
            "web/node_modules/a.js": "",
            "web/page.html": "",
        }
    )
    (root / "around").symlink_to(root)
    (root / "nowhere").symlink_to("no such file")
    with (root / "model.bin").open("wb") as model, (root / "shop.db").open("wb") as database:
        model.truncate(2**27)
        database.write(b"SQLite format 3\0")
        database.truncate(2**27)
    notes: list[str] = []
    with copied(root, notes) as copy:
        (copy / "main.py").write_text("written")
        found = {path.relative_to(copy).as_posix() for path in copy.rglob("*")}
        assert found == {
            "main.py", ".env", "web", "web/page.html", "around", "model.bin", "shop.db",
        }  # fmt: skip
        assert not (copy / "shop.db").is_symlink()
    assert notes == ["model.bin is linked, not copied: it is large"]
    assert not copy.exists()
    assert (root / "main.py").read_text() == ""


def test_the_surroundings_lead_into_the_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:////home/me/shop/data.db")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    found = environment(Path("/home/me/shop"), Path("/copy/shop"), "mark")
    assert found["DATABASE_URL"] == "sqlite:////copy/shop/data.db"
    assert "PYTHONPATH" not in found
    assert found["PATH"] == os.environ["PATH"]


def test_servers_are_named_without_their_passwords(project: Project) -> None:
    root = project({".env": "export A='postgresql+asyncpg://me:secret@db/x'\nB=sqlite:///x.db\n#"})
    notes = servers_named({"BROKER": "amqp://guest:secret@localhost//", "HOME": "/root"}, root)
    assert [note.split()[0] for note in notes] == ["A", "BROKER"]
    assert not any("secret" in note for note in notes)


def test_the_line_to_attach_works_as_it_is_printed() -> None:
    (line,) = (line for line in attach_text().splitlines() if "add_middleware" in line)
    added: list[object] = []

    class App:
        add_middleware = staticmethod(added.append)

    exec(line.strip(), {"app": App})
    from fastoffload.doctor.running.watch import BlockingWatch

    assert added == [BlockingWatch]


def test_a_look_at_a_thread_that_waited_for_a_cpu_proves_no_line() -> None:
    """Three of four looks were taken before the machine let the thread go on to the line."""

    def route() -> None: ...

    def looked(line: int, wall: float) -> Look:
        step = Step(route.__code__, line, 0, {"__name__": __name__})
        return Look(
            [step], {"type": "http", "method": "GET", "path": "/"}, 0.0, Spent(wall=wall, cpu=wall)
        )

    looks = [looked(1, 0.001), looked(1, 0.001), looked(1, 0.001), looked(2, 0.3)]
    (stall,) = stalls_of(looks, 0.3, 0.1, (str(Path(__file__).parent),))
    assert stall.line == 2


def test_what_no_line_of_ones_own_was_seen_to_do_is_the_routes() -> None:
    """The watching thread got no CPU before the loop's was back in the framework's code."""

    async def route() -> None: ...

    application = Step(compile("", "/lib/site-packages/starlette/routing.py", "exec"), 7, 0, NAMES)
    scope = {"type": "http", "method": "GET", "path": "/slow", "endpoint": route}
    look = Look([application], scope, 0.0, Spent(wall=0.3, cpu=0.3, late=0.28, held=0.28))
    (stall,) = stalls_of([look], 0.3, 0.1, (str(Path(__file__).parent),))
    assert (stall.route, stall.chain, stall.how) == ("GET /slow", ("route",), "in C, with the GIL")
    assert (stall.file, stall.line) == (Path(__file__).name, route.__code__.co_firstlineno)
    assert stall.call == "starlette.routing.<module>"
    assert stall.awaits  # a plain `def` would not help


def test_what_is_to_be_moved_is_the_first_plain_function_on_the_way() -> None:
    async def route() -> None: ...

    async def helper() -> None: ...

    def render() -> None: ...

    def draw() -> None: ...

    def moved(*functions: Callable[..., object]) -> str:
        steps = [Step(function.__code__, 1, 0, NAMES) for function in functions]
        look = Look(steps, {"type": "http", "path": "/"}, 0.0, Spent(wall=0.3))
        (stall,) = stalls_of([look], 0.3, 0.1, (str(Path(__file__).parent),))
        return stall.wrapped

    assert moved(route, helper, render, draw) == "render"
    assert moved(route, helper) == "starlette.routing.helper"  # the call itself
    assert moved(draw, render) == "render"  # a resolver
