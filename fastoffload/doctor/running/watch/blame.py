"""Of what a loop was seen to do while it stood still: the entry, the line, the call, and how."""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from statistics import median
from types import CodeType
from typing import TYPE_CHECKING, NamedTuple

from .calls import awaits, call_at
from .stack import Look, Roots, Scope, Step, is_own, relative, route_of
from .stall import Stall

if TYPE_CHECKING:
    from typing import TypeGuard  # not before Python 3.10

# What a library's frame says of all that it calls. The innermost counts.
KINDS = {
    "starlette.applications": "middleware",  # again where an application is mounted in another
    "starlette.routing": "route",
    "fastapi.routing": "route",
    "fastapi.dependencies.utils": "dependency",
    "starlette.background": "background",
    "graphql.execution.execute": "resolver",
}
ASYNC = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
IMPORTING = "<frozen importlib._bootstrap>"  # what a first call loads is loaded once
FILES = ("io.", "pathlib.", "shutil.", "open", "os.read", "os.write", "os.fsync")
# Who waits for the GIL gets it from Python code after 5 ms, and at once while C code gave it up.
PROMPT_SECONDS = 0.003
HELD_SECONDS = 0.06


class Blame(NamedTuple):
    """Whom a look blames. With no step of the user's own: a library."""

    look: Look
    kind: str
    own: tuple[Step, ...]
    library: Step | None
    """Which the innermost own step called, if any."""

    @property
    def entry_code(self) -> tuple[str, CodeType | None]:
        """What the loop ran."""
        return self.kind, self.own[0].code if self.own else None

    @property
    def line(self) -> tuple[CodeType | None, int]:
        """The innermost own one."""
        return (self.own[-1].code, self.own[-1].line) if self.own else (None, 0)


def stalls_of(looks: list[Look], seconds: float, limit: float, roots: Roots) -> Iterator[Stall]:
    """Each that held the loop for longer than the limit, in a time in which it stood still."""
    total = sum(look.spent.wall for look in looks)
    blames = [blame for look in looks if (blame := _blame(look, roots))]
    for entry in _grouped(blames, lambda blame: blame.entry_code).values():
        rest = []
        for group in _grouped(entry, lambda blame: blame.line).values():
            # Waiting is a line's; what computes may be anywhere in a loop, or in what that calls.
            if _waits(group) and (share := seconds * _wall(group) / total) >= limit:
                yield _stall(group, share, roots)
            else:
                rest += group
        if rest and (share := seconds * _wall(rest) / total) >= limit:
            yield _stall(rest, share, roots)


def _blame(look: Look, roots: Roots) -> Blame | None:
    """None: nobody, because something is being imported, or the application ends."""
    kind, library = _first_kind(look.scope), None
    own: list[Step] = []
    for step in look.steps:
        if is_own(step.code.co_filename, roots):
            # A middleware calls the next one, and is not to blame for what that does.
            outer = [] if kind == "middleware" and _is_asgi(step) else own
            own, library = [*outer, step], None
        elif (below := _kind_below(step, kind, own)) != kind:
            kind, own, library = below, [], None
        else:
            library = library or step
    imports = any(step.code.co_filename == IMPORTING for step in look.steps)
    if imports or kind == "shutdown" or not (own or look.scope):
        return None
    if kind == "route" and look.scope and look.scope["type"] == "websocket":
        kind = "websocket"
    return Blame(look, kind, tuple(own), library)


def _kind_below(step: Step, kind: str, own: list[Step]) -> str:
    """Of what a library's frame calls."""
    leaves = step.code.co_name == "__aexit__" and not own
    if kind in ("startup", "shutdown"):
        return "shutdown" if leaves else kind
    if leaves and kind == "route":
        return "dependency"  # what follows its `yield`
    return KINDS.get(step.module, kind)


def _first_kind(scope: Scope | None) -> str:
    if scope is None:
        return "background"  # a task that the application made itself
    return "startup" if scope["type"] == "lifespan" else "middleware"


def _is_asgi(step: Step) -> bool:
    return {"receive", "send"} <= {*step.code.co_varnames[: step.code.co_argcount]}


def _stall(group: list[Blame], seconds: float, roots: Roots) -> Stall:
    blame = _narrowed(group)
    scope, route = blame.look.scope, route_of(blame.look.scope)
    how = _how(group)
    if not blame.own:
        return _of_library(blame, seconds, how, roots)
    place, chain = blame.own[-1], tuple(dict.fromkeys(_names(blame.own)))
    call = _call(blame, how)
    return Stall(
        seconds=seconds,
        entry=_entry(blame.kind, route, chain),
        kind=blame.kind,
        route=route,
        call=call,
        wrapped=_wrapped(blame.own, call),
        how="files" if how == "waits" and call.startswith(FILES) else how,
        file=relative(place.code.co_filename, roots),
        line=place.line,
        chain=chain,
        awaits=scope is None or awaits(blame.own[0].code),
        at=blame.look.at,
        scope=scope,
    )


