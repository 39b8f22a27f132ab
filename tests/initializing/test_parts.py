"""What is refused before the first byte, where lines go, and what an interruption leaves."""

import ast
import json
from pathlib import Path

import pytest
from conftest import Cli
from workshop import append, commit, contents, git

from fastoffload import file_changes
from fastoffload.errors import FastoffloadError
from fastoffload.file_changes import Change
from fastoffload.initializing import edits
from initializing.conftest import LayOut
from initializing.shapes import SHAPES, Shape, py

IN = ("init", "--strategy", "executor", "--yes")
MAIN = "from fastapi import FastAPI\n\napp = FastAPI()\n"
REFUSED = {
    "no application": ({"shop/main.py": "x = 1\n"}, (), 1, "no FastAPI application found"),
    "only inside a command": (
        {"main.py": "import fastapi\n\n\ndef serve():\n    app = fastapi.FastAPI()\n    go(app)\n"},
        (),
        1,
        "no FastAPI application found",
    ),
    "several": (SHAPES["several applications"].all_files(), (), 2, "--app shop.admin:app or --app"),
    "another's name": (
        SHAPES["several applications"].all_files(),
        ("--app", "shop.main:api"),
        2,
        "--app shop.main:api names none of the applications",
    ),
    "no such package": ({"main.py": MAIN}, ("--package", "nowhere"), 2, "--package nowhere is no"),
    "a package offload": ({"main.py": MAIN, "offload/__init__.py": ""}, (), 1, "needs the name"),
    "a module jobs": ({"main.py": MAIN, "jobs.py": ""}, (), 1, "needs the name jobs"),
    "no Python": (
        {"main.py": f"{MAIN}def (:\n"},
        ("--app", "main:app"),
        1,
        "main.py cannot be read (line 4",
    ),
    "an old lock": (
        {
            "main.py": MAIN,
            "pyproject.toml": '[project]\nname = "shop"\nversion = "1"\n',
            "uv.lock": '[[package]]\nname = "fastapi"\nversion = "0.79.0"\n',
        },
        (),
        1,
        "uv.lock has fastapi 0.79.0, and the engine needs 0.100 or newer",
    ),
    "an old pin": (
        {"main.py": MAIN, "requirements.txt": "fastapi\nSQLAlchemy==1.4.51\n"},
        (),
        1,
        "the requirement `SQLAlchemy==1.4.51`, and the engine needs 2.0 or newer",
    ),
    "an old bound": (
        {
            "main.py": MAIN,
            "pyproject.toml": '[project]\nname = "s"\nversion = "1"\ndependencies=["pydantic<2"]\n',
        },
        (),
        1,
        "the requirement `pydantic<2`",
    ),
    "an old caret": (
        {
            "main.py": MAIN,
            "pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.9"\nfastapi = "^0.79"\n',
        },
        (),
        1,
        "and the engine needs 0.100 or newer",
    ),
    "an old Python": (
        {
            "main.py": MAIN,
            "pyproject.toml": '[project]\nname = "s"\nversion = "1"\nrequires-python = "<3.11"\n',
        },
        (),
        1,
        "the engine needs Python 3.11 or newer",
    ),
}


