"""What a reading or a run says: findings in order, and what was not judged."""

import hashlib
from dataclasses import dataclass, field

from fastoffload.doctor.findings import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Findings, the most expensive first."""

    findings: tuple[Finding, ...]
    """What holds the loop while requests are served."""
    startup: tuple[Finding, ...] = ()
    """What holds it once, at the start."""
    files: tuple[Finding, ...] = ()
    """Access to local files that nobody measured: mostly too short to matter."""

    known: int = 0
    """Findings that a baseline has: they were left out."""

    @property
    def is_whole(self) -> bool:
        """Whether it did what was asked for, so that nothing found means something."""
        return True


@dataclass(frozen=True, slots=True)
class NotJudged:
    """A route, a file, or another thing of which nothing can be said."""

    name: str
    why: str

    def __str__(self) -> str:
        return f"{self.name}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Report):
    """What was found by reading, and how much was read."""

    modules: int = 0
    entries: dict[str, int] = field(default_factory=dict)
    """How many entries of each kind were followed."""
    functions: int = 0
    """How many functions run on the loop."""
    calls: int = 0
    """How many calls there are in them."""
    unknown_calls: int = 0
    """Of those, the ones whose target the code does not tell."""
    unread: tuple[NotJudged, ...] = ()
    """Files that no interpreter at hand could read."""
    cut: tuple[str, ...] = ()
    """Entries that reach more functions than were followed."""

    @property
    def is_whole(self) -> bool:
        """Not when a file that may belong to it could not be read."""
        return not self.unread


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Report):
    """What was found by running, and how much of the application was asked."""

    requests: int
    limit_seconds: float
    """What held the loop for longer was a finding."""
    not_judged: tuple[NotJudged, ...]
    """Routes that were not driven or did not succeed, and stalls without a line of the project's
    own."""
    stopped_because: str | None
    notes: tuple[str, ...]
    """What of the surroundings was not thrown away afterwards: servers first, then linked files."""

    @property
    def is_whole(self) -> bool:
        """Not when it was stopped, and not when there was nothing to ask."""
        return self.requests > 0 and self.stopped_because is None


def fingerprint(finding: Finding) -> str:
    """The same for the same finding after lines moved: 16 hexadecimal digits."""
    parts = (finding.entry, finding.call, finding.place.file, *finding.chain[-1:])
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
