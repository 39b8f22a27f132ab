"""A repository beside the user's, for working out what the user's shall become."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fastoffload.plumbing import Repository, index
from fastoffload.worktree import WorkTree


@dataclass(frozen=True, slots=True)
class Entry:
    """What a tree holds at a path."""

    mode: str
    oid: str


Entries = dict[str, Entry]


@contextmanager
def scratch(work: WorkTree | None = None) -> Iterator["Scratch"]:
    """An empty repository that sees the objects of the user's, and is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="fastoffload-") as folder:
        object_format = work.object_format() if work else "sha1"
        made = Scratch.init(Path(folder) / "scratch.git", object_format)
        if work:
            alternates = made.folder / "objects" / "info" / "alternates"
            alternates.write_bytes(os.fsencode(work.objects()) + b"\n")
        yield Scratch(made.folder)


class Scratch(Repository):
    """A repository with trees to compare and to put together."""

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

    def content(self, oid: str) -> bytes:
        """A file's content."""
        return self.git("cat-file", "blob", oid).stdout

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

    def _lines(self, verb: str, *arguments: str) -> list[str]:
        output = decoded(self.git(verb, *arguments).stdout)
        return output.split("\0")[:-1]


def encoded(text: str) -> bytes:
    """Paths as git takes them; they need not be text."""
    return text.encode(errors="surrogateescape")


def decoded(output: bytes) -> str:
    """Paths as git gives them."""
    return output.decode(errors="surrogateescape")
