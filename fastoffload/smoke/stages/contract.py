"""The stage that holds the OpenAPI document against what is taken and answered."""

import signal
from pathlib import Path

from fastoffload.smoke.project.project import Project, Running
from fastoffload.smoke.stages.outcome import left_nothing
from fastoffload.smoke.stages.serving import STOP_SECONDS, start, until_ready
from fastoffload.system.uv import uv_program

SCHEMATHESIS = "schemathesis>=4.32,<5"
EXAMPLES, SEED = 3, 1  # of random data for each operation; the same in each run
CONFIG = Path(__file__).with_name("schemathesis.toml")
WRITE = (
    "import json, sys; from app.main import app; json.dump(app.openapi(), open(sys.argv[1], 'w'))"
)


async def contract(project: Project) -> str:
    """Schemathesis with all of its checks, on a service with an API key or without one.

    What a variant does not say of itself is alike in all: two of them are asked for all others.
    """
    for key in project.keys:
        running = await start(project, "contract-service", API_KEY=key)
        try:
            await until_ready(running)
            await _hold(project, running, key)
            running.starter.send_signal(signal.SIGTERM)
            await left_nothing(running.family, STOP_SECONDS)
        finally:
            await running.client.close()
            running.family.kill()
    ways = ("with a key" if key else "without a key" for key in project.keys)
    return f"{' and '.join(ways)}, seed {SEED}" if project.keys else ""


async def _hold(project: Project, running: Running, key: str) -> None:
    document = project.temporary("contract") / "openapi.json"
    environment = {**project.settings, "API_KEY": key, "NO_PROXY": "*"}
    python = project.programs / "python"
    await project.run("contract", python, "-c", WRITE, document, **environment)
    command = (uv_program(), "tool", "run", "--from", SCHEMATHESIS, "schemathesis")
    what = ("--config-file", CONFIG, "run", document, "--url", running.client.url)
    bounds = ("--max-examples", str(EXAMPLES), "--seed", str(SEED))
    header = ("--header", f"Authorization: Bearer {key}") if key else ()
    await project.run("contract", *command, *what, *bounds, *header, **environment)
