"""What there is to smoke: every variant, on every Python asked for."""

import platform
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from fastoffload.catalog import STRATEGIES, variants
from fastoffload.errors import UsageError, unknown

ALL = "all"  # every recipe with every strategy
TOGETHER = 2  # recipes in one project, at the least


@dataclass(frozen=True, slots=True)
class Entry:
    """One variant with some recipes, on one Python, which is named by its minor version."""

    variant: str
    strategy: str
    python: str
    recipes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Variant and Python, as a folder may be called."""
        return f"{self.variant}-{self.python}"


def entries(
    strategies: Collection[str], names: Collection[str], pythons: Collection[str]
) -> list[Entry]:
    """The matrix: all that belong to the strategies and names given; no name means every one."""
    known = variants()
    _check("strategy", strategies, STRATEGIES)
    _check("variant", names, known)
    chosen = [
        Entry(name, choice.strategy.name, python)
        for name, choice in known.items()
        for python in pythons or [this_python()]
        if (not names or name in names) and (not strategies or choice.strategy.name in strategies)
    ]
    if not chosen:
        raise UsageError("no variant is of that strategy; leave out --strategy or --variant")
    return chosen


def with_recipes(
    found: Sequence[Entry], recipes: Sequence[str], wanted: Sequence[str]
) -> list[Entry]:
    """The entries with the recipes of each: those that are wanted, or two that take turns.

    When all are wanted, the variants of each strategy share them.
    """
    for name in wanted:
        if name not in (*recipes, ALL):
            raise unknown("recipe", name, [*recipes, ALL], "--recipe takes")
    if wanted and ALL not in wanted:
        return [replace(entry, recipes=tuple(wanted)) for entry in found]
    return [replace(entry, recipes=_turn(entry, recipes, all_of=ALL in wanted)) for entry in found]


def _turn(entry: Entry, recipes: Sequence[str], *, all_of: bool) -> tuple[str, ...]:
    """Whose turn it is in a variant; the same whatever else is smoked."""
    there = [
        name
        for name, choice in variants().items()
        if not all_of or choice.strategy.name == entry.strategy
    ]
    share = -(-len(recipes) // len(there)) if all_of else 0
    number = min(max(share, TOGETHER), len(recipes))
    first = there.index(entry.variant) * number
    return tuple(recipes[(first + offset) % len(recipes)] for offset in range(number))


def this_python() -> str:
    """The minor version of the Python that runs this."""
    return ".".join(platform.python_version_tuple()[:2])


def _check(option: str, given: Collection[str], known: Collection[str]) -> None:
    for name in given:
        if name not in known:
            raise unknown(option, name, known, f"--{option} takes")
