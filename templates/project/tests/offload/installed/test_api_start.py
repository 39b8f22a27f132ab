"""What the API loads: `kind.py` of each kind, and nothing that only its work needs."""

from pathlib import Path

from offload.service import ServiceMaker

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
    return [name for name in sys.modules if name.startswith("library_of_")]
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
    service = make_service()
    write_eight(service.folder)
    service.start()
    assert {kind["name"] for kind in service.http.get("/kinds").json()} > set(EIGHT)
    assert service.http.get("/loaded").json() == []
