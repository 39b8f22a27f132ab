"""The kinds of jobs that a new project begins with, from the recipes of its release."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fastoffload.errors import UsageError
from fastoffload.recipes import naming
from fastoffload.recipes.curl import curl_line
from fastoffload.recipes.files import files_of, prefix_of
from fastoffload.recipes.migration import migration_of
from fastoffload.recipes.place import Place
from fastoffload.recipes.recipe import SAMPLE, Recipe, in_templates, several
from fastoffload.templating import releases
from fastoffload.templating.requirements import DEVELOPMENT, PRODUCTION, with_requirements


@dataclass(frozen=True, slots=True)
class FirstKind:
    """A kind that a project began with: what was written, and where its jobs are served."""

    recipe: str
    name: str
    route: str
    files: list[str]
    curl: str


def write_first(folder: Path, release: str, given: Sequence[str]) -> list[FirstKind]:
    """Writes the kinds into a project that was just rendered. Raises UsageError."""
    with releases.templates(release) as templates:
        return write(folder, chosen(templates, release, given))


def write(folder: Path, recipes: Iterable[Recipe]) -> list[FirstKind]:
    """The same from recipes that are at hand."""
    return [_write(Place(folder), recipe) for recipe in recipes]


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


def _write(place: Place, recipe: Recipe) -> FirstKind:
    """One kind, which is called as its recipe is, where anything can be called so."""
    name = recipe.name if naming.fault_of(recipe.name) is None else naming.like(recipe.name)
    files = files_of(recipe, name, place, None) | migration_of(recipe, name, place)
    for path, content in files.items():
        file = place.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    _require(place.root / "pyproject.toml", recipe)
    route = prefix_of(files, name, place)
    return FirstKind(recipe.name, name, route, [*files], curl_line(recipe, name, place, route))


def _require(pyproject: Path, recipe: Recipe) -> None:
    wanted = {PRODUCTION: recipe.dependencies, DEVELOPMENT: recipe.dev_dependencies}
    text = with_requirements(pyproject.read_text(encoding="utf-8"), wanted)
    pyproject.write_text(text, encoding="utf-8")
