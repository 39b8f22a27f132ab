"""Which remedy fits a block, by the functions on the way to it."""

import ast
from collections.abc import Sequence

from fastoffload.doctor import remedies
from fastoffload.doctor.findings import Remedy
from fastoffload.doctor.reading.paths import Blocked
from fastoffload.doctor.reading.resolving.bindings import within
from fastoffload.doctor.reading.resolving.values import Function

PAUSES = (ast.Await, ast.AsyncFor, ast.AsyncWith)
# Behind them somebody waits for the answer: a job would come too late.
NO_JOB = ("middleware", "dependency", "startup")


def advice(found: Blocked) -> Remedy:
    """The remedy: a job if the work is heavy; else a plain `def` if it can be; else a wrap."""
    category = found.block.library.category
    entry = found.entry
    if category.action == "job" and entry.kind not in NO_JOB:
        return remedies.job(_job_name(found.trail), category.recipe)
    if entry.in_thread_as_def and not _pauses(entry.function) and len(found.trail) <= _sync(found):
        return remedies.plain_def(entry.function.name)
    in_process = category.cause == "computes" and not category.releases_gil
    return remedies.wrap(_wrapped(found), in_process=in_process, instead=category.instead)


def _pauses(function: Function) -> bool:
    return any(
        isinstance(node, PAUSES) or (isinstance(node, ast.comprehension) and node.is_async)
        for node in within(function.node)
    )


def _sync(found: Blocked) -> int:
    """How long the trail may be if all behind the entry are plain functions."""
    plain = [function for function in found.trail[1:] if not function.is_async]
    return 1 + len(plain)


def _wrapped(found: Blocked) -> str:
    """The first plain function behind the last `async def`; else the call itself."""
    after: list[str] = []
    for function in found.trail:
        after = [] if function.is_async else [*after, function.name]
    own = after[1:] if found.trail[0].name in after[:1] and len(after) > 1 else after
    return own[0] if own else found.block.call.replace("()", "").replace("[]", "")


def _job_name(trail: Sequence[Function]) -> str:
    name = getattr(trail[0].node, "name", "work")
    return str(name).strip("_") or "work"
