"""The recipes of a release: what each says of itself in its recipe.toml."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from fastoffload.errors import FastoffloadError, UsageError, unknown

FOLDER = "recipes"
RECIPE_FILE = "recipe.toml"
DEFAULT = "blank"  # of `add`
SAMPLE = "report"  # of `new`
NONE = "none"
TEXTS = ("summary", "fits", "why")
LISTS = ("words", "dependencies", "dev_dependencies", "curl")


@dataclass(frozen=True, slots=True)
class Recipe:
    """One kind of work: what it does, what people call it, and what it brings along.

    `smoke` are settings of a service in which its smoke.py runs; `{port}` is a free port.
    """

    name: str
    summary: str
    words: list[str]
    fits: str
    why: str
    dependencies: list[str]
    dev_dependencies: list[str]
    curl: list[str]
    smoke: dict[str, str]
    folder: Path

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raises FastoffloadError when its recipe.toml is not as it must be."""
        file = folder / RECIPE_FILE
        try:
            given = tomllib.loads(file.read_text(encoding="utf-8"))
            return cls(name=folder.name, folder=folder, **_checked(given))
        except (OSError, ValueError) as error:
            raise FastoffloadError(f"{file} is no recipe: {error}") from error

    @property
    def facts(self) -> dict[str, object]:
        """What `--json` shows of it."""
        shown = ("name", "summary", "words", "fits", "why", "dependencies", "dev_dependencies")
        return {name: getattr(self, name) for name in shown}

    @property
    def own_words(self) -> set[str]:
        """What people search for, in small letters."""
        return {word.lower() for word in self.words}

    @property
    def reason(self) -> str:
        """What a prompt says of it."""
        return f"{self.summary} ({self.fits})"

    def mentions(self, words: Sequence[str]) -> bool:
        """Whether it has each of the words, in whatever case, and with or without hyphens."""
        text = _plain(" ".join([self.name, self.summary, self.fits, self.why, *self.words]))
        return all(_plain(word) in text for word in words)


def in_templates(templates: Path) -> dict[str, Recipe]:
    """All recipes of a release by name: the blank one first; none before there were any."""
    folders = sorted(path.parent for path in (templates / FOLDER).glob(f"*/{RECIPE_FILE}"))
    found = {folder.name: Recipe.read(folder) for folder in folders}
    return dict(sorted(found.items(), key=lambda one: one[0] != DEFAULT))


def named(recipes: Mapping[str, Recipe], name: str) -> Recipe:
    """The recipe of that name. Raises UsageError that says which there are."""
    if name not in recipes:
        raise unknown("recipe", name, recipes, "--recipe takes one of")
    return recipes[name]


def search(recipes: Mapping[str, Recipe], words: Sequence[str]) -> list[Recipe]:
    """Those that mention each of the words. Raises FastoffloadError when none does."""
    found = [recipe for recipe in recipes.values() if recipe.mentions(words)]
    if not found:
        raise FastoffloadError(
            f"no recipe mentions {' and '.join(words)}; `fastoffload recipes` lists all, and"
            f" {DEFAULT} takes any work"
        )
    return found


def of_library(recipes: Mapping[str, Recipe], library: str) -> str:
    """The name of the recipe that is for work with a library: one of its words; else the blank."""
    fits = (recipe.name for recipe in recipes.values() if library.lower() in recipe.own_words)
    return next(fits, DEFAULT)


def several(recipes: Mapping[str, Recipe], names: Sequence[str]) -> list[Recipe]:
    """The recipes of those names, each once; `none` alone is none. Raises UsageError."""
    if NONE not in names:
        return [named(recipes, name) for name in dict.fromkeys(names)]
    if len(names) > 1:
        raise UsageError(f"--recipe {NONE} goes with no other; leave it out, or the others")
    return []


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    found = {"smoke": {}, **given}
    wanted = {field.name for field in fields(Recipe)} - {"name", "folder"}
    if wrong := wanted ^ found.keys():
        raise ValueError(f"{min(wrong)} is missing, or not known")
    texts = [found[name] for name in TEXTS]
    texts += [text for name in LISTS for text in found[name]] + [*found["smoke"].values()]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("there is a value that is no text")
    return found


def _plain(text: str) -> str:
    return text.lower().replace("-", "")