def write(root: Path, files: dict[str, str]) -> Path:
    """The files below a folder."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize("what", REFUSED)
def test_refused_before_the_first_byte(cli: Cli, tmp_path: Path, what: str) -> None:
    files, options, code, said = REFUSED[what]
    root = write(tmp_path / "application", files)
    before = contents(root)
    done = cli(*IN, *options, cwd=root)
    assert done.returncode == code, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    assert said in last
    assert contents(root) == before


def test_without_a_terminal_nothing_is_written_unseen(cli: Cli, tmp_path: Path) -> None:
    root = write(tmp_path / "application", {"main.py": MAIN, "requirements.txt": "fastapi\n"})
    before = contents(root)
    refused = cli("init", "--strategy", "executor", cwd=root)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "no terminal to accept the diff on" in refused.stderr
    for option in ("--dry-run", "--diff"):
        shown = cli("init", "--strategy", "executor", option, cwd=root)
        assert shown.returncode == 0, shown.stderr
        assert "+offload.install(app)" in shown.stdout
        assert ("+++ b/offload/__init__.py" in shown.stdout) is (option == "--diff")
    document = json.loads(cli(*IN, "--dry-run", "--json", cwd=root).stdout)
    assert document["edited"] == [str(root / "main.py"), str(root / "requirements.txt")]
    assert document["dry_run"]
    assert contents(root) == before


def test_a_generated_project_is_refused(cli: Cli, tmp_path: Path) -> None:
    made = cli("new", "demo", "--strategy", "background", "--no-install", "--no-git")
    assert made.returncode == 0, made.stderr
    refused = cli(*IN, cwd=tmp_path / "demo")
    assert refused.returncode == 1
    assert "is a project that fastoffload generated" in refused.stderr
    undone = cli("init", "--undo", "--yes", cwd=tmp_path / "demo")
    assert undone.returncode == 1
    assert "was generated by `new`" in undone.stderr


@pytest.fixture
def application(cli: Cli, lay_out: LayOut) -> Path:
    """One with the engine in it, committed."""
    root = lay_out(SHAPES["a lifespan"])
    done = cli(*IN, cwd=root)
    assert done.returncode == 0, done.stderr
    commit(root, "init")
    return root


def test_undo_refuses_what_was_edited(cli: Cli, application: Path) -> None:
    append(application / "shop/offload/run.py", "# mine\n")
    append(application / "shop/jobs/blank/work.py", "# mine\n")
    main = application / "shop/main.py"
    main.write_text(main.read_text().replace("(app, engine=engine)", "(app, engine=mine)"))
    before = contents(application)
    refused = cli("init", "--undo", "--yes", cwd=application)
    assert refused.returncode == 1
    edited = "shop/jobs/blank/work.py, shop/offload/run.py, shop/main.py"
    assert f"edited since `init`: {edited}; nothing was taken out" in refused.stderr
    assert contents(application) == before


def test_undo_leaves_what_was_written_since(cli: Cli, application: Path) -> None:
    append(application / "shop/main.py", "\n# Mine.\n")
    append(application / "requirements.txt", "idna\n")
    undone = cli("init", "--undo", "--yes", cwd=application)
    assert undone.returncode == 0, undone.stderr
    first = git(application, "rev-list", "--max-parents=0", "HEAD")
    for name, mine in (("shop/main.py", "\n# Mine."), ("requirements.txt", "idna")):
        assert (
            application / name
        ).read_text() == f"{git(application, 'show', f'{first}:{name}')}\n{mine}\n"


def test_a_failure_half_way_leaves_every_file_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "there.txt").write_bytes(b"before")
    (tmp_path / "folder").mkdir()
    made = {
        tmp_path / "there.txt": Change(b"before", b"after"),
        tmp_path / "new" / "deep" / "one.txt": Change(None, b"new"),
        tmp_path / "folder": Change(None, b"a folder is in the way"),
    }
    with pytest.raises(OSError, match="folder"):
        file_changes.carry_out(made)
    assert (tmp_path / "there.txt").read_bytes() == b"before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "there.txt"]


def test_what_was_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "there.txt").write_bytes(b"mine")
    with pytest.raises(FastoffloadError, match="changed meanwhile"):
        file_changes.carry_out({tmp_path / "there.txt": Change(b"before", b"after")})
    assert (tmp_path / "there.txt").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (b"app = FastAPI()", b"app = FastAPI()\nX\n"),
        (b"app = FastAPI()\r\nrun = 1\r\n", b"app = FastAPI()\r\nX\r\nrun = 1\r\n"),
        (b"app = F(\n  1,\n)\napp.a()\n", b"app = F(\n  1,\n)\napp.a()\nX\n"),
        (b"app = F(); y = 1\n", b"app = F(); y = 1\nX\n"),
        (b"app = F()\n@app.get\ndef a():\n  1\n", b"app = F()\n@app.get\ndef a():\n  1\n\n\nX\n"),
        (b"app = F()\napp = Wrapper(app)\n", b"app = F()\nX\napp = Wrapper(app)\n"),
        (
            b"app = F()\nif __name__ == '':\n  go(app)\n",
            b"app = F()\nX\nif __name__ == '':\n  go(app)\n",
        ),
    ],
)
def test_where_the_line_goes(source: bytes, expected: bytes) -> None:
    assert edits.apply(source, [edits.last_line(ast.parse(source), "app", "X")]) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("    a = F()\n    return a\n", "    a = F()\n    X(a)\n    return a\n"),
        ("    a = F()\n    if a:\n        return a\n    return a\n", None),
        ("    return F()\n", None),
    ],
)
def test_where_it_goes_in_a_factory(body: str, expected: str | None) -> None:
    source = f"def make():\n{body}"
    line = edits.before_return(ast.parse(source), "make", "X({app})")
    made = edits.apply(source.encode(), [line]).decode() if line else None
    assert made == (expected and f"def make():\n{expected}")


ENV = '''
    """Of Alembic."""
    from alembic import context


    def offline():
        context.configure(url="sqlite:///x.db", literal_binds=True)


    def online(connection):
        context.configure(
            connection=connection,
            target_metadata=None,
        )
    '''


def with_env(env: str) -> Shape:
    """An application with a tree of Alembic's."""
    files = SHAPES["a lifespan"].files | {"alembic/env.py": py(env), "alembic/versions/.keep": ""}
    return Shape(files)


