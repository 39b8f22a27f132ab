"""What `bench --json` wrote, as far as it decides between strategies."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from fastoffload.catalog import Choice
from fastoffload.choosing.rules import choice_of
from fastoffload.errors import FastoffloadError


@dataclass(frozen=True, slots=True)
class Measured:
    """A variant, its health latency under load in milliseconds, and how many jobs it lost."""

    choice: Choice
    loaded_p99: float
    jobs_per_second: float
    lost: int

    @property
    def name(self) -> str:
        """As `bench` has it."""
        return self.choice.name


@dataclass(frozen=True, slots=True)
class Evidence:
    """The variants that were measured, and how long a job took on an idle core."""

    file: Path
    job_seconds: float
    variants: list[Measured]

    @classmethod
    def read(cls, file: Path) -> Self:
        """Raises FastoffloadError when the file is not what `bench --json` prints."""
        try:
            found = json.loads(file.read_bytes())
            lost = _losses(found["losses"])
            variants = [_measured(way, lost) for way in found["ways"] if way["kind"] == "variant"]
            return cls(file, float(found["work"]["job_seconds"]), variants)
        except OSError as error:
            raise FastoffloadError(
                f"{file}: {error.strerror}; write it by `fastoffload bench --json > {file}`"
            ) from error
        except (ValueError, LookupError, TypeError, FastoffloadError) as error:
            raise FastoffloadError(
                f"{file} is not what `fastoffload bench --json` prints; measure again"
            ) from error


def _losses(losses: Iterable[dict[str, Any]]) -> dict[str, int]:
    lost: dict[str, int] = {}
    for loss in losses:
        lost[loss["way"]] = lost.get(loss["way"], 0) + int(loss["lost"])
    return lost


def _measured(way: dict[str, Any], lost: dict[str, int]) -> Measured:
    figures = way["figures"]
    return Measured(
        choice=choice_of(way["strategy"], way["option"]),
        loaded_p99=float(figures["loaded_p99"]["median"]),
        jobs_per_second=float(figures["jobs_per_second"]["median"]),
        lost=lost.get(way["name"], 0),
    )
