"""What `bench --json` wrote, as far as it decides between strategies."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from fastoffload.errors import FastoffloadError
from fastoffload.options import Choice
from fastoffload.rules import choice_of
from fastoffload.work import ROOM, Work

# From the fewest parts to the most.
PARTS = ("background", "executor-thread", "executor-process", "dramatiq", "celery")
SLOWER = 2  # times the best p99 of health under load: more is noticed
SLOWER_MS = 5  # and less than this more is not


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
        return "-".join(self.choice.answers.values())

    @property
    def is_queue(self) -> bool:
        """Whether workers take jobs from a broker."""
        return self.choice.strategy.option == "broker"

    @property
    def parts(self) -> int:
        """Its place among those with fewer and more parts."""
        return next(i for i, name in enumerate(PARTS) if self.name.startswith(name))


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

    def decide(self, work: Work) -> tuple[Choice, list[str]]:
        """The variant to take, and the figures that decided."""
        reasons: list[str] = []
        left = self._able(work, reasons)
        if not left:
            raise FastoffloadError(
                f"{self.file} has no strategy that will do for this; measure more --variants"
            )
        best = min(found.loaded_p99 for found in left)
        limit = max(best * SLOWER, best + SLOWER_MS)
        left = _keep(
            left,
            lambda found: found.loaded_p99 <= limit,
            lambda found: (
                f"{found.name} is out: under load its health p99 is {found.loaded_p99:.0f}"
                f" ms, and {best:.0f} ms is possible"
            ),
            reasons,
        )
        taken = min(left, key=lambda found: (found.parts, -found.jobs_per_second))
        reasons.append(
            f"{taken.name} has the fewest parts of those left: health p99 {taken.loaded_p99:.0f} ms"
            f" under load, {taken.jobs_per_second:.2f} jobs/s, {taken.lost} jobs lost"
        )
        return taken.choice, reasons

    def _able(self, work: Work, reasons: list[str]) -> list[Measured]:
        """Those that survive what they must, lose nothing and get enough done."""
        left = _keep(
            self.variants,
            lambda found: found.lost == 0,
            lambda found: f"{found.name} is out: it lost {found.lost} accepted jobs",
            reasons,
        )
        needed = work.per_minute / 60
        most = ROOM * max((found.jobs_per_second for found in left), default=0)
        if needed > most:
            reasons.append(
                f"{needed:.2f} jobs/s are more than one machine like this should be given"
                f" ({most:.2f}): only a queue spreads over more"
            )
        queue = needed > most or work.spreads or work.survives("deploy")
        left = _keep(
            left,
            lambda found: found.is_queue if queue else work.brokers_ok or not found.is_queue,
            lambda found: f"{found.name} is out: it is {'no' if queue else 'a'} queue",
            reasons,
        )
        left = _keep(
            left,
            lambda found: (
                not work.survives("crash") or found.parts >= PARTS.index("executor-process")
            ),
            lambda found: f"{found.name} is out: a job on a thread takes the others along",
            reasons,
        )
        if needed > most:
            return left
        return _keep(
            left,
            lambda found: found.jobs_per_second * ROOM >= needed,
            lambda found: (
                f"{found.name} is out: {found.jobs_per_second:.2f} jobs/s leave no room"
                f" for {needed:.2f}"
            ),
            reasons,
        )


def _keep(
    variants: Iterable[Measured],
    will_do: Callable[[Measured], bool],
    reason: Callable[[Measured], str],
    reasons: list[str],
) -> list[Measured]:
    """Those that will do; why the others do not is added to the reasons."""
    left = []
    for found in variants:
        if will_do(found):
            left.append(found)
        else:
            reasons.append(reason(found))
    return left


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
