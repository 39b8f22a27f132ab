"""The work for `choose`: from options, and from questions for what they leave open."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from fastoffload.choosing.bench_results import Evidence
from fastoffload.choosing.workload import KINDS, LEVELS, MOST, Work, counted
from fastoffload.errors import UsageError
from fastoffload.system.cpu import available_cores

T = TypeVar("T")
LIKE_HERE = "wait"  # for what was measured: what it takes in cores is in the throughput


@dataclass(frozen=True, slots=True)
class Described:
    """What the options say; None where they say nothing."""

    seconds: float | None = None
    kind: str | None = None
    must_survive: str | None = None
    machines: int | None = None
    cores: int | None = None
    per_minute: float | None = None
    brokers_ok: bool | None = None


OPTIONS = {
    "seconds": "--seconds",
    "kind": "--work",
    "must_survive": "--must-survive",
    "machines": "--machines",
    "cores": "--cores",
    "per_minute": "--per-minute",
    "brokers_ok": "--brokers-ok or --no-brokers",
}


def describe(given: Described, evidence: Evidence | None, *, may_ask: bool) -> Work:
    """The work. Raises UsageError when something is not given and nobody can be asked."""
    known = {name: getattr(given, name) for name in OPTIONS}
    if evidence:
        if given.seconds is not None or given.kind is not None:
            raise UsageError("--from-bench knows --seconds and --work; leave them out")
        known |= {"seconds": evidence.job_seconds, "kind": LIKE_HERE}
    missing = [name for name in OPTIONS if known[name] is None and _is_needed(name, known)]
    if missing and not may_ask:
        options = ", ".join(OPTIONS[name] for name in missing)
        raise UsageError(f"not given: {options}; see `fastoffload choose --help`")
    for name in missing:
        if _is_needed(name, known):
            known[name] = QUESTIONS[name]()
    if known["cores"] is None:
        known["cores"] = available_cores()
    return Work(**known)


def _is_needed(name: str, known: Mapping[str, object]) -> bool:
    """Whether the answer depends on it: what waits takes no cores."""
    return name != "cores" or known["kind"] != "wait"


def _ask_number(question: str, kind: Callable[[str], float]) -> float:
    from questionary import text

    answer: str = text(question, validate=partial(_is_number, kind)).unsafe_ask()
    return kind(answer)


def _is_number(kind: Callable[[str], float], text: str) -> bool | str:
    try:
        return 0 < kind(text) <= MOST or f"more than 0, and {MOST} at most"
    except ValueError:
        return "a number, please"


def _ask_one(question: str, lines: Mapping[T, str]) -> T:
    from questionary import Choice, select

    choices = [Choice(text, value) for value, text in lines.items()]
    answer: T = select(question, choices).unsafe_ask()
    return answer


QUESTIONS: dict[str, Callable[[], object]] = {
    "seconds": partial(_ask_number, "How many seconds does a job take?", float),
    "kind": partial(
        _ask_one,
        "What does it do meanwhile?",
        {kind: f"{kind:<8} {text}" for kind, text in KINDS.items()},
    ),
    "must_survive": partial(
        _ask_one,
        "What must accepted jobs survive?",
        {level: f"{level:<8} {text}" for level, text in LEVELS.items()},
    ),
    "machines": partial(_ask_number, "On how many machines do jobs run?", int),
    "cores": partial(
        _ask_number,
        "How many cores has each of them where they run for real (for a GPU's work, GPUs)?"
        f" This one has {counted(available_cores(), 'core')}.",
        int,
    ),
    "per_minute": partial(_ask_number, "How many jobs come in a minute?", float),
    "brokers_ok": partial(
        _ask_one,
        "May there be a broker (Redis, RabbitMQ) to look after?",
        {True: "yes", False: "no"},
    ),
}
