"""What an update or a switch does to each file."""

from dataclasses import dataclass, field

from fastoffload.merge import Merged
from fastoffload.scratch import Entries


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
                for path in rendered.keys() - conflict
                if rendered[path] != yours.get(path) == after.get(path)
            ),
            conflict=sorted(conflict),
        )

    @property
    def touched(self) -> list[str]:
        """The paths that become something else."""
        return sorted([*self.updated, *self.added, *self.removed, *self.conflict])
