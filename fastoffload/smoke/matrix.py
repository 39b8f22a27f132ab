"""What there is to smoke: every variant, on every Python asked for."""

import platform
from collections.abc import Collection
from dataclasses import dataclass

from fastoffload.catalog import STRATEGIES, variants
from fastoffload.errors import UsageError, unknown


@dataclass(frozen=True, slots=True)
class Entry:
    """One variant on one Python, which is named by its minor version."""

    variant: str
    strategy: str
    python: str

    @property
    def name(self) -> str:
        """Both, as a folder may be called."""
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


def this_python() -> str:
    """The minor version of the Python that runs this."""
    return ".".join(platform.python_version_tuple()[:2])


def _check(option: str, given: Collection[str], known: Collection[str]) -> None:
    for name in given:
        if name not in known:
            raise unknown(option, name, known, f"--{option} takes")
