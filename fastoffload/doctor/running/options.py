"""What driving an application is told, and what it gives back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fastoffload.doctor.findings import Finding
from fastoffload.doctor.running.watch import LIMIT_SECONDS


@dataclass(frozen=True, slots=True)
class DriveOptions:
    """How to drive an application."""

    methods: tuple[str, ...] = ("GET",)
    headers: Mapping[str, str] = field(default_factory=dict)
    limit_seconds: float = LIMIT_SECONDS
    """What blocks the loop for longer is a finding."""
    python: Path | None = None
    """The project's interpreter; None: of the nearest `.venv`."""
    timeout: float = 30
    """Seconds for the start, and for each answer."""


@dataclass(frozen=True, slots=True)
class DriveResult:
    """What was found, the most expensive first, and what was not judged."""

    findings: tuple[Finding, ...]
    requests: int
    not_judged: tuple[str, ...]
    """A line for each route that was not driven or did not succeed, and for each stall without a
    line of the project's own."""
    stopped_because: str | None
    notes: tuple[str, ...]
    """What of the surroundings was not thrown away afterwards: servers, linked files."""
