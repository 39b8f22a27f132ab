"""Which of the variants that were measured to take, and the figures that decide."""

import math
from collections.abc import Callable, Sequence

from fastoffload.catalog import RUN_ON, THREADS, Choice
from fastoffload.choosing.bench_results import Evidence, Measured
from fastoffload.choosing.workload import ROOM, Work
from fastoffload.errors import FastoffloadError

SLOWER = 2  # times the best p99 of health under load: more is noticed
SLOWER_MS = 5  # and less than this more is not


def decide(evidence: Evidence, work: Work) -> tuple[Choice, list[str]]:
    """The variant to take, and the figures that decided.

    Raises FastoffloadError when none of those that were measured will do.
    """
    able, reasons = _able(evidence.variants, work)
    if not able:
        why = "; ".join(reasons) or "no variant was measured"
        raise FastoffloadError(
            f"{evidence.file} has no strategy that will do for this ({why});"
            " measure more --variants, or leave out --from-bench"
        )
    quick, slow = _quick(able)
    taken = min(quick, key=lambda found: (_parts(found), -found.jobs_per_second))
    return taken.choice, [*reasons, *slow, _praise(taken)]


def overload(evidence: Evidence, work: Work) -> str | None:
    """Why one machine like the measured one is not enough for the load; None if it is."""
    rates = [found.jobs_per_second for found in evidence.variants if not found.lost]
    most = ROOM * max(rates, default=math.inf)
    if work.per_second <= most:
        return None
    return (
        f"{work.per_second:.2f} jobs/s are more than one machine like this should be given"
        f" ({most:.2f}): only a queue spreads over more"
    )


def _lost_jobs(found: Measured, _: Work) -> str | None:
    return f"it lost {found.lost} accepted jobs" if found.lost else None


def _is_no_queue(found: Measured, work: Work) -> str | None:
    return "it is no queue" if work.needs_a_queue and not found.choice.is_queue else None


def _needs_a_broker(found: Measured, work: Work) -> str | None:
    return "it needs a broker" if found.choice.is_queue and not work.brokers_ok else None


def _has_one_broker(found: Measured, work: Work) -> str | None:
    if not work.survives("machine") or found.choice.answers.get("broker") == "rabbitmq":
        return None
    return "its broker is on one machine; RabbitMQ can be a cluster"


def _shares_a_process(found: Measured, work: Work) -> str | None:
    if not work.survives("crash") or found.choice.runs_on != THREADS:
        return None
    return "a job on a thread takes the others along"


def _has_no_room(found: Measured, work: Work) -> str | None:
    if work.spreads or found.jobs_per_second * ROOM >= work.per_second:
        return None
    return f"{found.jobs_per_second:.2f} jobs/s leave no room for {work.per_second:.2f}"


# In the order in which they are told; the first that a variant fails is named.
CONDITIONS: tuple[Callable[[Measured, Work], str | None], ...] = (
    _lost_jobs,
    _is_no_queue,
    _needs_a_broker,
    _has_one_broker,
    _shares_a_process,
    _has_no_room,
)


def _able(variants: Sequence[Measured], work: Work) -> tuple[list[Measured], list[str]]:
    """Those that meet every condition, and why the others are out."""
    reasons = []
    left = list(variants)
    for fails in CONDITIONS:
        reasons += [f"{v.name} is out: {reason}" for v in left if (reason := fails(v, work))]
        left = [variant for variant in left if not fails(variant, work)]
    return left, reasons


def _quick(variants: Sequence[Measured]) -> tuple[list[Measured], list[str]]:
    """Those whose health is about as good as the best one's, and why the others are out."""
    best = min(found.loaded_p99 for found in variants)
    limit = max(best * SLOWER, best + SLOWER_MS)
    slow = [
        f"{found.name} is out: under load its health p99 is {found.loaded_p99:.0f} ms,"
        f" and {best:.0f} ms is possible"
        for found in variants
        if found.loaded_p99 > limit
    ]
    return [found for found in variants if found.loaded_p99 <= limit], slow


def _parts(found: Measured) -> int:
    """Its place among those with fewer and more parts."""
    return RUN_ON.index(found.choice.runs_on)


def _praise(taken: Measured) -> str:
    return (
        f"{taken.name} has the fewest parts of those left: health p99 {taken.loaded_p99:.0f} ms"
        f" under load, {taken.jobs_per_second:.2f} jobs/s, {taken.lost} jobs lost"
    )
