"""What driving an application is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fastoffload.doctor.running.watch.watcher import LIMIT_SECONDS

METHODS = ("GET",)
TIMEOUT_SECONDS = 60.0  # models are loaded at the start


@dataclass(frozen=True, slots=True)
class DriveOptions:
    """How to drive an application."""

    methods: tuple[str, ...] = METHODS
    headers: Mapping[str, str] = field(default_factory=dict)
    limit_seconds: float = LIMIT_SECONDS
    """What blocks the loop for longer is a finding."""
    python: Path | None = None
    """The project's interpreter; None: of the nearest `.venv`."""
    timeout: float = TIMEOUT_SECONDS
    """Seconds for the start, and for each answer."""
