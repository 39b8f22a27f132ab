"""What blocks: `blocking.toml`, looked up by the path of a call."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Generic, Literal, TypeVar

DATA = Path(__file__).with_name("blocking.toml")
CHOICE = re.compile(r"\{([^{}]*)\}")
STAR = re.compile(r"\*\*?")
HEAD = re.compile(r"\w+(?=[.(\[]|$)")
FRAMEWORKS = {"fastapi", "starlette", "pydantic", "strawberry", "graphene", "ariadne", "celery"}
# A name for a name for a name: where it is cut off.
MOST_NAMES = 5
Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of blocking call."""

    name: str
    cause: Literal["waits", "computes", "files"]
    seconds: float
    """About what one call takes; it orders findings, and is never shown as measured."""
    action: Literal["wrap", "job"]
    recipe: str = "blank"
    instead: str = ""
    """What does the same without blocking, if there is something."""
    releases_gil: bool = False
    """It computes, and a thread is enough."""


@dataclass(frozen=True, slots=True)
class Library:
    """A group of calls of one category: an entry of the data file."""

    name: str
    category: Category


class Paths(Generic[Kept]):
    """Patterns of paths, and what is kept under each; sorted by the library they start with."""

    def __init__(self, patterns: Iterable[tuple[str, Kept]]) -> None:
        self._by_head: dict[str, list[tuple[re.Pattern[str], Kept]]] = {}
        for pattern, kept in patterns:
            head = HEAD.match(pattern)
            self._by_head.setdefault(head[0] if head else "", []).append((_regex(pattern), kept))

    @property
    def heads(self) -> frozenset[str]:
        """The first names of all patterns."""
        return frozenset(self._by_head)

    def find(self, path: str) -> tuple[re.Match[str], Kept] | None:
        """The first pattern that the whole path matches, and what is kept under it."""
        head = HEAD.match(path)
        for regex, kept in [
            *self._by_head.get(head[0] if head else "", []),
            *self._by_head.get("", []),
        ]:
            if match := regex.fullmatch(path):
                return match, kept
        return None


class Catalog:
    """The whole data file; answers are remembered, for the same paths come again and again."""

    def __init__(self, file: Path = DATA) -> None:
        data = tomllib.loads(file.read_text())
        self.categories = {
            name: Category(name, **fields) for name, fields in data["categories"].items()
        }
        self.libraries = {
            name: Library(name, self.categories[fields["category"]])
            for name, fields in data["libraries"].items()
        }
        self.patterns = {
            name: [each for call in fields["calls"] for each in _choices(call)]
            for name, fields in data["libraries"].items()
        }
        """What of each entry blocks."""
        self._calls = Paths(_of(data, "calls", self.libraries))
        self._iterated = Paths(
            (call, library)
            for call, library in _of(data, "calls", self.libraries)
            if call.endswith("[]")
        )
        self._excepted = Paths(_of(data, "except", self.libraries))
        self._gives = Paths(
            pair
            for fields in data["libraries"].values()
            for pair in _pairs(fields.get("gives", {}))
        )
        self.heads = self._calls.heads | FRAMEWORKS
        """What libraries are imported as."""
        self.canonical = cache(self._canonical)
        self.blocking = cache(self._blocking)
        self.iterated = cache(self._when_iterated)

    def _canonical(self, path: str) -> str:
        """The path under its one name."""
        for _ in range(MOST_NAMES):
            found = self._gives.find(path)
            if found is None:
                break
            match, name = found
            stars = iter(match.groups())
            path = STAR.sub(lambda _: next(stars), name)  # noqa: B023 called at once
        return path

    def _blocking(self, path: str) -> Library | None:
        """The entry that lists the call; None if it does not block."""
        found = self._calls.find(path)
        excepted = self._excepted.find(path) if found else None
        return found[1] if found and not (excepted and excepted[1] == found[1]) else None

    def _when_iterated(self, path: str) -> Library | None:
        """The entry that lists what the path names as blocking while somebody iterates it."""
        found = self._iterated.find(f"{path}[]")
        return found[1] if found else None


def _of(
    data: dict[str, dict[str, dict[str, list[str]]]], key: str, libraries: dict[str, Library]
) -> Iterator[tuple[str, Library]]:
    for name, fields in data["libraries"].items():
        for call in fields.get(key, []):
            for pattern in _choices(call):
                yield pattern, libraries[name]


def _pairs(gives: dict[str, str]) -> Iterator[tuple[str, str]]:
    for pattern, name in gives.items():
        patterns, names = [*_choices(pattern)], [*_choices(name)]
        yield from zip(patterns, names * (len(patterns) // len(names)), strict=True)


def _choices(pattern: str) -> Iterator[str]:
    """The pattern for each choice of what stands in braces."""
    parts = CHOICE.split(pattern)
    for chosen in product(*(part.split(",") for part in parts[1::2])):
        yield "".join(map("".join, zip(parts[::2], [*chosen, ""], strict=True)))


def _regex(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\.\*\*\.|\*\*?)", pattern)
    stars = {"*": r"([^.]*)", "**": r"(.*)", ".**.": r"\.(.*\.)?"}
    return re.compile("".join(stars.get(part) or re.escape(part) for part in parts))
