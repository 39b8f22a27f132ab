"""The stages that serve: boot, job, stop."""

import asyncio
import signal

from fastoffload.smoke.project.client import Client
from fastoffload.smoke.project.project import Project, Running, free_port
from fastoffload.smoke.stages.job import run_job
from fastoffload.smoke.stages.outcome import NotRunError, StageError, left_nothing

LOOK_SECONDS = 0.05
# honcho kills after 5 s what does not heed its SIGTERM; the rest is for a busy machine.
STOP_SECONDS = 20


async def boot(project: Project) -> str:
    """`honcho start`, until the service says that it is ready."""
    family = project.family("boot", project.folder / "data")
    port = free_port()
    project.settings = _settings_of_kinds(project)
    settings = {"WEB_PORT": str(port), "PYTHONUNBUFFERED": "1", **project.settings}
    if services := project.place.services:
        settings |= services.private_settings(project.choice)
    honcho = await family.start(
        [project.programs / "honcho", "start"], project.folder, project.log("boot"), **settings
    )
    running = Running(honcho, family, Client(f"http://127.0.0.1:{port}"))
    project.running = running
    while not await running.client.is_ready():
        if honcho.returncode is not None:
            raise StageError(f"honcho ended with {honcho.returncode} before the service was ready")
        await asyncio.sleep(LOOK_SECONDS)
    return ""


async def job(project: Project) -> str:
    """A job of each kind, as the recipe's smoke.py asks for it and looks at what comes out."""
    running = _running(project)
    if not project.kinds:
        raise NotRunError("the templates have no recipes")
    notes = [
        await run_job(project, recipe, kind, f"{running.client.url}{kind.route}")
        for recipe, kind in zip(project.recipes, project.kinds, strict=True)
    ]
    return "; ".join(notes)


async def stop(project: Project) -> str:
    """SIGTERM to honcho: it ends, and so does everything that it has started."""
    running = _running(project)
    await running.client.close()
    if running.honcho.returncode is not None:
        raise StageError(f"honcho had ended before, with {running.honcho.returncode}")
    running.honcho.send_signal(signal.SIGTERM)
    await left_nothing(running.family, STOP_SECONDS)
    return ""


def _settings_of_kinds(project: Project) -> dict[str, str]:
    """What its recipes want the service to have; each has a free port, and may name it."""
    settings: dict[str, str] = {}
    for recipe in project.recipes:
        port = str(free_port())
        settings |= {key: text.replace("{port}", port) for key, text in recipe.smoke.items()}
    return settings


def _running(project: Project) -> Running:
    if project.running is None:
        raise StageError("the service does not run")
    return project.running
