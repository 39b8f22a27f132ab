from pathlib import Path

import pytest

from fastoffload.catalog import Choice
from fastoffload.errors import UsageError
from fastoffload.templating.options import NewOptions


def options(path: Path, **changes: str) -> NewOptions:
    given = {"name": None, "description": None, "release": None, **changes}
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


@pytest.mark.parametrize(
    ("strategy", "default", "other"),
    [
        ("executor", {"pool": "process"}, {"pool": "thread"}),
        ("celery", {"broker": "redis"}, {"broker": "rabbitmq"}),
        ("dramatiq", {"broker": "redis"}, {"broker": "rabbitmq"}),
    ],
)
def test_an_option_has_a_default(
    strategy: str, default: dict[str, str], other: dict[str, str]
) -> None:
    nothing = dict.fromkeys(("pool", "broker"))
    assert Choice.of(strategy, nothing).answers == {"strategy": strategy, **default}
    assert Choice.of(strategy, {**nothing, **other}).answers == {"strategy": strategy, **other}


def test_background_has_no_option() -> None:
    assert Choice.of("background", {}).answers == {"strategy": "background"}


@pytest.mark.parametrize(
    ("strategy", "option"),
    [
        ("background", "pool"),
        ("background", "broker"),
        ("executor", "broker"),
        ("celery", "pool"),
        ("dramatiq", "pool"),
    ],
)
def test_an_option_of_another_strategy_is_refused(strategy: str, option: str) -> None:
    message = f"^--{option} does not go with strategy {strategy}; leave it out$"
    with pytest.raises(UsageError, match=message):
        Choice.of(strategy, {option: "any"})


def test_threads_say_what_they_cost() -> None:
    assert "GIL" in (Choice.of("background", {}).cost or "")
    assert "GIL" in (Choice.of("executor", {"pool": "thread"}).cost or "")


@pytest.mark.parametrize("strategy", ["executor", "celery", "dramatiq"])
def test_other_processes_cost_nothing_to_tell(strategy: str) -> None:
    assert Choice.of(strategy, {}).cost is None
