"""The releases: recorded, unpacked, served to plain Copier, and told apart in a checkout."""

import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from conftest import VARIANTS
from workshop import (
    CHECKOUT,
    DROPPED,
    MIDDLE,
    NEWEST,
    OLDEST,
    Workshop,
    append,
    commit,
    contents,
    git,
)

from fastoffload.git.repository import Repository
from fastoffload.templating import releases

DEFAULT = ("--strategy", "executor")


@pytest.fixture
def changed(workshop: Workshop, tmp_path: Path) -> Workshop:
    """A workshop of the test's own, for it will be changed."""
    return Workshop(tmp_path / "workshop", workshop)


def test_this_version_is_recorded(tmp_path: Path) -> None:
    version = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"]
    remedy = "run `uv run python -m fastoffload.templating.record` (--replace while nobody has it)"
    assert releases.recorded_versions()[-1] == version, remedy
    repository = Repository.init(tmp_path / "releases.git")
    repository.git("fetch", str(releases.BUNDLE), "refs/tags/*:refs/tags/*")
    recorded = repository.text("rev-parse", f"refs/tags/{version}^{{tree}}")
    assert repository.tree_of(CHECKOUT / "templates") == recorded, remedy


def test_the_same_templates_give_the_same_commits(workshop: Workshop, tmp_path: Path) -> None:
    heads = [
        list((one.checkout / "fastoffload" / "releases.bundle").read_bytes().split(b"\n")[1:4])
        for one in (workshop, Workshop(tmp_path / "recorded anew"))
    ]
    assert heads[0] == heads[1]
    assert [head.split(b"/")[-1].decode() for head in heads[0]] == [OLDEST, MIDDLE, NEWEST]


def test_recording(changed: Workshop) -> None:
    assert "recorded already" in changed.record(NEWEST).stdout
    append(changed.template(".gitignore"), "/new/\n")
    refused = changed.record(NEWEST)
    assert refused.returncode == 1
    assert "raise the version" in refused.stderr
    older = changed.record(MIDDLE)
    assert older.returncode == 1
    assert f"{MIDDLE} is older" in older.stderr
    changed.set_version(NEWEST)
    replaced = changed.call(sys.executable, "-m", "fastoffload.templating.record", "--replace")
    assert replaced.stdout == f"Recorded {NEWEST}\n"
    assert "recorded already" in changed.record(NEWEST).stdout
    assert changed.record("0.1.1").returncode == 0


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_what_is_rendered_is_what_copier_renders(
    workshop: Workshop, tmp_path: Path, variant: tuple[str, ...]
) -> None:
    project = workshop.new(tmp_path / "demo", *variant, "--recipe", "none", release=OLDEST)
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text())
    data = [f"--data={key}={value}" for key, value in answers.items() if key[0] != "_"]
    copied = workshop.call(
        *("copier", "copy", "--quiet", "--defaults", f"--vcs-ref={OLDEST}", *data),
        *("git+fastoffload::templates", str(tmp_path / "copied")),
    )
    assert copied.returncode == 0, copied.stderr
    assert contents(tmp_path / "copied") == contents(project)


def test_plain_copier_updates(workshop: Workshop, tmp_path: Path) -> None:
    project = workshop.new(tmp_path / "demo", *DEFAULT, release=OLDEST)
    append(project / "app" / "security.py", "\n\nMINE = 1\n")
    commit(project)
    updated = workshop.call("copier", "update", "--defaults", cwd=project)
    assert updated.returncode == 0, updated.stderr
    fresh = workshop.new(tmp_path / "fresh" / "demo", *DEFAULT)
    append(fresh / "app" / "security.py", "\n\nMINE = 1\n")
    assert contents(project) == contents(fresh)


def test_a_release_that_is_not_the_newest(workshop: Workshop, tmp_path: Path) -> None:
    project = workshop.new(tmp_path / "demo", *DEFAULT, release=MIDDLE)
    assert (project / DROPPED).exists()
    refused = workshop.run("new", str(tmp_path / "other"), *DEFAULT, "--release", "7")
    assert refused.returncode == 1
    assert f"release 7 is not known to this fastoffload, which has {OLDEST}" in refused.stderr
    assert not (tmp_path / "other").exists()


def test_a_cold_cache_and_many_at_once(workshop: Workshop, tmp_path: Path) -> None:
    project = workshop.new(tmp_path / "demo", *DEFAULT, release=OLDEST)
    cold = {"XDG_CACHE_HOME": str(tmp_path / "cold")}
    with ThreadPoolExecutor(6) as pool:
        started = [
            pool.submit(workshop.run, "status", "--json", cwd=project, env=cold) for _ in range(6)
        ]
    for one in started:
        assert one.result().returncode == 0, one.result().stderr
    names = sorted(path.name[:8] for path in (tmp_path / "cold" / "fastoffload").iterdir())
    assert names == ["developm", "releases", "rendered"]


def test_a_cache_that_cannot_be_written(workshop: Workshop, tmp_path: Path) -> None:
    project = workshop.new(tmp_path / "demo", *DEFAULT, release=OLDEST)
    (tmp_path / "file").touch()
    refused = workshop.run("status", cwd=project, env={"XDG_CACHE_HOME": str(tmp_path / "file")})
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert "cannot be written" in refused.stderr
    assert "XDG_CACHE_HOME" in refused.stderr


def test_a_changed_checkout_is_a_development_release(changed: Workshop, tmp_path: Path) -> None:
    project = changed.new(tmp_path / "demo", *DEFAULT)
    append(changed.template(".gitignore"), "/new/\n")
    behind = changed.run("update", "--check", cwd=project)
    assert behind.returncode == 1
    changed.ok("update", cwd=project)
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text())
    assert answers["_commit"].startswith(f"{NEWEST}.post1+")
    assert (project / ".gitignore").read_text().endswith("/new/\n")
    commit(project)
    assert changed.run("update", "--check", cwd=project).returncode == 0
    append(changed.template(".gitignore"), "/newer/\n")
    changed.ok("update", cwd=project)
    commit(project)
    assert (project / ".gitignore").read_text().endswith("/new/\n/newer/\n")
    plain = changed.call("copier", "update", "--defaults", cwd=project)
    assert plain.returncode == 0, plain.stderr
    assert git(project, "status", "--porcelain") == ""


def test_the_remote_only_gives(workshop: Workshop, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "mine")
    git(tmp_path / "mine", "commit", "--quiet", "--allow-empty", "--message", "x")
    pushed = workshop.call("git", "push", "fastoffload::templates", "HEAD:x", cwd=tmp_path / "mine")
    assert pushed.returncode != 0
    assert "read only" in pushed.stderr


def test_without_git_the_newest_is_rendered(workshop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    made = workshop.run(
        *("new", str(tmp_path / "demo"), *DEFAULT, "--no-git", "--no-install"),
        env={"PATH": str(tmp_path / "bin")},
    )
    assert made.returncode == 0, made.stderr
    assert f"_commit: {NEWEST}\n" in (tmp_path / "demo" / ".copier-answers.yml").read_text()


def test_they_are_unpacked_whatever_the_user_lets_git_fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "gitconfig"
    settings.write_text("[protocol]\n\tallow = never\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert releases.recorded().text("tag", "--list").split() == releases.recorded_versions()
