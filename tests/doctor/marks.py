"""Applications with planted blocks: where they are marked, and what a reading finds of them."""

import re
from dataclasses import dataclass
from pathlib import Path

from fastoffload.doctor.reading.read import read

PLANTED = Path(__file__).with_name("planted")
BLOCKS = re.compile(r"# blocks(?:: (\w+))?$")
NEAR_MISS = re.compile(r"# near miss$")
Spot = tuple[str, int]


@dataclass(frozen=True)
class Score:
    """What was planted in an application, and what was found there."""

    planted: dict[Spot, str | None]
    """Where it blocks, and from which kind of entry, if that is stated."""
    near_misses: frozenset[Spot]
    found: dict[Spot, set[str]]
    """Where something was found, and from which kinds of entries."""
    calls: frozenset[str]
    """What blocks there."""

    @property
    def missed(self) -> set[Spot]:
        """Planted and not found, or not from the stated kind of entry."""
        return {
            spot
            for spot, kind in self.planted.items()
            if spot not in self.found or (kind and kind not in self.found[spot])
        }

    @property
    def false(self) -> set[Spot]:
        """Found where nothing was planted."""
        return set(self.found) - set(self.planted)

    @property
    def recall(self) -> float:
        return 1 - len(self.missed) / len(self.planted)

    @property
    def precision(self) -> float:
        return 1 - len(self.false) / max(1, len(self.found))


def score(application: Path) -> Score:
    """Reads an application and compares with its marks."""
    planted: dict[Spot, str | None] = {}
    near_misses = set()
    for file in sorted(application.rglob("*.py")):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            spot = (file.relative_to(application).as_posix(), number)
            if marked := BLOCKS.search(line):
                planted[spot] = marked[1]
            elif NEAR_MISS.search(line):
                near_misses.add(spot)
    report = read(application)
    found: dict[Spot, set[str]] = {}
    findings = [*report.findings, *report.startup, *report.files]
    for finding in findings:
        kind = "files" if finding.cause == "files" else finding.kind
        found.setdefault((finding.place.file, finding.place.line), set()).add(kind)
    calls = frozenset(finding.call for finding in findings)
    return Score(planted, frozenset(near_misses), found, calls)
