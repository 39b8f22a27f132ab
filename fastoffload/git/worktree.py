"""The user's side: a project within a git work tree, of which it may be a subfolder."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from fastoffload.errors import FastoffloadError
from fastoffload.git.call import QUIET, Done, call, check_git, reason, settings

# Any other failure has another reason: an owner, a setting, a link that leads nowhere.
NO_REPOSITORY = b"not a git repository (or any"
UNFINISHED = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply")


@dataclass(frozen=True, slots=True)
class WorkTree:
    """Where a project is and what its repository has of it. The prefix ends with a slash."""

    project: Path
    root: Path
    git_dir: Path
    prefix: str

    @classmethod
    def around(cls, project: Path) -> Self:
        """Raises when the project is in no repository, or git is missing or cannot read it."""
        check_git()
        asked = ("--show-toplevel", "--absolute-git-dir", "--show-prefix")
        done = call("rev-parse", *asked, before=["-C", str(project)], allowed=(0, 128))
        if NO_REPOSITORY in done.stderr:
            raise FastoffloadError(
                f"{project} is in no git repository; run `git init` there and commit it first"
            )
        if done.returncode:
            raise FastoffloadError(f"git cannot read {project}: {reason(done)}")
        places = os.fsdecode(done.stdout).removesuffix("\n").split("\n")
        if len(places) != len(asked):
            raise FastoffloadError(f"{project} is below a folder with a newline; rename that one")
        root, git_dir, prefix = places
        return cls(project, Path(root), Path(git_dir), prefix)

    def git(
        self,
        verb: str,
        *arguments: str,
        stdin: bytes = b"",
        allowed: Sequence[int] = (0,),
        env: Mapping[str, str] | None = None,
        keep: Sequence[int] = (),
    ) -> Done:
        """Runs git at the root of the work tree, with the user's settings."""
        before = ["-C", str(self.root), *settings(QUIET), "--literal-pathspecs"]
        return call(
            verb, *arguments, before=before, stdin=stdin, allowed=allowed, env=env, keep=keep
        )

    def text(self, verb: str, *arguments: str) -> str:
        """What git prints, without the newline at its end."""
        return os.fsdecode(self.git(verb, *arguments).stdout).removesuffix("\n")

    def head(self) -> str:
        """The present commit. Raises when there is none yet."""
        done = self.git("rev-parse", "--verify", "--quiet", "HEAD^{commit}", allowed=(0, 1, 128))
        if done.returncode:
            raise FastoffloadError(f"{self.root} has no commit yet; commit the project first")
        return done.stdout.decode().strip()

    def tree(self, commit: str) -> str:
        """The tree of the project in a commit."""
        name = f"{commit}:{self.prefix.removesuffix('/')}"
        done = self.git("rev-parse", "--verify", "--quiet", name, allowed=(0, 1, 128))
        if done.returncode:
            raise FastoffloadError(f"{self.project} is not committed; commit it first")
        return done.stdout.decode().strip()

    def check_committed(self, name: str) -> None:
        """Raises when a file of the project is not in the last commit."""
        if not self.listed(self.tree("HEAD"), [name]):
            file = self.project / name
            raise FastoffloadError(
                f"{file} is not committed; `git add --force` and commit it first"
            )

    def listed(self, source: str, paths: Collection[str]) -> dict[str, str]:
        """Mode and object of each of the paths that is in the source, a commit or a tree."""
        listed = self.git("ls-tree", "-r", "-z", "--full-tree", source).stdout
        pairs = (line.split("\t", 1) for line in os.fsdecode(listed).split("\0")[:-1])
        wanted = set(paths)
        return {path: about.replace(" blob ", " ") for about, path in pairs if path in wanted}

    def check_clean(self) -> None:
        """Raises when anything of the project is not committed, or git is in the middle of it."""
        for name in UNFINISHED:
            if (self.git_dir / name).exists():
                raise FastoffloadError(
                    f"git is in the middle of something ({name}); finish or abort that first"
                )
        if changed := self.uncommitted():
            raise FastoffloadError(
                f"{self.project} has uncommitted changes ({changed}); commit or stash them first"
            )

    def uncommitted(self) -> str | None:
        """The first path that differs from the last commit, or None."""
        where = self.prefix or "."
        status = self.git("status", "--porcelain", "-z", "--no-renames", "--", where)
        first, _, _ = os.fsdecode(status.stdout).partition("\0")
        return first[3:] or None

    @property
    def index(self) -> Path:
        """The file in which git keeps what is staged."""
        return self.git_dir / "index"

    def objects(self) -> Path:
        """Where the repository keeps its objects."""
        return self.root / self.text("rev-parse", "--git-path", "objects")

    def object_format(self) -> str:
        """The hash of its objects: sha1 or sha256."""
        return self.text("rev-parse", "--show-object-format")