def _of_library(blame: Blame, seconds: float, how: str, roots: Roots) -> Stall:
    """No own line called it: the nearest one is where the request's function begins."""
    scope, route = blame.look.scope, route_of(blame.look.scope)
    code = getattr(inspect.unwrap(scope["endpoint"]), "__code__", None) if _has(scope) else None
    if code is not None and not is_own(code.co_filename, roots):
        code = None
    return Stall(
        seconds=seconds,
        entry=route or "startup",
        kind="route" if route else "startup",
        route=route,
        call=blame.look.steps[-1].dotted,
        wrapped=blame.look.steps[-1].dotted,
        how=how,
        file=relative(code.co_filename, roots) if code else "",
        line=code.co_firstlineno if code else 0,
        chain=(code.co_name,) if code else (),
        awaits=True,  # a plain `def` does not help: the time passes outside of it
        at=blame.look.at,
        scope=scope,
    )


def _wrapped(own: tuple[Step, ...], call: str) -> str:
    """The first plain function behind the last `async def`; else the call itself."""
    last = max((at for at, step in enumerate(own) if step.code.co_flags & ASYNC), default=0)
    return next(_names(own[last + 1 :]), call)


def _has(scope: Scope | None) -> TypeGuard[Scope]:
    return scope is not None and callable(scope.get("endpoint"))


def _narrowed(group: list[Blame]) -> Blame:
    """As far in as the looks at most of the time agree, and there at the line of most of it.

    A look at a thread that only waited for a CPU is no proof of a line: next to no time was spent.
    """
    depth = 0
    while deeper := _agreeing(group, depth):
        group = deeper
        depth += 1
    if depth == 0:
        return group[0]
    lines = _grouped(group, lambda blame: blame.own[depth - 1].line)
    there = max(lines.values(), key=_wall)
    innermost = [blame for blame in there if len(blame.own) == depth]
    blame = (innermost or there)[0]
    return blame._replace(own=blame.own[:depth], library=blame.library if innermost else None)


def _agreeing(group: list[Blame], depth: int) -> list[Blame]:
    """Those at one function, so far in, for most of the time; none if there is no such function."""
    deeper = (blame for blame in group if len(blame.own) > depth)
    most = max(
        _grouped(deeper, lambda blame: blame.own[depth].code).values(), key=_wall, default=[]
    )
    return most if _wall(most) > _wall(group) / 2 else []


def _entry(kind: str, route: str, chain: tuple[str, ...]) -> str:
    if kind in ("route", "websocket"):
        return route
    if kind == "startup":
        return kind
    return " ".join(("background task" if kind == "background" else kind, *chain[:1]))


def _names(own: Iterable[Step]) -> Iterator[str]:
    for step in own:
        name = step.function
        if not name.endswith(">"):  # a comprehension or a lambda: of the function around it
            for method in (".__call__", ".dispatch"):
                name = name.removesuffix(method)
            yield name


def _how(group: list[Blame]) -> str:
    if _waits(group):
        return "waits"
    if median(blame.look.spent.held for blame in group) >= HELD_SECONDS:
        return "in C, with the GIL"
    late = median(blame.look.spent.late for blame in group)
    return "in C" if late < PROMPT_SECONDS else "computes"


def _waits(group: list[Blame]) -> bool:
    # Of all looks together: the clocks tell of a look's own time only after it. Who gives the GIL
    # up to the watching thread waits while that one gets no CPU: it would not wait otherwise.
    spent = [blame.look.spent for blame in group]
    return sum(each.cpu for each in spent) < sum(each.wall - each.unseen for each in spent) / 2


def _call(blame: Blame, how: str) -> str:
    place = blame.own[-1]
    calls = blame.library or how != "computes"  # else it is the function's own code
    return call_at(place, blame.library) if calls else place.dotted


def _wall(group: list[Blame]) -> float:
    return sum(blame.look.spent.wall for blame in group)


def _grouped(
    blames: Iterable[Blame], key: Callable[[Blame], Hashable]
) -> dict[Hashable, list[Blame]]:
    groups: defaultdict[Hashable, list[Blame]] = defaultdict(list)
    for blame in blames:
        groups[key(blame)].append(blame)
    return groups
