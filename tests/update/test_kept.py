"""What was rendered once is kept in the user's cache, and a known state is not rendered again."""

import importlib.metadata
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from test_layout import reached
from workshop import OLDEST, Workshop, append

from fastoffload.errors import FastoffloadError
from fastoffload.git.repository import scratch
from fastoffload.templating import releases
from fastoffload.templating.render import CODE, MOST_KEPT, render_to_tree

ANSWERS = {"project_name": "demo", "description": "x", "strategy": "background"}
# Instead of the command, in a process that may have less: the tree of the newest release.
PROGRAM = """
import sys
from pathlib import Path
from fastoffload.git.repository import scratch
from fastoffload.templating import releases
from fastoffload.templating.render import render_to_tree

releases.PACKAGE = Path(sys.argv[1])
releases.BUNDLE = releases.PACKAGE / "releases.bundle"
with scratch() as repository:
    print(render_to_tree(repository, {answers}, "1.1.0"))
"""


@pytest.fixture
def cache(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is kept in a cache of the test's own."""
    assert package.exists()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "fastoffload" / "rendered"


def tree(
    answers: dict[str, str] | None = None, release: str = "1.1.0", object_format: str = "sha1"
) -> str:
    """What is rendered; its files must be there."""
    with scratch() as outer:
        repository = outer.init(outer.folder.parent / "inner.git", object_format)
        made = render_to_tree(repository, answers or ANSWERS, release)
        assert "one.txt" in repository.entries(made)
        repository.git("rev-list", "--objects", "--quiet", made)
        return made


def files(cache: Path) -> set[Path]:
    return {*cache.iterdir()} if cache.is_dir() else set()


def test_what_is_kept_is_taken(cache: Path, package: Path) -> None:
    made = tree()
    project = package / "templates" / "project"
    away = project.rename(package / "away")
    try:
        assert tree() == made
        with pytest.raises(FileNotFoundError):
            tree(ANSWERS | {"description": "y"})
    finally:
        away.rename(project)
    assert len(files(cache)) == 1


@pytest.mark.parametrize(
    "command",
    [("status",), ("update", "--diff"), ("init", "--undo", "--diff")],
    ids=lambda words: words[0],
)
def test_of_a_known_state_no_command_imports_copier(
    workshop: Workshop, tmp_path: Path, command: tuple[str, ...]
) -> None:
    project = tmp_path / "demo"
    if command[0] == "init":
        project.mkdir()
        (project / "main.py").write_text("from fastapi import FastAPI\n\napp = FastAPI()\n")
        (project / "requirements.txt").write_text("fastapi\n")
        workshop.ok("init", "--strategy", "executor", "--yes", cwd=project)
    else:
        workshop.new(project, "--strategy", "executor", release=OLDEST)
        workshop.ok(*command, cwd=project)
    python = (sys.executable, "-X", "importtime", "-m", "fastoffload")
    done = workshop.call(*python, *command, cwd=project)
    assert done.returncode == 0, done.stderr
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "fastoffload.templating.render" in imported
    assert "copier" not in imported


def other_code(package: Path, _monkeypatch: pytest.MonkeyPatch) -> None:
    (package / "templating").mkdir(exist_ok=True)
    (package / "templating" / "new.py").touch()
    append(package / "templating" / "new.py", "# Changed.\n")


def another_copier(_package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.metadata.version
    newer = {"copier": "9.999"}
    monkeypatch.setattr(importlib.metadata, "version", lambda name: newer.get(name) or found(name))


def other_releases(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(package / "releases.bundle", package / "other.bundle")
    with (package / "other.bundle").open("ab") as file:
        file.write(b"more")
    monkeypatch.setattr(releases, "BUNDLE", package / "other.bundle")


@pytest.mark.parametrize("change", [other_code, another_copier, other_releases])
def test_whatever_decides_what_is_rendered_is_heeded(
    cache: Path,
    package: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path, pytest.MonkeyPatch], None],
) -> None:
    made = tree()
    change(package, monkeypatch)
    assert tree() == made
    assert len(files(cache)) == 2


def test_answers_releases_and_hashes_are_told_apart(cache: Path) -> None:
    first = [tree(), tree(ANSWERS | {"project_name": "y"}), tree(object_format="sha256")]
    first.append(tree(release="1.0.0"))
    again = [tree(), tree(ANSWERS | {"project_name": "y"}), tree(object_format="sha256")]
    assert again == first[:-1]
    assert len({*first}) == len(files(cache)) == 4


def test_all_code_that_renders_is_heeded() -> None:
    rooms = {path.parent.as_posix() for path in reached(Path("templating/render.py"))}
    assert rooms == {room.removesuffix("/") or "." for room in CODE}


DAMAGED: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut off": lambda content: content[:-10],
    "a byte": lambda content: content[:-50] + bytes([content[-50] ^ 1]) + content[-49:],
    "no bundle": lambda _: b"nonsense\n",
}


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_what_is_damaged_is_rendered_anew(cache: Path, damage: Callable[[bytes], bytes]) -> None:
    made = tree()
    (file,) = files(cache)
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert tree() == made
    assert files(cache) == {file}
    assert file.read_bytes() == whole


def elsewhere(package: Path, *prefix: str) -> subprocess.CompletedProcess[str]:
    """The same in another process."""
    program = PROGRAM.replace("{answers}", repr(ANSWERS))
    command = [*prefix, sys.executable, "-c", program, str(package)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(
    cache: Path, package: Path, without_privileges: list[str]
) -> None:
    made = tree()
    shutil.rmtree(cache)
    cache.parent.chmod(0o555)
    done = elsewhere(package, *without_privileges)
    cache.parent.chmod(0o755)
    assert done.stdout == f"{made}\n", done.stderr
    assert not cache.exists()
    cache.touch()
    assert tree() == made


def test_a_full_disk_costs_nothing_but_time(
    cache: Path, package: Path, private_mounts: list[str]
) -> None:
    made = tree()
    shutil.rmtree(cache)
    cache.mkdir()
    # A page is too little, even for a project of a few lines.
    mount = f"mount -t tmpfs -o size=4k none '{cache}' && echo x > '{cache}/x' && \"$@\""
    shell = ("sh", "-c", f"{mount} && ls -A '{cache}'", "sh")
    done = elsewhere(package, *private_mounts, *shell)
    assert done.stdout == f"{made}\nx\n", done.stderr


def test_a_user_without_a_home_has_no_cache(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tree()
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name)
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)  # as of a user in a container
    monkeypatch.chdir(tmp_path)
    assert tree() == made
    assert [*tmp_path.iterdir()] == [cache.parent]
    with pytest.raises(FastoffloadError, match="no home for a cache; set XDG_CACHE_HOME"):
        releases.recorded()


def test_the_oldest_go(cache: Path) -> None:
    cache.mkdir(parents=True)
    for number in range(MOST_KEPT + 3):
        file = cache / f"{number}.bundle"
        file.touch()
        os.utime(file, (number, number))
    tree()
    left = files(cache)
    assert len(left) == MOST_KEPT
    assert not (cache / "3.bundle").exists()
    tree()
    assert files(cache) == left
