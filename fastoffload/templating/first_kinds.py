"""The kinds of jobs that a new project begins with, from the recipes of its release."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from fastoffload.errors import UsageError
from fastoffload.recipes import naming
from fastoffload.recipes.curl import curl_line
from fastoffload.recipes.files import files_of, prefix_of
from fastoffload.recipes.migration import migration_of
from fastoffload.recipes.place import Place
from fastoffload.recipes.recipe import SAMPLE, Recipe, in_templates, several
from fastoffload.templating import releases
from fastoffload.templating.requirements import DEVELOPMENT, PRODUCTION, with_requirements


@dataclass(slots=True)
class FirstKinds:
    """What was written: the recipes, the files, and the command that runs a job of each."""

    recipes: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    curls: list[str] = field(default_factory=list)

    @classmethod
    def write(cls, folder: Path, release: str, given: Sequence[str]) -> Self:
        """Writes the kinds into a project that was just rendered. Raises UsageError."""
        made = cls()
        with releases.templates(release) as templates:
            for recipe in chosen(templates, release, given):
                made.add(Place(folder), recipe)
        return made

    def add(self, place: Place, recipe: Recipe) -> None:
        """Writes one kind, which is called as its recipe is."""
        name = recipe.name if naming.fault_of(recipe.name) is None else naming.like(recipe.name)
        files = files_of(recipe, name, place, None) | migration_of(recipe, name, place)
        for path, content in files.items():
            file = place.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        _require(place.root / "pyproject.toml", recipe)
        self.recipes.append(recipe.name)
        self.files += files
        self.curls.append(curl_line(recipe, name, place, prefix_of(files, name, place)))


def check_known(release: str, given: Sequence[str]) -> None:
    """Raises UsageError for a recipe that the release does not have."""
    with releases.templates(release) as templates:
        chosen(templates, release, given)


def chosen(templates: Path, release: str, given: Sequence[str]) -> list[Recipe]:
    """The recipes of those names; the sample where none is named. Raises UsageError."""
    recipes = in_templates(templates)
    if recipes:
        return several(recipes, given or [SAMPLE])
    if given:
        raise UsageError(f"release {release} has no recipes yet; leave out --recipe or --release")
    return []  # its sample is a part of it


def _require(pyproject: Path, recipe: Recipe) -> None:
    wanted = {PRODUCTION: recipe.dependencies, DEVELOPMENT: recipe.dev_dependencies}
    text = with_requirements(pyproject.read_text(encoding="utf-8"), wanted)
    pyproject.write_text(text, encoding="utf-8")
