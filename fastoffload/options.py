"""What `new` was asked for, validated."""

import os
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from fastoffload import names
from fastoffload.errors import UsageError
from fastoffload.strategies import STRATEGIES, Strategy, Variant

NAME_RULE = "letters, digits, '-', '_' and '.', with a letter or digit at both ends"
# What has no meaning beside each mode of `update`.
ALONE = {
    "--check": ("--to", "--test"),
    "--diff": ("--test", "--json"),
    "--continue": ("--to", "--test"),
    "--abort": ("--to", "--test"),
}
# Control characters, line and paragraph separators, and bytes that are no text.
NOT_ON_ONE_LINE = {"Cc", "Zl", "Zp", "Cs"}


@dataclass(frozen=True, slots=True)
class Choice:
    """A strategy and, where it has an option, the variant taken."""

    strategy: Strategy
    variant: Variant | None

    @classmethod
    def of(cls, strategy_name: str, given: Mapping[str, str | None]) -> Self:
        """What the option values name; raises UsageError when they do not go together."""
        strategy = _strategy(strategy_name)
        for option, value in given.items():
            if value is not None and option != strategy.option:
                raise UsageError(
                    f"--{option} does not go with strategy {strategy.name}; leave it out"
                )
        if strategy.option is None:
            return cls(strategy, None)
        return cls(strategy, _variant(strategy, given.get(strategy.option)))

    @property
    def answers(self) -> dict[str, str]:
        """The choice by the names of the template's questions: strategy, and pool or broker."""
        answers = {"strategy": self.strategy.name}
        if self.strategy.option and self.variant:
            answers[self.strategy.option] = self.variant.name
        return answers

    @property
    def cost(self) -> str | None:
        """What the choice costs, in one line; None when there is nothing to say."""
        return self.variant.cost if self.variant else self.strategy.cost


def variants() -> dict[str, Choice]:
    """Every variant by its name: `executor-process`, `celery-redis`."""
    choices = [
        Choice(strategy, variant)
        for strategy in STRATEGIES.values()
        for variant in strategy.variants or (None,)
    ]
    return {"-".join(choice.answers.values()): choice for choice in choices}


def _strategy(name: str) -> Strategy:
    if name not in STRATEGIES:
        choices = ", ".join(STRATEGIES)
        raise UsageError(f"unknown strategy '{name}'; take one of: {choices}")
    return STRATEGIES[name]


def _variant(strategy: Strategy, name: str | None) -> Variant:
    if name is None:
        return strategy.variants[0]
    variants = {variant.name: variant for variant in strategy.variants}
    if name not in variants:
        option, choices = strategy.option, ", ".join(variants)
        raise UsageError(f"unknown {option} '{name}'; --{option} takes one of: {choices}")
    return variants[name]


@dataclass(frozen=True, slots=True)
class NewOptions:
    """The project to make. The path is absolute.

    A description of None leaves the template's, a release of None means the newest.
    """

    path: Path
    name: str
    description: str | None
    release: str | None
    install: bool
    git: bool

    @classmethod
    def of(
        cls,
        path: Path,
        *,
        name: str | None,
        description: str | None,
        release: str | None,
        install: bool,
        git: bool,
    ) -> Self:
        """Validated options; the name is the folder's unless one is given."""
        folder = absolute(path)
        _check_one_line("the path", str(folder))
        _check_one_line("--description", description or "")
        return cls(folder, _name(name, folder), description, release, install, git)

    @property
    def answers(self) -> dict[str, str]:
        """The options by the names of the template's questions."""
        answers = {"project_name": self.name}
        return answers if self.description is None else answers | {"description": self.description}


def absolute(path: Path) -> Path:
    """The path without links and dots."""
    # Not Path.resolve, which raises RuntimeError on a loop of symbolic links before 3.13.
    return Path(os.path.realpath(path))


def check_together(given: Mapping[str, bool]) -> None:
    """Raises UsageError when two options of `update` do not go together."""
    modes = [name for name in ("--check", "--diff", "--continue", "--abort") if given[name]]
    if len(modes) > 1:
        raise UsageError(f"{modes[0]} and {modes[1]} do not go together; give one of them")
    for mode in modes:
        for name in ALONE[mode]:
            if given[name]:
                raise UsageError(f"{name} does not go with {mode}; leave it out")


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
