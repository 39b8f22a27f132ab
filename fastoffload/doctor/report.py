"""What a reading or a run says: findings in order, and what was not judged."""

import hashlib
from dataclasses import dataclass, field

from fastoffload.doctor.findings import Finding


@dataclass(frozen=True, slots=True)
class Report:
    """Findings, the most expensive first, and how much was looked at."""

    findings: tuple[Finding, ...]
    """What holds the loop while requests are served."""
    startup: tuple[Finding, ...] = ()
    """What holds it once: at the start, or in a first call."""
    files: tuple[Finding, ...] = ()
    """Access to local files: mostly too short to matter."""
    modules: int = 0
    entries: dict[str, int] = field(default_factory=dict)
    """How many entries of each kind were followed."""
    functions: int = 0
    """How many functions run on the loop."""
    calls: int = 0
    """How many calls there are in them."""
    unknown_calls: int = 0
    """Of those, the ones whose target the code does not tell."""
    unread: tuple[str, ...] = ()
    """Files that no interpreter at hand could read."""
    cut: tuple[str, ...] = ()
    """Entries that reach more functions than were followed."""


def fingerprint(finding: Finding) -> str:
    """The same for the same finding after lines moved: 16 hexadecimal digits."""
    parts = (finding.entry, finding.call, finding.place.file, *finding.chain[-1:])
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
