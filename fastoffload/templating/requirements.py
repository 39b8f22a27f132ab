"""Lists of requirements in a pyproject.toml that have a line for each, sorted as uv sorts them."""

import re
from collections.abc import Iterable, Mapping

from fastoffload.templating.names import LEADING_NAME, normalized

PRODUCTION, DEVELOPMENT = "dependencies", "dev"  # how the lists are called
LISTS = (PRODUCTION, DEVELOPMENT)


def name_of(requirement: str) -> str:
    """The normalized name of what a requirement asks for."""
    found = LEADING_NAME.match(requirement)
    return normalized(found[0]) if found else ""


def sort_key(requirement: str) -> str:
    """What uv compares: it adds to a list in its place only where it finds the list sorted."""
    return re.split(r"[<>=!~;@ ]", requirement, maxsplit=1)[0]


def with_requirements(text: str, wanted: Mapping[str, Iterable[str]]) -> str:
    """A pyproject.toml with more requirements in its lists, each in its place.

    A name that a list has already stays as it is, and so does a list that is laid out otherwise.
    """
    for name, requirements in wanted.items():
        lines = [f'    "{requirement}",\n' for requirement in requirements]
        text = with_lines(text, name, lines)
    return text


def with_lines(text: str, name: str, lines: Iterable[str]) -> str:
    """The same with whole lines of one list."""
    found = _list(name).search(text)
    if found is None:
        return text
    there = found[2].splitlines(keepends=True)
    names = {name_of_line(line) for line in there}
    for line in lines:
        if name_of_line(line) not in names:
            after = (place for place, one in enumerate(there) if _place(one) > _place(line))
            there.insert(next(after, len(there)), line)
    return text[: found.start(2)] + "".join(there) + text[found.end(2) :]


def lines_of(text: str, name: str) -> list[str]:
    """The lines of a list; none where it is laid out otherwise."""
    found = _list(name).search(text)
    return found[2].splitlines(keepends=True) if found else []


def name_of_line(line: str) -> str:
    """The name that a line of a list asks for; "" for a line that asks for nothing."""
    return name_of(line.strip().removeprefix('"'))


def _place(line: str) -> str:
    return sort_key(line.strip().removeprefix('"'))


def _list(name: str) -> re.Pattern[str]:
    return re.compile(rf"^({name} = \[\n)((?:    .*\n)*)(?=\])", re.MULTILINE)
