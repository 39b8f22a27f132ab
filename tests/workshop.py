"""A checkout of its own with releases of its own, and a user who edits what it generates."""

import fcntl
import hashlib
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import forked
from uv import find_uv_bin

CHECKOUT = Path(__file__).parent.parent
OLDEST, MIDDLE, NEWEST = "0.0.1", "0.0.2", "0.1.0"
# What the newer releases do to files: a line, a comment, one more, one less, another name.
CHANGED, COMMENTED = "app/offload/run.py", "app/offload/settings.py"
ADDED, DROPPED = "app/offload/shutdown.py", "app/offload/legacy.py"
RENAMED, OLD_NAME = "app/offload/discovery.py", "app/offload/finding.py"
LIMIT_SECONDS = 300

Result = subprocess.CompletedProcess[str]


def git(folder: Path, *arguments: str) -> str:
    """What git prints."""
    options = ("-c", "user.name=Ann", "-c", "user.email=ann@localhost", "-c", "core.quotePath=off")
    return subprocess.run(
        ["git", *options, *arguments], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.rstrip("\n")


def contents(folder: Path) -> dict[str, bytes]:
    """Every file but git's own and what is installed or locked."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not name.startswith((".git/", ".venv/")) and name != "uv.lock":
            found[name] = path.read_bytes()
    return found


def git_that(folder: Path, verb: str, does: str) -> dict[str, str]:
    """The environment in which git does something else for one verb."""
    folder.mkdir()
    program = folder / "git"
    real = shutil.which("git")
    # The verb comes after options; paths are given on standard input.
    program.write_text(f"""#!/bin/sh
git='{real}'
case " $* " in *" {verb} "*) {does};; esac
exec "$git" "$@"
""")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def commit(project: Path, message: str = "mine") -> None:
    """Commits everything, as a user does."""
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", message)


@contextmanager
def making(folder: Path) -> Iterator[bool]:
    """Whether a folder is still to be made; among all processes of the tests one makes it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    done = folder.with_name(f"{folder.name}.done")
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield not done.exists()
        done.touch()


