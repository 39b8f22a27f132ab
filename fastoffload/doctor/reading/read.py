"""Reads a project from entries to findings."""

import gc
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastoffload.doctor.blocking import Catalog
from fastoffload.doctor.findings import Finding, Place
from fastoffload.doctor.reading.advice import advice
from fastoffload.doctor.reading.entries import Entries
from fastoffload.doctor.reading.paths import Blocked, Paths
from fastoffload.doctor.reading.resolving.expressions import Resolver
from fastoffload.doctor.reading.sources import Project
from fastoffload.doctor.reading.walker import Walker
from fastoffload.doctor.report import Reading
from fastoffload.errors import FastoffloadError

FRAMEWORKS = re.compile(
    rb"^\s*(from|import)\s+(fastapi|starlette|strawberry|ariadne|graphene)\b", re.MULTILINE
)
# Requests that come to an entry of the kind, for one that comes to a route.
REACH = {"middleware": 10, "dependency": 5}


def read(root: Path) -> Reading:
    """What blocks the event loop of the application under `root`, by reading alone.

    Raises FastoffloadError if there is no application.
    """
    with _without_collector():
        catalog = Catalog()
        project = Project(root, catalog.heads)
        try:
            return _read(project, catalog)
        finally:
            project.close()


def _read(project: Project, catalog: Catalog) -> Reading:
    resolver = Resolver(project, catalog)
    entries = Entries(resolver).all()
    if not (entries or project.unread or any(m.mentions(FRAMEWORKS) for m in project.modules)):
        raise FastoffloadError(
            f"{project.root} has no module that imports FastAPI or Starlette; give the folder of a"
            " FastAPI application"
        )
    walker = Walker(resolver)
    paths = Paths(walker, entries)
    found = _one_each(paths.all())
    return _report(project, paths, walker, sorted(found, key=_order))


def _one_each(found: Iterator[Blocked]) -> list[Blocked]:
    """One for an entry, a function and a category: three queries in a row are one finding."""
    firsts: dict[tuple[object, ...], Blocked] = {}
    for each in found:
        where = each.trail[-1].node
        firsts.setdefault((each.entry.name, where, each.block.library.category), each)
    return list(firsts.values())


def _order(found: Blocked) -> tuple[float, str, int, str]:
    seconds = found.block.library.category.seconds * REACH.get(found.entry.kind, 1)
    module = found.trail[-1].scope.module
    return -seconds, module.file, found.block.line, found.entry.name


def _report(project: Project, paths: Paths, walker: Walker, found: list[Blocked]) -> Reading:
    startup = [each for each in found if each.entry.kind == "startup"]
    files = [each for each in found if each.block.library.category.cause == "files"]
    apart = {id(each) for each in [*startup, *files]}
    return Reading(
        findings=tuple(_finding(each) for each in found if id(each) not in apart),
        startup=tuple(_finding(each) for each in startup if each not in files),
        files=tuple(_finding(each) for each in files),
        modules=len(project.modules),
        entries=dict(Counter(entry.kind for entry in paths.followed)),
        functions=len(walker.functions),
        calls=walker.calls,
        unknown_calls=walker.unknown_calls,
        unread=tuple(sorted(project.unread, key=str)),
        cut=tuple(paths.cut),
    )


def _finding(found: Blocked) -> Finding:
    return Finding(
        entry=found.entry.name,
        kind=found.entry.kind,
        call=found.block.call.replace("()", "").replace("[]", ""),
        cause=found.block.library.category.cause,
        place=Place(found.trail[-1].scope.module.file, found.block.line),
        chain=tuple(function.name for function in found.trail),
        remedy=advice(found),
    )


@contextmanager
def _without_collector() -> Iterator[None]:
    """Trees are many objects and all of them stay: looking for garbage takes half of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.freeze()  # else the first thing it does is to look at all of them
            gc.enable()
