"""The merge: from what the project came from, to what the user and the templates made of it."""

from dataclasses import dataclass, replace

from fastoffload.answers import ANSWERS_FILE
from fastoffload.scratch import Entries, Entry, Scratch, decoded

LOCK_FILE = "uv.lock"
YOURS = "yours"  # the names in conflict markers


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


def merge(
    scratch: Scratch, base: str, yours: str, theirs: str, label: str, *, renames: bool
) -> Merged:
    """Merges three trees by git's own merge.

    What the user deleted stays deleted, and is no conflict. The answers are the templates', and
    the lock file, which the templates do not have, is the user's.
    """
    ours = scratch.entries(yours)
    old, new = scratch.entries(base), scratch.entries(theirs)
    moved = scratch.renamed(base, yours) if renames else set()
    for path in old.keys() - ours.keys() - moved:
        del old[path]
        new.pop(path, None)
    old[ANSWERS_FILE] = ours[ANSWERS_FILE]
    ancestor = scratch.commit(scratch.tree(old))
    scratch.git("update-ref", f"refs/heads/{YOURS}", scratch.commit(yours, ancestor))
    scratch.git("update-ref", f"refs/heads/{label}", scratch.commit(scratch.tree(new), ancestor))
    return _merge_tree(scratch, label, renames=renames)


def _merge_tree(scratch: Scratch, label: str, *, renames: bool) -> Merged:
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
