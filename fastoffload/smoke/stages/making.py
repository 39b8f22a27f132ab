"""The stages that make a project: render, install."""

import asyncio
from pathlib import Path

from fastoffload.smoke.project.project import Project
from fastoffload.system.uv import uv_program
from fastoffload.templating import first_kinds
from fastoffload.templating.render import render_from


async def render(project: Project) -> str:
    """Writes the project from the templates, with a kind of each of its recipes."""
    project.folder.mkdir()
    answers = {"project_name": "demo", **project.choice.answers}
    files = await asyncio.to_thread(render_from, project.place.templates, project.folder, answers)
    project.kinds = first_kinds.write(project.folder, project.recipes)
    number = len(files) + sum(len(kind.files) for kind in project.kinds)
    return f"{number} files, {' and '.join(project.entry.recipes)}"


async def install(project: Project) -> str:
    """`uv sync`; a project with the same requirements as another shares its environment."""

    async def sync(environment: Path) -> None:
        command = (uv_program(), "sync", "--no-progress", "--python", project.entry.python)
        await project.run("install", *command, UV_PROJECT_ENVIRONMENT=str(environment))

    lent = await project.place.environments.give(project.folder, project.entry.python, sync)
    return "shared" if lent else ""