def test_on_sqlite_alembic_is_told_of_our_tables(cli: Cli, lay_out: LayOut) -> None:
    root = lay_out(with_env(ENV))
    before = contents(root)
    done = cli(*IN, cwd=root)
    assert done.returncode == 0, done.stderr
    text = (root / "alembic/env.py").read_text()
    assert "from shop.offload.database.tables import include_name\n" in text
    assert 'context.configure(include_name=include_name, url="sqlite' in text
    assert "configure(\n        include_name=include_name,\n        connection" in text
    assert cli("init", "--undo", "--yes", cwd=root).returncode == 0
    assert contents(root) == before


def test_a_filter_of_their_own_is_left_to_them(cli: Cli, lay_out: LayOut) -> None:
    root = lay_out(with_env(ENV.replace("literal_binds", "include_name=mine, literal_binds")))
    before = (root / "alembic/env.py").read_bytes()
    done = cli(*IN, cwd=root)
    assert done.returncode == 0, done.stderr
    assert "in alembic/env.py, let `include_name`" in done.stdout
    assert (root / "alembic/env.py").read_bytes() == before


def test_the_worker_of_a_queue_is_told(cli: Cli, lay_out: LayOut) -> None:
    root = lay_out(SHAPES["the src layout"])
    (root / "pyproject.toml").unlink()
    (root / "requirements.txt").write_text("fastapi\nsqlalchemy\n")
    done = cli("init", "--strategy", "celery", "--yes", cwd=root)
    assert done.returncode == 0, done.stderr
    assert "`celery --quiet -A shop.offload.worker worker`" in done.stdout
    assert "celery[redis]" in (root / "requirements.txt").read_text()


def test_what_is_no_application_is_named_before_anything_is_asked_for(
    cli: Cli, tmp_path: Path
) -> None:
    for folder, said in ((tmp_path / "nowhere", "is no folder"), (tmp_path, "no FastAPI")):
        done = cli("init", str(folder))
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert said in done.stderr
    (tmp_path / "main.py").write_text("from fastapi import FastAPI\n\napp = FastAPI()\n")
    done = cli("init", str(tmp_path), "--diff")
    assert done.returncode == 2
    assert "--strategy (background" in done.stderr
    assert "--defaults" not in done.stderr  # which is no option here
