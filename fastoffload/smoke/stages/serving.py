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
    """`start.py`, until the service says that it is ready."""
    project.running = await start(project, "boot")
    await until_ready(project.running)
    return ""


async def start(project: Project, stage: str, **given: str) -> Running:
    """The service, on a port of its own and with what its kinds need."""
    family = project.family(stage, project.folder / "data")
    port = free_port()
    project.settings = _settings_of_kinds(project)
    settings = {"WEB_PORT": str(port), "PYTHONUNBUFFERED": "1", **project.settings, **given}
    if services := project.place.services:
        settings |= services.private_settings(project.choice)
    starter = await family.start(
        [project.programs / "python", "start.py"], project.folder, project.log(stage), **settings
    )
    return Running(starter, family, Client(f"http://127.0.0.1:{port}"))


async def until_ready(running: Running) -> None:
    """Wait until the service says that it is. Raises StageError when it ends before."""
    while not await running.client.is_ready():
        if (code := running.starter.returncode) is not None:
            raise StageError(f"start.py ended with {code} before it was ready")
        await asyncio.sleep(LOOK_SECONDS)


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
    """SIGTERM to start.py: it ends, and so does everything that it has started."""
    running = _running(project)
    await running.client.close()
    if running.starter.returncode is not None:
        raise StageError(f"start.py had ended before, with {running.starter.returncode}")
    running.starter.send_signal(signal.SIGTERM)
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
