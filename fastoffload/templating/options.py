"""What `new` was asked for, validated."""

import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from fastoffload.errors import UsageError
from fastoffload.templating import names

NAME_RULE = "letters, digits, '-', '_' and '.', with a letter or digit at both ends"
# Control characters, line and paragraph separators, and bytes that are no text.
NOT_ON_ONE_LINE = {"Cc", "Zl", "Zp", "Cs"}


@dataclass(frozen=True, slots=True)
class NewOptions:
    """The project to make. The path is absolute.

    A description of None leaves the template's, a release of None means the newest, and no recipes
    mean the sample.
    """

    path: Path
    name: str
    description: str | None
    release: str | None
    install: bool
    git: bool
    recipes: list[str]

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
        recipes: Sequence[str] = (),
    ) -> Self:
        """Validated options; the name is the folder's unless one is given."""
        # Not Path.resolve, which raises RuntimeError on a loop of symbolic links before 3.13.
        folder = Path(os.path.realpath(path))
        _check_one_line("the path", str(folder))
        _check_one_line("--description", description or "")
        return cls(folder, _name(name, folder), description, release, install, git, [*recipes])

    @property
    def answers(self) -> dict[str, str]:
        """The options by the names of the template's questions."""
        answers = {"project_name": self.name}
        return answers if self.description is None else answers | {"description": self.description}


def _name(given: str | None, path: Path) -> str:
    name = path.name if given is None else given
    if names.is_valid(name):
        return name
    near = names.valid_name_like(name)
    such_as = f", such as --name {near}" if near else ""
    if given is None:
        raise UsageError(
            f"the folder's name '{name}' is no valid project name ({NAME_RULE});"
            f" give one by --name{such_as}"
        )
    raise UsageError(f"--name '{name}' is no valid project name: {NAME_RULE}{such_as}")


def _check_one_line(subject: str, text: str) -> None:
    if any(unicodedata.category(character) in NOT_ON_ONE_LINE for character in text):
        raise UsageError(f"{subject} must be one line of text without control characters")
