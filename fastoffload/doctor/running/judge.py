"""From stalls to findings, each with its remedy."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from fastoffload.doctor import remedies
from fastoffload.doctor.findings import Finding, Place, Remedy

JOB_SECONDS = {"computes": 1.0, "waits": 10.0, "files": 10.0}
"""From here on a client should not wait for it."""
# FastAPI runs these on a thread when they are a plain `def`.
THREADED = ("route", "dependency", "background")
# What has an answer to wait for, or none at all: its work can be done elsewhere and later.
MOVABLE = ("route", "background", "resolver")

HOW = {"computes": "in Python", "in C": "in C", "in C, with the GIL": "in C, with the GIL"}
PROGRAMS = ("subprocess.", "os.system", "os.popen")

Stall = Mapping[str, Any]
"""As the watch writes it into the pipe."""


def findings(stalls: Iterable[Stall]) -> tuple[Finding, ...]:
    """Of each place that an entry blocks at, the longest stall; the most expensive first."""
    places: defaultdict[tuple[object, ...], list[Stall]] = defaultdict(list)
    for stall in stalls:
        where = stall["line"] if _cause(stall) != "computes" else stall["chain"][-1:]
        places[stall["entry"], stall["file"], str(where)].append(stall)
    longest = [max(group, key=_seconds) for group in places.values()]
    return tuple(_finding(stall) for stall in sorted(longest, key=_seconds, reverse=True))


def _seconds(stall: Stall) -> float:
    return float(stall["seconds"])


def _finding(stall: Stall) -> Finding:
    # An entry that serves many routes says by which one it was seen.
    through = [] if stall["route"] in ("", stall["entry"]) else [stall["route"]]
    return Finding(
        entry=stall["entry"],
        kind=stall["kind"],
        call=stall["call"],
        cause=_cause(stall),
        place=Place(stall["file"], stall["line"]),
        chain=(*through, *stall["chain"]),
        remedy=_remedy(stall),
        seconds=round(_seconds(stall), 3),
        how=HOW.get(stall["how"], ""),
    )


def _cause(stall: Stall) -> str:
    how = str(stall["how"])
    return how if how in ("waits", "files") else "computes"


def _remedy(stall: Stall) -> Remedy:
    seconds, cause = _seconds(stall), _cause(stall)
    if stall["kind"] == "startup":
        return remedies.at_start()
    if stall["kind"] in MOVABLE and seconds >= JOB_SECONDS[cause]:
        return remedies.measured_job(_job_name(stall), stall["call"], seconds, _kind_of_work(stall))
    in_python = stall["how"] in ("computes", "in C, with the GIL")
    if not stall["awaits"] and stall["kind"] in THREADED and not in_python:
        return remedies.plain_def(stall["chain"][0])
    return remedies.wrap(stall["wrapped"], in_process=in_python)


def _kind_of_work(stall: Stall) -> str:
    """As `choose` names it."""
    if stall["call"].startswith(PROGRAMS):
        return "program"
    if _cause(stall) != "computes":
        return "wait"
    return "native" if stall["how"] == "in C" else "python"


def _job_name(stall: Stall) -> str:
    return str(stall["chain"][0]).rpartition(".")[2].strip("_") or "work"