class Workshop:
    """Runs fastoffload from a copy of this checkout that has the releases 0.0.1, 0.0.2 and 0.1.0.

    The last is what this checkout has; the others are made from it by changing it back. One that is
    made from another has a copy of that one's releases. Several processes may have one in a folder.
    """

    def __init__(self, folder: Path, other: "Workshop | None" = None) -> None:
        self.folder = folder
        self.checkout = folder / "checkout"
        self.environment = os.environ | {
            "COPIER_CACHE_DIR": str(folder / "copier"),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(self.checkout),
            "UV_CACHE_DIR": uv_cache(),
            "XDG_CACHE_HOME": str(folder / "cache"),
        }
        with making(self.checkout) as is_new:
            if is_new:
                self._make(other)

    def _make(self, other: "Workshop | None") -> None:
        if other:
            shutil.copytree(other.checkout, self.checkout)
            return
        ignore = shutil.ignore_patterns("__pycache__", ".*_cache", "releases.bundle")
        for name in ("fastoffload", "templates"):
            shutil.copytree(CHECKOUT / name, self.checkout / name, ignore=ignore)
        for name in ("LICENSE", "README.md", "pyproject.toml"):
            shutil.copy(CHECKOUT / name, self.checkout)
        self._record_all()

    def run(
        self,
        *arguments: str,
        cwd: Path | None = None,
        prefix: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> Result:
        """The command line, without a terminal."""
        if self.command == forked.COMMAND and forked.is_possible(prefix, env):
            return forked.fastoffload(
                arguments, cwd or self.folder, self.environment, LIMIT_SECONDS
            )
        return self.call(*prefix, *self.command, *arguments, cwd=cwd, env=env)

    @property
    def command(self) -> tuple[str, ...]:
        """What starts the command line."""
        return forked.COMMAND

    def call(
        self, *command: str, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> Result:
        """Any program where this fastoffload is the one that is installed."""
        return subprocess.run(
            command,
            cwd=cwd or self.folder,
            env={**self.environment, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )

    def ok(self, *arguments: str, cwd: Path | None = None) -> str:
        """What it prints when it succeeds, as it must."""
        done = self.run(*arguments, cwd=cwd)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def new(self, project: Path, *options: str, release: str = NEWEST) -> Path:
        """A project, not installed, in a repository of its own unless it is in another already.

        Where it is in none, one like it is generated once, and copied.
        """
        arguments = (*options, "--release", release, "--no-install")
        if any((folder / ".git").exists() for folder in project.parents):
            self.ok("new", str(project), *arguments)
            return project
        key = hashlib.sha256(repr((project.name, *arguments)).encode()).hexdigest()[:16]
        made = self.folder / "made" / key
        with making(made) as is_new:
            if is_new:
                self.ok("new", str(made / project.name), *arguments)
        shutil.copytree(made / project.name, project, symlinks=True)
        return project

    def record(self, version: str) -> Result:
        """Records the templates as they are."""
        self.set_version(version)
        return self.call(sys.executable, "-m", "fastoffload.templating.record")

    def set_version(self, version: str) -> None:
        """Raises the version of the checkout."""
        file = self.checkout / "pyproject.toml"
        text = file.read_text().splitlines()
        file.write_text(
            "\n".join(
                f'version = "{version}"' if one.startswith("version = ") else one for one in text
            )
        )

    def template(self, name: str) -> Path:
        """A file below `templates/project`."""
        return self.checkout / "templates" / "project" / name

    def _record_all(self) -> None:
        for version, restore in (
            (OLDEST, self._age_twice),
            (MIDDLE, self._age_once),
            (NEWEST, None),
        ):
            shutil.rmtree(self.checkout / "templates")
            ignore = shutil.ignore_patterns("__pycache__", ".*_cache")
            shutil.copytree(CHECKOUT / "templates", self.checkout / "templates", ignore=ignore)
            self._write_changelog(version)
            if restore:
                restore()
            done = self.record(version)
            assert done.returncode == 0, done.stderr

    def _write_changelog(self, version: str) -> None:
        known = [one for one in (NEWEST, MIDDLE, OLDEST) if one <= version]
        notes = "".join(f"## {one}\n\nWhat is new in {one}.\n\n" for one in known)
        (self.checkout / "templates" / "CHANGELOG.md").write_text(notes)

    def _age_once(self) -> None:
        """A line changed, a file that went, one that came, and a dependency."""
        changed = self.template(CHANGED)
        first, rest = changed.read_text().split("\n", 1)
        changed.write_text(f'"""An older first line."""\n{rest}')
        assert first.startswith('"""')
        self.template(DROPPED).write_text('"""Nobody needs this any more."""\n')
        self.template(ADDED).unlink()
        pyproject = self.template("pyproject.toml.jinja")
        replace_in(pyproject, '"tenacity>=9.2,<10"', '"tenacity>=9.1,<10"')

    def _age_twice(self) -> None:
        """More of it, and a file under its old name."""
        self._age_once()
        self.template(RENAMED).rename(self.template(OLD_NAME))
        replace_in(self.template(COMMENTED), "\n\nclass ", "\n\n# An older comment.\nclass ")


def replace_in(file: Path, old: str, new: str) -> None:
    """Replaces the first occurrence, of which there must be one."""
    text = file.read_text()
    assert old in text, (file, old)
    file.write_text(text.replace(old, new, 1))


def uv_cache() -> str:
    """Where uv keeps what it has downloaded."""
    return subprocess.run(
        [find_uv_bin(), "cache", "dir"], capture_output=True, text=True, check=True
    ).stdout.strip()


ROUTE = '''"""A route of their own."""

from fastapi import APIRouter

router = APIRouter()


@router.get("/hello")
async def hello() -> dict[str, str]:
    return {"hello": "world"}
'''


def edit_as_users_do(project: Path, renamed: str = RENAMED) -> None:
    """Own computation, a route, a setting, a dependency, README, a workflow deleted."""
    own = "\n\nOWN_COMPUTATION = sum(range(10))\n"
    append(project / "app" / "jobs" / "report" / "compute.py", own)
    append(project / "app" / "security.py", '\n\nOWN_REALM = "ours"\n')
    append(project / renamed, '\n\nOWN_FINDING = "ours"\n')
    (project / "app" / "hello.py").write_text(ROUTE)
    main, after = project / "app" / "main.py", "from app.offload.http import "
    replace_in(main, after, f"from app.hello import router as hello\n{after}")
    append(main, "\napp.include_router(hello)\n")
    config = "    model_config = CONFIG\n"
    replace_in(project / "app" / "settings.py", config, f"{config}\n    own_limit: int = 3\n")
    replace_in(
        project / "pyproject.toml", "dependencies = [\n", 'dependencies = [\n    "idna>=3",\n'
    )
    append(project / "README.md", "\n## Ours\n\nWhat we do here.\n")
    (project / ".github" / "workflows" / "ci.yml").unlink()


def append(file: Path, text: str) -> None:
    """Adds to the end of a file."""
    file.write_text(file.read_text() + text)
