from pathlib import Path

import pytest

from fastoffload.errors import UsageError
from fastoffload.options import Choice, NewOptions


def options(path: Path, **changes: str) -> NewOptions:
    given = {"name": None, "description": None, **changes}
    return NewOptions.of(path, install=True, git=True, **given)


def test_the_name_is_the_folders_unless_given(tmp_path: Path) -> None:
    assert options(tmp_path / "demo").name == "demo"
    assert options(tmp_path / "demo", name="other").name == "other"


def test_the_path_is_absolute_without_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path / "link")
    assert options(Path()).path == (tmp_path / "real").resolve()


@pytest.mark.parametrize("description", ["two\nlines", "bell\a", "\x7f", "a\u2028b", "\udcff"])
def test_a_description_is_one_line_of_text(tmp_path: Path, description: str) -> None:
    with pytest.raises(UsageError, match="--description must be one line"):
        options(tmp_path / "demo", description=description)


def test_the_executor_takes_processes_unless_told() -> None:
    assert Choice.of("executor", None).pool == "process"
    assert Choice.of("executor", "thread").pool == "thread"


def test_background_has_no_pool() -> None:
    assert Choice.of("background", None).pool is None
    with pytest.raises(UsageError, match="--pool does not go with strategy background"):
        Choice.of("background", "process")


def test_threads_say_what_they_cost() -> None:
    assert "GIL" in (Choice.of("background", None).cost or "")
    assert "GIL" in (Choice.of("executor", "thread").cost or "")
    assert Choice.of("executor", "process").cost is None
