"""What `new` was asked for, validated."""

import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from fastoffload import names
from fastoffload.errors import UsageError
from fastoffload.strategies import DEFAULT_POOL, STRATEGIES, Strategy, available_strategies

NAME_RULE = "letters, digits, '-', '_' and '.', with a letter or digit at both ends"
# Control characters, line and paragraph separators, and bytes that are no text.
NOT_ON_ONE_LINE = {"Cc", "Zl", "Zp", "Cs"}


@dataclass(frozen=True, slots=True)
class Choice:
    """A strategy and, where it offers one, the kind of pool."""

    strategy: Strategy
    pool: str | None

    @classmethod
    def of(cls, strategy_name: str, pool: str | None) -> Self:
        """What two option values name; raises UsageError when they do not go together."""
        strategy = _strategy(strategy_name)
        if strategy.option != "pool":
            if pool is not None:
                raise UsageError(f"--pool does not go with strategy {strategy.name}; leave it out")
            return cls(strategy, None)
        return cls(strategy, _pool(strategy, pool or DEFAULT_POOL))

    @property
    def cost(self) -> str | None:
        """What the choice costs, in one line; None when there is nothing to say."""
        costs = [variant.cost for variant in self.strategy.variants if variant.name == self.pool]
        return next(iter(costs), self.strategy.cost)


def _strategy(name: str) -> Strategy:
    choices = ", ".join(strategy.name for strategy in available_strategies())
    if name not in STRATEGIES:
        raise UsageError(f"unknown strategy '{name}'; --strategy takes one of: {choices}")
    if not STRATEGIES[name].available:
        raise UsageError(f"strategy '{name}' is not available yet; take one of: {choices}")
    return STRATEGIES[name]


def _pool(strategy: Strategy, name: str) -> str:
    pools = [variant.name for variant in strategy.variants]
    if name not in pools:
        raise UsageError(f"unknown pool '{name}'; --pool takes one of: {', '.join(pools)}")
    return name


@dataclass(frozen=True, slots=True)
class NewOptions:
    """The project to make. The path is absolute; a description of None leaves the template's."""

    path: Path
    name: str
    description: str | None
    install: bool
    git: bool

    @classmethod
    def of(
        cls, path: Path, *, name: str | None, description: str | None, install: bool, git: bool
    ) -> Self:
        """Validated options; the name is the folder's unless one is given."""
        # Not Path.resolve, which raises RuntimeError on a loop of symbolic links before 3.13.
        absolute = Path(os.path.realpath(path))
        _check_one_line("the path", str(absolute))
        _check_one_line("--description", description or "")
        return cls(absolute, _name(name, absolute), description, install, git)


def _name(given: str | None, path: Path) -> str:
    name = path.name if given is None else given
    if names.is_valid(name):
        return name
    if given is None:
        raise UsageError(
            f"the folder's name '{name}' is no valid project name ({NAME_RULE}); give one by --name"
        )
    raise UsageError(f"--name '{name}' is no valid project name: {NAME_RULE}")


def _check_one_line(subject: str, text: str) -> None:
    if any(unicodedata.category(character) in NOT_ON_ONE_LINE for character in text):
        raise UsageError(f"{subject} must be one line of text without control characters")
