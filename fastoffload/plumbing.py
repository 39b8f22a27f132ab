"""Git as a tool that is given everything and takes nothing from a user's settings."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fastoffload.errors import FastoffloadError

# What users set up for their own work must not sign, hook, thin out or convert ours.
NEUTRAL = {
    "commit.gpgSign": "false",
    "core.attributesFile": os.devnull,
    "core.autocrlf": "false",
    "core.excludesFile": os.devnull,
    "core.hooksPath": os.devnull,
    "gc.auto": "0",
    "merge.conflictStyle": "merge",
    "merge.directoryRenames": "false",
    "pack.threads": "1",
    "safe.bareRepository": "all",
}
# The same templates give the same commit on every machine and on every day.
AUTHOR = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in (
        ("NAME", "fastoffload"),
        ("EMAIL", "fastoffload@localhost"),
        ("DATE", "2000-01-01T00:00:00Z"),
    )
}
CACHES = "__pycache__/\n*.py[co]\n.mypy_cache/\n.pytest_cache/\n.ruff_cache/\n.venv/\n.DS_Store\n"

Done = subprocess.CompletedProcess[bytes]


def call(
    verb: str,
    *arguments: str,
    before: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    allowed: Sequence[int] = (0,),
    keep: Sequence[int] = (),
) -> Done:
    """Runs `git BEFORE VERB ARGUMENTS`; it inherits the descriptors to `keep`.

    Raises FastoffloadError when its exit code is not allowed.
    """
    done = subprocess.run(
        ["git", *before, verb, *arguments],
        env={**os.environ, "LC_ALL": "C", **(env or {})},
        input=stdin,
        capture_output=True,
        pass_fds=keep,
        check=False,
    )
    if done.returncode not in allowed:
        raise FastoffloadError(f"git {verb} failed: {reason(done)}")
    return done


def reason(done: Done) -> str:
    """What git said when it failed, on one line."""
    said = " ".join(done.stderr.decode(errors="replace").split())
    return said or f"exit code {done.returncode}"


def settings(values: Mapping[str, str]) -> list[str]:
    """Options that set these for one call."""
    return [part for pair in values.items() for part in ("-c", "=".join(pair))]


@dataclass(frozen=True, slots=True)
class Repository:
    """A bare repository of ours."""

    folder: Path

    @classmethod
    def init(cls, folder: Path, object_format: str = "sha1") -> "Repository":
        """Makes an empty one."""
        call("init", "--quiet", "--bare", f"--object-format={object_format}", str(folder))
        # A template folder of the user's may have left it out.
        (folder / "info").mkdir(exist_ok=True)
        (folder / "info" / "exclude").write_text(CACHES)
        return cls(folder)

    def git(
        self,
        verb: str,
        *arguments: str,
        stdin: bytes = b"",
        allowed: Sequence[int] = (0,),
        env: Mapping[str, str] | None = None,
    ) -> Done:
        """Runs git in this repository."""
        before = [*settings(NEUTRAL), f"--git-dir={self.folder}"]
        env = AUTHOR | dict(env or {})
        return call(verb, *arguments, before=before, env=env, stdin=stdin, allowed=allowed)

    def text(self, verb: str, *arguments: str, stdin: bytes = b"") -> str:
        """What git prints, without the newline at its end; it need not be text."""
        return (
            self.git(verb, *arguments, stdin=stdin)
            .stdout.decode(errors="surrogateescape")
            .removesuffix("\n")
        )

    def tree_of(self, folder: Path, *, ignored: bool = False) -> str:
        """Stores a folder as a tree: without .git, and what is ignored only if asked for."""
        force = ["--force"] if ignored else []
        with index() as env:
            work_tree = env | {"GIT_WORK_TREE": str(folder)}
            self.git("add", "--all", *force, env=work_tree)
            return self.git("write-tree", env=env).stdout.decode().strip()

    def write_to(self, folder: Path, tree: str) -> None:
        """Writes the files of a tree into a folder."""
        with index() as env:
            self.git("read-tree", tree, env=env)
            work_tree = env | {"GIT_WORK_TREE": str(folder)}
            self.git("checkout-index", "--all", "--force", env=work_tree)


@contextmanager
def index() -> Iterator[dict[str, str]]:
    """The environment in which git has an index of its own."""
    with tempfile.TemporaryDirectory() as folder:
        yield {"GIT_INDEX_FILE": str(Path(folder, "index"))}
