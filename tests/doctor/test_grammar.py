"""Files that this interpreter cannot parse."""

import ast
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fastoffload.doctor.reading import grammar
from fastoffload.doctor.reading.read import read
from fastoffload.doctor.report import Reading

Read = Callable[..., Reading]

BROKEN = "def (:\n"
APP = "import time\nfrom fastapi import FastAPI\napp = FastAPI()\n"


def test_an_unreadable_file_is_counted(application: Read) -> None:
    report = application(
        f"{APP}import other\n@app.get('/')\nasync def x():\n    other.f()\n", {"other.py": BROKEN}
    )

    (unread,) = report.unread
    assert str(unread) == "other.py: line 1, invalid syntax"
    assert not report.is_whole


def test_unreadable_files_stand_in_their_order_whatever_is_read_first(application: Read) -> None:
    imports = "import b\nimport a\n"
    calls = "@app.get('/')\nasync def x():\n    b.f()\n    a.f()\n"
    report = application(f"{APP}{imports}{calls}", {"a.py": BROKEN, "b.py": BROKEN})

    assert [each.name for each in report.unread] == ["a.py", "b.py"]


@pytest.mark.parametrize("folder", [".", "server"])
def test_the_projects_own_interpreter_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    """Here it is this one, and what our own parser refuses is simulated."""
    project = tmp_path / folder
    (project / ".venv" / "bin").mkdir(parents=True)
    (project / ".venv" / "bin" / "python").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path))
    (project / "main.py").write_text(f"{APP}@app.get('/')\nasync def x():\n    time.sleep(1)\n")

    def refuse(source: bytes) -> ast.Module:
        raise SyntaxError(source)

    with monkeypatch.context() as while_read:  # pytest parses, too, to say what failed
        while_read.setattr(grammar.ast, "parse", refuse)
        report = read(tmp_path)

    assert not report.unread
    assert [finding.entry for finding in report.findings] == ["GET /"]


def test_a_name_on_the_path_behind_which_no_interpreter_is_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    works, does_not = (tmp_path / f"python3.{sys.version_info.minor + n}" for n in (1, 2))
    does_not.write_text("#!/bin/sh\nexit 127\n")
    does_not.chmod(0o755)
    assert grammar.interpreter(tmp_path) is None
    works.symlink_to(sys.executable)
    assert grammar.interpreter(tmp_path) == str(works)


def test_nothing_but_trees_is_loaded() -> None:
    with pytest.raises(pickle.UnpicklingError):
        grammar._load(pickle.dumps(Path.unlink))  # noqa: SLF001


def test_nodes_of_a_newer_grammar_are_read_as_far_as_they_are_known() -> None:
    tree = ast.parse("def f():\n    return 1\n")
    loaded = grammar._load(pickle.dumps(tree))  # noqa: SLF001

    assert loaded is not None
    assert ast.dump(loaded) == ast.dump(tree)
