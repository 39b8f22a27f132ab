"""The project that one is in, and the recipes of the release that it has."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from fastoffload.doctor.reading.packages import place_in
from fastoffload.doctor.reading.sources import Project as Sources
from fastoffload.errors import FastoffloadError
from fastoffload.recipes.place import Place
from fastoffload.recipes.recipe import Recipe, in_templates
from fastoffload.recipes.taken import needed
from fastoffload.templating import releases
from fastoffload.templating.answers import ANSWERS_FILE, Answers


@dataclass(frozen=True, slots=True)
class Project:
    """A project that has the engine, whoever generated the rest of it."""

    place: Place
    answers: Answers

    @classmethod
    def around(cls, folder: Path) -> Self:
        """The project that a folder is in. Raises FastoffloadError when it is in none."""
        for root in (folder, *folder.parents):
            if (root / ANSWERS_FILE).is_file():
                answers = Answers.read(root)
                return cls(_place(root, answers.package), answers)
        raise FastoffloadError(
            f"{folder} is in no project that has the engine; go into one, make one by"
            " `fastoffload new`, or give yours the engine by `fastoffload init`"
        )

    @contextmanager
    def recipes(self) -> Iterator[dict[str, Recipe]]:
        """The recipes of the project's own release; their folders last as long as the block.

        Raises FastoffloadError when the release has none.
        """
        with releases.templates(self.answers.release) as templates:
            found = in_templates(templates)
            if not found:
                raise FastoffloadError(
                    f"release {self.answers.release}, which this project has, knows no recipes;"
                    " run `fastoffload update` first"
                )
            yield found

    def offered(self, recipes: Iterable[Recipe]) -> list[Recipe]:
        """Those of the recipes that can be added here."""
        is_generated = self.answers.package is None
        return [one for one in recipes if is_generated or not needed(one)]


def _place(root: Path, package: str | None) -> Place:
    if package is None:
        return Place(root)
    sources = Sources(root)
    try:
        return place_in(sources, root, package)
    finally:
        sources.close()
