"""What a dependency of the application may ask of requests for the engine's routes."""

from collections.abc import Iterator, Sequence

from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_dependant
from fastapi.params import Depends

from ..errors import CannotInstall

IN_PATHS = "/{job_id}/{name}"  # of the engine's routes: FastAPI takes such parameters for these


def check(dependencies: Sequence[Depends], prefix: str = "") -> None:
    """Raise CannotInstall for one that no request could satisfy, or that would change the body.

    FastAPI would say so for the one route or the other only, or not at all: it takes `job_id` from
    the path where a route has it and from the query elsewhere. With a default it may ask for both.
    """
    for one in dependencies:
        if one.dependency is None:
            continue
        try:
            plain = get_dependant(path=prefix, call=one.dependency)
            get_dependant(path=prefix + IN_PATHS, call=one.dependency)
        except AssertionError as error:
            reason = f"{error}; of the paths here, `job_id` and `name` are parts"
        else:
            reason = next(_reasons(plain, prefix), "")
        if reason:
            name = getattr(one.dependency, "__name__", type(one.dependency).__name__)
            raise CannotInstall(f"the dependency {name} does not fit the engine's routes: {reason}")


def _reasons(dependant: Dependant, prefix: str) -> Iterator[str]:
    for one in dependant.body_params:
        yield f"`{one.name}` is read from the body, which is the job's own; take a header"
    for one in dependant.path_params:
        if f"{{{one.name}" not in prefix:
            yield f"`{one.name}` is no part of their paths; take it from elsewhere"
    for one in (*dependant.query_params, *dependant.header_params, *dependant.cookie_params):
        if f"{{{one.name}}}" in IN_PATHS and one.field_info.is_required():
            yield f"`{one.name}` is a part of some of their paths only; give it another name"
    for below in dependant.dependencies:
        yield from _reasons(below, prefix)
