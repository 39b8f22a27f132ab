"""The merge: from what the project came from, to what the user and the templates made of it."""

from dataclasses import dataclass, field, replace

from fastoffload.git.call import decoded
from fastoffload.git.repository import Entries, Entry, Repository
from fastoffload.ownership import users
from fastoffload.templating.answers import ANSWERS_FILE
from fastoffload.templating.requirements import LISTS, lines_of, name_of_line, with_lines

LOCK_FILE = "uv.lock"
PYPROJECT = "pyproject.toml"
# The sample's, which stood in the templates' own list before it was a recipe.
SAMPLES = {"fpdf2", "pypdf"}
YOURS = "yours"  # the names in conflict markers
MARKERS = ("<<<<<<< ", ">>>>>>> ")  # the beginnings of lines that a conflict leaves in a file


@dataclass(frozen=True, slots=True)
class Stage:
    """One side of a conflict, as git's index has it: 1 is the base, 2 yours, 3 the templates'."""

    entry: Entry
    number: int
    path: str

    def below(self, prefix: str) -> "Stage":
        """The same in a repository of which the project is a folder."""
        return replace(self, path=f"{prefix}{self.path}")


@dataclass(frozen=True, slots=True)
class Merged:
    """What comes out: the files, conflict markers included, and what is left to the user."""

    entries: Entries
    stages: list[Stage]


@dataclass(frozen=True, slots=True)
class Changes:
    """Paths within the project, sorted. A path in conflict is in no other list."""

    updated: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    conflict: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, rendered: Entries, yours: Entries, merged: Merged) -> "Changes":
        """Compares what was rendered once, what the user made of it, and what it becomes."""
        after = merged.entries
        conflict = {stage.path for stage in merged.stages}
        both = (yours.keys() & after.keys()) - conflict
        return cls(
            updated=sorted(path for path in both if yours[path] != after[path]),
            added=sorted(after.keys() - yours.keys() - conflict),
            removed=sorted(yours.keys() - after.keys() - conflict),
            kept=sorted(
                path
                for path in rendered.keys() - conflict - users(rendered)
                if rendered[path] != yours.get(path) == after.get(path)
            ),
            conflict=sorted(conflict),
        )

    @property
    def touched(self) -> list[str]:
        """The paths that become something else."""
        return sorted([*self.updated, *self.added, *self.removed, *self.conflict])


def lend(repository: Repository, tree: str, base: str, yours: str) -> str:
    """A tree of the templates with the requirements that the user has beside those of the base.

    So what recipes and users add is no edit, and meets nothing that the templates change beside it.
    """
    text, rendered, own = (_text(repository, one, PYPROJECT) for one in (tree, base, yours))
    for name in LISTS:
        there = {name_of_line(line) for line in lines_of(rendered, name)} - SAMPLES
        added = [line for line in lines_of(own, name) if name_of_line(line) not in there]
        text = with_lines(text, name, added)
    entries = repository.entries(tree)
    if PYPROJECT in entries:
        entries[PYPROJECT] = Entry(
            entries[PYPROJECT].mode, repository.blob(text.encode(errors="surrogateescape"))
        )
    return repository.tree(entries)


def _text(repository: Repository, tree: str, path: str) -> str:
    entry = repository.entries(tree).get(path)
    return decoded(repository.git("cat-file", "blob", entry.oid).stdout) if entry else ""


def merge(
    scratch: Repository, base: str, yours: str, theirs: str, label: str, *, renames: bool
) -> Merged:
    """Merges three trees by git's own merge.

    What the user deleted stays deleted, and is no conflict; what is theirs stays as it is. The
    answers are the templates', and the lock file, which the templates do not have, is the user's.
    """
    ours = scratch.entries(yours)
    old, new = scratch.entries(base), scratch.entries(theirs)
    moved = scratch.renamed(base, yours) if renames else set()
    for path in old.keys() - ours.keys() - moved:
        del old[path]
        new.pop(path, None)
    for path in users(old) | users(new):
        for side in (old, new):
            _take(side, path, ours)
    old[ANSWERS_FILE] = ours[ANSWERS_FILE]
    ancestor = scratch.commit(scratch.tree(old))
    scratch.git("update-ref", f"refs/heads/{YOURS}", scratch.commit(yours, ancestor))
    scratch.git("update-ref", f"refs/heads/{label}", scratch.commit(scratch.tree(new), ancestor))
    return _merge_tree(scratch, label, renames=renames)


def _take(side: Entries, path: str, ours: Entries) -> None:
    """Lets a side of the merge have at that path what the user has."""
    side.pop(path, None)
    if path in ours:
        side[path] = ours[path]


def _merge_tree(scratch: Repository, label: str, *, renames: bool) -> Merged:
    # Settings before the verb would need another way in; the environment is one.
    env = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "merge.renames",
        "GIT_CONFIG_VALUE_0": "true" if renames else "false",
    }
    options = ("--write-tree", "--no-messages", "-z", YOURS, label)
    done = scratch.git("merge-tree", *options, allowed=(0, 1), env=env)
    tree, *lines = decoded(done.stdout).split("\0")
    stages = [_stage(line) for line in lines if line]
    return Merged(scratch.entries(tree.strip()), stages)


def _stage(line: str) -> Stage:
    about, _, path = line.partition("\t")
    mode, oid, number = about.split(" ")
    return Stage(Entry(mode, oid), int(number), path)
