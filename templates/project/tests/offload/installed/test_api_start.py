"""What processes load: the API nothing that work needs, what runs jobs nothing of an API."""

import subprocess
import sys
from pathlib import Path

from offload.rows.making import ON_SERVER
from offload.service import COMMANDS, ServiceMaker, lay_out, wait_until

EIGHT = [f"eight_{number}" for number in range(8)]
KIND = """
from pydantic import BaseModel
from ...offload import Kind

class Nothing(BaseModel):
    pass

KIND = Kind({name!r}, Nothing, Nothing)
"""
WORK = """
import library_of_{name}
from .kind import KIND, Nothing

@KIND.work
def work(run, params):
    return Nothing()
"""
ROUTES = """
import sys
from fastapi import APIRouter

router = APIRouter()

@router.get("/loaded")
async def get_loaded() -> list[str]:
    return [name for name in sys.modules if name.startswith("library_of_") or name == "alembic"]
"""


def write_eight(folder: Path) -> None:
    """Eight kinds, each with a library of its own; one says what this process has loaded."""
    for name in EIGHT:
        kind = folder / "app" / "jobs" / name
        kind.mkdir()
        (kind / "__init__.py").touch()
        (kind / "kind.py").write_text(KIND.format(name=name))
        (kind / "work.py").write_text(WORK.format(name=name))
        (folder / f"library_of_{name}.py").touch()
    (kind / "routes.py").write_text(ROUTES)


def test_no_library_of_eight_kinds_is_loaded(make_service: ServiceMaker) -> None:
    service = make_service()  # whose database lacks no migration, where it is SQLite
    write_eight(service.folder)
    for command in COMMANDS.keys() - {"worker"}:
        service.start_command(command)
    wait_until(service.is_ready, "the API")
    assert {kind["name"] for kind in service.http.get("/kinds").json()} > set(EIGHT)
    loaded = set(service.http.get("/loaded").json())
    assert loaded <= ({"alembic"} if ON_SERVER else set())


def test_what_runs_jobs_starts_without_a_web_framework(tmp_path: Path) -> None:
    lay_out(tmp_path)
    loaded = (
        "import sys; from app.offload import discovery; from app.offload.running import runner;"
        " discovery.kinds(); print({'alembic', 'fastapi', 'starlette'} & sys.modules.keys())"
    )
    command = [sys.executable, "-c", loaded]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
