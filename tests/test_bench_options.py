"""What `bench` refuses before it generates or measures anything."""

import subprocess
from pathlib import Path

import pytest
from conftest import Cli

from fastoffload.bench.own_compute import OwnCompute
from fastoffload.bench.projects import INSIDE
from fastoffload.errors import UsageError

WORK = """
import numpy
from os.path import join

def of_nothing(): ...
def of_values(values, scale=1): ...
def of_two(values, scale): ...
def of_keyword(*, scale): ...
async def of_loop(): ...
"""


def refused(done: subprocess.CompletedProcess[str], code: int, named: str) -> bool:
    lines = done.stderr.splitlines()
    return done.returncode == code and len(lines) == 1 and named in lines[0] and not done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (("--seconds", "5"), 2, "--seconds 5 is too short"),
        (("--variants", "celery"), 2, "unknown variant 'celery'; --variants takes"),
        (("--variants", ","), 2, "no variant named"),
        (("nowhere",), 2, "nowhere lacks Procfile"),
        ((".", "--compute", "work.py:of_nothing"), 2, "give --variants too"),
        (("--html", "no/such/folder/page.html"), 1, "page.html cannot be written"),
        (("--svg", "."), 1, "cannot be written"),
        (("--compute", "work.py"), 2, "FILE:FUNCTION"),
        (("--compute", "absent.py:work"), 2, "absent.py: No such file"),
        (("--compute", "broken.py:work"), 2, "broken.py is no Python"),
        (("--compute", "work.py:join"), 2, "it has: of_nothing, of_values, of_two"),
        (("--compute", "work.py:of_two"), 2, "must take nothing, or the list of values alone"),
        (("--compute", "work.py:of_keyword"), 2, "must take nothing"),
        (("--compute", "work.py:of_loop"), 2, "is async"),
    ],
)
def test_refused_in_one_line(
    cli: Cli, tmp_path: Path, arguments: tuple[str, ...], code: int, named: str
) -> None:
    (tmp_path / "work.py").write_text(WORK)
    (tmp_path / "broken.py").write_text("def work(:")
    done = cli("bench", *arguments)
    assert refused(done, code, named), (done.returncode, done.stderr)


def test_a_function_that_will_do_is_taken_without_running_it(tmp_path: Path) -> None:
    file = tmp_path / "work.py"
    file.write_text(WORK)  # numpy is not installed here
    assert not OwnCompute.of(f"{file}:of_nothing").takes_values
    assert OwnCompute.of(f"{file}:of_values").takes_values
    with pytest.raises(UsageError):
        OwnCompute.of(f"{file}:numpy")


def test_what_runs_in_the_projects_is_in_the_package() -> None:
    names = {path.name for path in INSIDE.rglob("*.py")}
    assert {"blocking_way.py", "def_route.py", "bare_pool.py", "sitecustomize.py"} <= names
