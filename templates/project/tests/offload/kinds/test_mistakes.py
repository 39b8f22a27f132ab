"""What is wrong below `jobs/` is told in one line that names the file and what to do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, RootModel

from app.offload import discovery
from app.offload.errors import MistakeInKind, WorkNotImportable
from app.offload.kinds import Input, Kind
from offload.rows.making import Params, Result, WriteJobs

KIND = """
from app.offload import Kind
from pydantic import BaseModel

class Nothing(BaseModel):
    pass

KIND = Kind({given}, Nothing, Nothing{options})
"""
WORK = """
from .kind import KIND, Nothing

@KIND.work
def work({taken}):
    return Nothing()
"""


def kind(name: str, options: str = "") -> str:
    return KIND.format(given=repr(name), options=options)


def mistake() -> str:
    """What is said of the kinds: one line."""
    with pytest.raises(MistakeInKind) as caught:
        discovery.kinds()
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_kinds_are_found_with_their_work(write_jobs: WriteJobs) -> None:
    write_jobs(
        {
            "one/kind.py": kind("one"),
            "one/work.py": WORK.format(taken="run, params"),
            "two/kind.py": kind("second", ", queue='slow'") + "ALSO = KIND\n",
            "_shared/helpers.py": "",
            ".cache/x.py": "",
            "left_over/__pycache__/kind.pyc": "",
            "notes.txt": "",
        }
    )
    assert list(discovery.kinds()) == ["one", "second"]
    assert discovery.queues() == ("default", "slow")
    assert discovery.load_work(discovery.get_kind("one")).__name__ == "work"
    assert discovery.folder_of("second") == "two"


def test_no_folder_of_jobs_at_all(write_jobs: WriteJobs) -> None:
    assert discovery.kinds() == {}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"one/work.py": ""}, "jobs/one has no kind.py; add one that makes a Kind, or move it"),
        ({"my-job/kind.py": kind("one")}, "jobs/my-job cannot be imported by this name; rename it"),
        ({"class/kind.py": kind("one")}, "jobs/class cannot be imported by this name; rename it"),
        ({"one/kind.py": ""}, "jobs/one/kind.py makes 0 Kinds; it must make one"),
        (
            {"one/kind.py": kind("one") + "OTHER = Kind('b', Nothing, Nothing)\n"},
            "jobs/one/kind.py makes 2 Kinds; it must make one",
        ),
        (
            {"one/kind.py": "import nothing_of_this_name\n"},
            "jobs/one/kind.py cannot be imported: ModuleNotFoundError: No module named",
        ),
        ({"one/kind.py": "KIND ="}, "jobs/one/kind.py cannot be imported: SyntaxError"),
        (
            {"one/kind.py": kind("One")},
            "jobs/one/kind.py: Kind 'One': the name 'One' must match [a-z][a-z0-9_]{0,49}",
        ),
        (
            {"a/kind.py": kind("one"), "b/kind.py": kind("one", ", prefix='/b'")},
            "jobs/a/kind.py and jobs/b/kind.py both have the name 'one'; give one of them another",
        ),
        (
            {"a/kind.py": kind("a", ", prefix='/x'"), "b/kind.py": kind("b", ", prefix='/x'")},
            "jobs/a/kind.py and jobs/b/kind.py both have the prefix '/x'",
        ),
    ],
)
def test_a_mistake_in_a_folder(write_jobs: WriteJobs, files: dict[str, str], said: str) -> None:
    write_jobs(files)
    assert mistake().startswith(said)


def test_a_name_that_no_kind_has(write_jobs: WriteJobs) -> None:
    write_jobs({"one/kind.py": kind("one")})
    with pytest.raises(MistakeInKind, match="there is no kind 'two' below jobs/"):
        discovery.get_kind("two")


@pytest.mark.parametrize(
    ("work", "said"),
    [
        ("import nothing_of_this_name\n", "ModuleNotFoundError: No module named"),
        ("raise SystemExit('no GPU')\n", "SystemExit: no GPU"),
        ("", "has no function under @KIND.work of this kind; put it there"),
        (WORK.format(taken="params"), "work must take (run, params), not (params)"),
        (WORK.format(taken="run, *, params"), "work must take (run, params), not (run, *, params)"),
        (
            WORK.format(taken="run, params, more"),
            "must take (run, params), not (run, params, more)",
        ),
        (
            WORK.format(taken="run, params") + "\n@KIND.work\ndef again(run, params): ...\n",
            "Kind 'one' has two functions under @KIND.work",
        ),
    ],
)
def test_work_that_cannot_be_loaded(write_jobs: WriteJobs, work: str, said: str) -> None:
    write_jobs({"one/kind.py": kind("one"), "one/work.py": work})
    one = discovery.get_kind("one")  # which the API needs, and no more
    for _ in range(2):
        with pytest.raises(WorkNotImportable) as caught:
            discovery.load_work(one)
        message = str(caught.value)
        assert message.startswith("jobs/one/work.py")
        assert said in message
        assert "\n" not in message


def test_work_of_which_half_was_loaded_is_not_run(write_jobs: WriteJobs) -> None:
    broken = WORK.format(taken="run, params") + "\nimport nothing_of_this_name\n"
    write_jobs({"one/kind.py": kind("one"), "one/work.py": broken})
    one = discovery.get_kind("one")
    for _ in range(2):
        with pytest.raises(WorkNotImportable, match="nothing_of_this_name"):
            discovery.load_work(one)


def test_work_without_a_file(write_jobs: WriteJobs) -> None:
    write_jobs({"one/kind.py": kind("one")})
    with pytest.raises(WorkNotImportable, match=r"jobs/one/work.py: ModuleNotFoundError"):
        discovery.load_work(discovery.get_kind("one"))


class Numbers(RootModel[list[int]]):
    """A list, which is no object."""


WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "name": (lambda: Kind("my job", Params, Result), "the name 'my job' must match"),
    "queue": (lambda: Kind("k", Params, Result, queue="A"), "the queue 'A' must match"),
    "prefix": (lambda: Kind("k", Params, Result, prefix="jobs"), "the prefix 'jobs' must match"),
    "params": (lambda: Kind("k", dict, Result), "<class 'dict'> is no pydantic model"),  # type: ignore[type-var]
    "an instance": (lambda: Kind("k", Params, Result()), "is no pydantic model"),  # type: ignore[arg-type]
    "root": (lambda: Kind("k", Numbers, Result), "Numbers is a RootModel"),
    "deadline": (lambda: Kind("k", Params, Result, deadline_seconds=0), "above zero, and finite"),
    "attempts": (lambda: Kind("k", Params, Result, max_attempts=0), "above zero, and finite"),
    "retry": (lambda: Kind("k", Params, Result, retry_seconds=-1), "above zero, and finite"),
    "nan": (lambda: Kind("k", Params, Result, retry_seconds=float("nan")), "above zero"),
    "for ever": (lambda: Kind("k", Params, Result, deadline_seconds=float("inf")), "finite"),
    "input": (lambda: Kind("k", Params, Result, inputs={"a b": Input()}), "the input 'a b' must"),
    "form": (lambda: Kind("k", Params, Result, inputs={"params": Input()}), "not be called params"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_kind_that_cannot_be(what: str) -> None:
    make, said = WRONG[what]
    with pytest.raises(MistakeInKind) as caught:
        make()
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_functions_of_one_name_from_two_modules_are_two() -> None:
    one = Kind("one", Params, Result)

    def work(run: Any, params: BaseModel) -> Result:
        return Result()

    def from_elsewhere(run: Any, params: BaseModel) -> Result:
        return Result()

    from_elsewhere.__qualname__ = work.__qualname__
    from_elsewhere.__module__ = "elsewhere"
    one.work(work)
    one.work(work)  # a module that is loaded again
    with pytest.raises(MistakeInKind, match="two functions"):
        one.work(from_elsewhere)


def test_the_folders_are_those_beside_the_package() -> None:
    assert Path(discovery.__file__).parent.parent / "jobs" == discovery.JOBS
