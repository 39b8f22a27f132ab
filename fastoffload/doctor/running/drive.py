"""Runs an application under the watch and drives its routes."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from fastoffload.doctor.report import NotJudged, Run
from fastoffload.doctor.running.application import Application
from fastoffload.doctor.running.discover import find_python, find_target
from fastoffload.doctor.running.judge import findings
from fastoffload.doctor.running.options import DriveOptions
from fastoffload.doctor.running.requests import Requests
from fastoffload.doctor.running.scratch import copied, servers_named


def drive(root: Path, target: str | None, options: DriveOptions) -> Run:
    """What blocks the loop of a project's application while its routes are driven.

    The application runs with the project's own Python, on loopback, in a copy that is removed
    afterwards, as is every process. `target` is `module:app`, or None for the only one there is.
    Raises FastoffloadError when no application or interpreter is found, or it does not start.
    """
    root = root.resolve()
    named = find_target(root, target)
    options = replace(options, python=find_python(root, options.python))
    notes = servers_named(os.environ, root)
    with copied(root, notes) as copy, Application(root, copy, named, options) as application:
        requests = Requests(application, options)
        requests.run()
        application.settle()
        stalls, nameless = _judged(requests, application.stalls)
    found = findings(stalls)
    return Run(
        findings=tuple(each for each in found if each.kind != "startup"),
        startup=tuple(each for each in found if each.kind == "startup"),
        requests=len(requests.sent),
        limit_seconds=options.limit_seconds,
        not_judged=(*requests.not_judged, *nameless),
        stopped_because=requests.stopped_because,
        notes=tuple(notes),
    )


def _judged(
    requests: Requests, events: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[NotJudged]]:
    """The stalls that count, apart from those that no line of the project's own is near to."""
    counted = []
    for event in events:
        number, stall = event["request"], event["stall"]
        if stall["kind"] == "background" and number is not None:
            stall["route"] = requests.sent[number].name  # also of a task that has left its request
        # First calls import and fill caches; what happens at the start happens once.
        if stall["kind"] == "startup" or number is None or requests.counts(number):
            counted.append(stall)
    nameless = {
        NotJudged(stall["entry"], f"blocked by {stall['call']}, with no line of yours near"): None
        for stall in counted
        if not stall["file"]
    }
    return [stall for stall in counted if stall["file"]], list(nameless)
