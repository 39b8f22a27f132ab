"""A job of a kind in a service that runs: what the recipe's smoke.py does."""

from fastoffload.recipes.files import SMOKE, renamed
from fastoffload.recipes.place import Place
from fastoffload.recipes.recipe import Recipe
from fastoffload.smoke.project.project import Project
from fastoffload.templating.first_kinds import FirstKind


async def run_job(project: Project, recipe: Recipe, kind: FirstKind, url: str) -> str:
    """Runs it with the project's own Python. Returns the line that it prints.

    Raises StageError when it ends with anything but 0.
    """
    text = renamed((recipe.folder / SMOKE).read_text(), kind.name, Place(project.folder))
    # Neither in the project, whose files it is not among, nor where modules could be found by it.
    script = project.place.root / f"{project.entry.name}.{kind.name}.py"
    script.write_text(text)
    before = _lines(project)
    environment = {"PYTHONPATH": str(project.folder), **project.settings}
    await project.run("job", project.programs / "python", "-P", script, url, **environment)
    return f"{kind.name}: {' '.join(_lines(project)[len(before) :])}"


def _lines(project: Project) -> list[str]:
    """What has been printed by now."""
    log = project.log("job")
    return log.read_text(errors="replace").splitlines() if log.exists() else []
