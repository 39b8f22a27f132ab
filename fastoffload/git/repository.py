"""Bare repositories of our own: to keep releases, and to work out what a project becomes."""

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fastoffload.git.call import NEUTRAL, Done, call, decoded, encoded, settings
from fastoffload.git.worktree import WorkTree

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
# To fetch from a file or folder of ours, whatever the user lets git fetch from elsewhere.
FROM_OURS = {"GIT_ALLOW_PROTOCOL": "file"}
BUNDLED = "refs/heads/bundled"
CACHES = "__pycache__/\n*.py[co]\n.mypy_cache/\n.pytest_cache/\n.ruff_cache/\n.venv/\n.DS_Store\n"


@dataclass(frozen=True, slots=True)
class Entry:
    """What a tree holds at a path."""

    mode: str
    oid: str


Entries = dict[str, Entry]


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
        cwd: Path | None = None,
    ) -> Done:
        """Runs git in this repository, heeding none of the user's settings."""
        place = ["-C", str(cwd)] if cwd else []
        before = [*place, *settings(NEUTRAL), f"--git-dir={self.folder}"]
        env = AUTHOR | dict(env or {})
        return call(verb, *arguments, before=before, env=env, stdin=stdin, allowed=allowed)

    def text(self, verb: str, *arguments: str, stdin: bytes = b"") -> str:
        """What git prints, without the newline at its end; it need not be text."""
        return decoded(self.git(verb, *arguments, stdin=stdin).stdout).removesuffix("\n")

    def tree_of(self, folder: Path, *, ignored: bool = False, also: Iterable[str] = ()) -> str:
        """Stores a folder as a tree: without .git, and what is ignored only if asked for.

        What is ignored may be asked for by name, too, whether it is there or not.
        """
        named = b"\0".join(os.fsencode(name) for name in also if (folder / name).is_file())
        force = ["--force"] if ignored else []
        with index() as env:
            work_tree = env | {"GIT_WORK_TREE": str(folder)}
            self.git("add", "--all", *force, env=work_tree)
            self.git("update-index", "--add", "-z", "--stdin", stdin=named, env=work_tree)
            return self.git("write-tree", env=env).stdout.decode().strip()

    def write_to(self, folder: Path, tree: str) -> None:
        """Writes the files of a tree into a folder."""
        with index() as env:
            self.git("read-tree", tree, env=env)
            work_tree = env | {"GIT_WORK_TREE": str(folder)}
            self.git("checkout-index", "--all", "--force", env=work_tree)

    def entries(self, tree: str) -> Entries:
        """The files of a tree by their paths."""
        found = {}
        for line in self._lines("ls-tree", "-r", "-z", tree):
            about, _, path = line.partition("\t")
            mode, _, oid = about.split(" ")
            found[path] = Entry(mode, oid)
        return found

    def tree(self, entries: Mapping[str, Entry]) -> str:
        """Stores the tree that has these files."""
        lines = "".join(f"{entry.mode} {entry.oid}\t{path}\0" for path, entry in entries.items())
        with index() as env:
            self.git("update-index", "-z", "--index-info", stdin=encoded(lines), env=env)
            return self.git("write-tree", env=env).stdout.decode().strip()

    def within(self, whole: str, prefix: str, tree: str) -> str:
        """The tree of a repository with another tree at the prefix."""
        if not prefix:
            return tree
        name, _, rest = prefix.partition("/")
        lines = self._lines("ls-tree", "-z", whole)
        ((position, inner),) = (
            (number, about.split(" ")[2])
            for number, line in enumerate(lines)
            for about, _, path in [line.partition("\t")]
            if path == name
        )
        lines[position] = f"040000 tree {self.within(inner, rest, tree)}\t{name}"
        return self.text("mktree", "-z", stdin=encoded("".join(f"{line}\0" for line in lines)))

    def blob(self, content: bytes) -> str:
        """Stores a file's content."""
        return self.text("hash-object", "-w", "--stdin", stdin=content)

    def renamed(self, old: str, new: str) -> set[str]:
        """The paths of the old tree that the new one has under another name."""
        found = self._lines(
            "diff-tree", "-r", "-z", "-M", "--diff-filter=R", "--name-status", old, new
        )
        return set(found[1::3])

    def commit(self, tree: str, *parents: str) -> str:
        """Stores a commit."""
        options = [part for parent in parents for part in ("-p", parent)]
        return self.text("commit-tree", tree, "-m", "fastoffload", *options)

    def bundle(self, tree: str) -> bytes:
        """A tree and all that it holds, as a file's content that git checks when it reads it."""
        self.git("update-ref", BUNDLED, self.commit(tree))
        return self.git("bundle", "create", "--quiet", "-", BUNDLED).stdout

    def unbundle(self, file: Path) -> str:
        """Stores the tree of such a file. Raises FastoffloadError for one that is not whole."""
        what = f"+{BUNDLED}:{BUNDLED}"
        self.git("fetch", "--quiet", "--no-tags", str(file), what, env=FROM_OURS)
        return self.text("rev-parse", f"{BUNDLED}^{{tree}}")

    def object_format(self) -> str:
        """The hash of its objects: sha1 or sha256."""
        return self.text("rev-parse", "--show-object-format")

    def _lines(self, verb: str, *arguments: str) -> list[str]:
        output = decoded(self.git(verb, *arguments).stdout)
        return output.split("\0")[:-1]


@contextmanager
def scratch(work: WorkTree | None = None) -> Iterator[Repository]:
    """An empty repository that sees the objects of the user's, and is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="fastoffload-") as folder:
        object_format = work.object_format() if work else "sha1"
        made = Repository.init(Path(folder) / "scratch.git", object_format)
        if work:
            alternates = made.folder / "objects" / "info" / "alternates"
            alternates.write_bytes(os.fsencode(work.objects()) + b"\n")
        yield made


@contextmanager
def index() -> Iterator[dict[str, str]]:
    """The environment in which git has an index of its own."""
    with tempfile.TemporaryDirectory() as folder:
        yield {"GIT_INDEX_FILE": str(Path(folder, "index"))}
