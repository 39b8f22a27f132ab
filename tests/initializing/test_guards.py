"""Which dependency guards the engine's routes too: only one about which there is no doubt."""

from pathlib import Path

import pytest

from fastoffload.doctor.reading.sources import Project
from fastoffload.initializing.guards import guard

DEPS = """
from typing import Annotated
from fastapi import Depends

def get_current_user(): ...
def get_current_active_superuser(user: Annotated[str, Depends(get_current_user)]): ...
def verify_signature(): ...
CurrentUser = Annotated[str, Depends(get_current_user)]
"""
ROUTES = """
from shop.deps import *
@router.get("/mine")
def mine(user: CurrentUser): ...
@router.get("/all", dependencies=[Depends(get_current_active_superuser)])
def all(): ...
@router.get("/open")
def open(): ...
"""
OPEN = "@router.get('/2')\ndef two(): ...\n@router.get('/3')\ndef three(): ...\n"
SIGNED = "@router.post('/hook')\ndef hook(_=Depends(verify_signature)): ...\n"
SECOND = "def get_current_user(): ...\n"


@pytest.mark.parametrize(
    ("deps", "routes", "main", "is_clear"),
    [
        (DEPS, ROUTES, "from shop.routes import router\n", True),
        (DEPS, f"{ROUTES}{OPEN}", "", False),
        (DEPS, f"{ROUTES}{SIGNED}", "", False),
        (DEPS, ROUTES, SECOND, False),
        (f"from . import db\n{DEPS}", ROUTES, "", True),
        (f"from .main import app\n{DEPS}", ROUTES, "", False),
        (f"import shop.routes\n{DEPS}", f"from shop import main\n{ROUTES}", "", False),
        (DEPS.replace("get_current_user", "get_user"), ROUTES, "", False),
        (DEPS.replace("current_user()", "current_user(name: str)"), ROUTES, "", False),
    ],
    ids=[
        "most",
        "few",
        "two",
        "twice",
        "another import",
        "a circle",
        "a wide circle",
        "a getter",
        "a name",
    ],
)
def test_is_clear(tmp_path: Path, deps: str, routes: str, main: str, *, is_clear: bool) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    files = {"__init__": "", "db": "", "deps": deps, "routes": routes, "main": main}
    for name, text in files.items():
        (shop / f"{name}.py").write_text(text)
    project = Project(tmp_path)
    found = guard(project, shop / "main.py")
    project.close()
    assert found is not None
    assert found.is_clear is is_clear
    assert found.name in {"get_current_user", "get_user"}


def test_none_is_none(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("from fastapi import FastAPI\n\napp = FastAPI()\n")
    project = Project(tmp_path)
    assert guard(project, tmp_path / "main.py") is None
    project.close()
