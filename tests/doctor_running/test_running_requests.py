"""What is driven, what is not, and when it is over."""

import sqlite3
import subprocess
from pathlib import Path

import pytest

from doctor_running.conftest import Project
from fastoffload.doctor.running.drive import drive
from fastoffload.doctor.running.options import DriveOptions
from fastoffload.errors import FastoffloadError

pytestmark = pytest.mark.xdist_group("doctor_running")

HEAD = """
import os
import time
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPBearer
app = FastAPI()
"""


def test_a_canary_that_is_refused_ends_it(python: Path, project: Project) -> None:
    main = """
valid = True
bearer = HTTPBearer()

@app.get("/open")
async def open_to_all() -> None: ...

@app.get("/me")
async def me(token=Depends(bearer)) -> None:
    if not valid:
        raise HTTPException(401)

@app.post("/logout")
async def logout(token=Depends(bearer)) -> None:
    global valid
    valid = False

@app.get("/never")
async def never() -> None:
    time.sleep(0.3)
"""
    options = DriveOptions(("GET", "POST"), {"Authorization": "Bearer x"}, python=python)
    result = drive(project({"main.py": HEAD + main}), None, options)
    assert result.stopped_because
    assert result.stopped_because.startswith(
        "GET /me answered 200 before and 401 after POST /logout"
    )
    assert result.findings == ()
    assert not result.is_whole


def test_only_get_is_driven_unless_told_otherwise(python: Path, project: Project) -> None:
    main = """
from pydantic import BaseModel, Field

class Order(BaseModel):
    amount: int = Field(ge=3, le=5)
    kind: str = Field(min_length=4)

@app.post("/orders/{shop}")
async def order(shop: str, order: Order, limit: int) -> int:
    time.sleep(0.3)
    return order.amount
"""
    root = project({"main.py": HEAD + main})
    result = drive(root, None, DriveOptions(python=python))
    assert [str(each) for each in result.not_judged] == [
        "POST /orders/{shop}: not asked without --method POST"
    ]
    assert not result.is_whole
    assert (result.findings, result.requests) == ((), 0)

    result = drive(root, None, DriveOptions(("POST",), python=python))
    assert [finding.entry for finding in result.findings] == ["POST /orders/{shop}"]
    assert result.not_judged == ()


def test_what_does_not_succeed_is_not_judged(python: Path, project: Project) -> None:
    main = """
from fastapi import UploadFile, WebSocket
bearer = HTTPBearer()

@app.get("/me")
async def me(token=Depends(bearer)) -> None: ...

@app.get("/items/{item_id}")
async def item(item_id: int) -> None:
    raise HTTPException(404)

@app.get("/broken")
async def broken() -> None:
    1 / 0

@app.post("/photo")
async def photo(file: UploadFile) -> None: ...

@app.websocket("/ws")
async def ws(socket: WebSocket) -> None: ...
"""
    result = drive(
        project({"main.py": HEAD + main}), None, DriveOptions(("GET", "POST"), python=python)
    )
    assert {str(each) for each in result.not_judged} == {
        "WebSocket /ws: answered 500",
        "GET /me: answered 401, give credentials with --header",
        "GET /items/{item_id}: answered 404",
        "GET /broken: answered 500",
        "POST /photo: its body is multipart/form-data",
    }


def test_a_route_that_never_ends_is_a_finding_and_the_end(python: Path, project: Project) -> None:
    main = """
@app.get("/endless")
async def endless() -> None:
    time.sleep(600)  # it would be over, and not be said to block still, had it been waited for

@app.get("/never")
async def never() -> None: ...
"""
    # It is the limit of the start as well, which takes some seconds on a busy machine.
    result = drive(project({"main.py": HEAD + main}), None, DriveOptions(python=python, timeout=20))
    assert [(it.entry, it.call) for it in result.findings] == [("GET /endless", "time.sleep")]
    assert result.stopped_because == "GET /endless still blocks the loop, not done within 20 s"


def test_an_endless_stream_is_left(python: Path, project: Project) -> None:
    main = """
import asyncio
from fastapi.responses import StreamingResponse

@app.get("/events")
async def events():
    async def forever():
        while True:
            yield "data: 1\\n\\n"
            await asyncio.sleep(1)
    return StreamingResponse(forever(), media_type="text/event-stream")
"""
    result = drive(project({"main.py": HEAD + main}), None, DriveOptions(python=python))
    assert (result.not_judged, result.stopped_because) == ((), None)


def test_an_application_that_dies_says_where(python: Path, project: Project) -> None:
    main = """
@app.get("/abort")
async def abort() -> None:
    print("out of cheese", flush=True)
    os.abort()
"""
    result = drive(project({"main.py": HEAD + main}), None, DriveOptions(python=python))
    assert result.stopped_because == "the application ended at GET /abort: out of cheese"


@pytest.mark.parametrize(
    ("main", "says"),
    [
        ("import nowhere", "ModuleNotFoundError: No module named 'nowhere'"),
        ("def app(:", "SyntaxError"),
        (
            "try:\n    {}['a']\nexcept KeyError as e:\n    raise ValueError('bad') from e",
            "ValueError: bad, because of KeyError: 'a'",
        ),
        ("import sys\nprint('no licence')\nsys.exit(4)", "SystemExit: 4"),
        ("import os\nos._exit(4)", "it said nothing"),
        (
            "from pydantic import BaseModel\nclass S(BaseModel):\n    key: str\nS()",
            "ValidationError: 1 validation error for S; key; Field required",
        ),
        (
            HEAD + "\n@app.on_event('startup')\nasync def start():\n    open('/no/such/file')",
            "FileNotFoundError: [Errno 2] No such file or directory: '/no/such/file'",
        ),
    ],
)
def test_an_application_that_does_not_start_says_why(
    python: Path, project: Project, main: str, says: str
) -> None:
    with pytest.raises(FastoffloadError, match="main:app does not start: ") as caught:
        drive(project({"main.py": main}), "main:app", DriveOptions(python=python))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_application_gets_what_it_needs_of_the_environment(
    python: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = project({"main.py": HEAD + "os.environ['SHOP_KEY']"})
    with pytest.raises(FastoffloadError, match="KeyError: 'SHOP_KEY'; what it needs"):
        drive(root, None, DriveOptions(python=python))
    monkeypatch.setenv("SHOP_KEY", "1")
    assert drive(root, None, DriveOptions(python=python)).stopped_because is None


def test_what_it_writes_it_writes_into_a_copy(
    python: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = """
import pathlib, sqlite3
pathlib.Path("started").touch()
database = sqlite3.connect(os.environ["DATABASE_URL"].removeprefix("sqlite:///"))

@app.get("/count")
async def count() -> int:
    time.sleep(0.2)
    database.execute("insert into hits values (1)")
    database.commit()
    return database.execute("select count(*) from hits").fetchone()[0]
"""
    root = project({"main.py": HEAD + main})
    database = sqlite3.connect(root / "shop.db")
    database.execute("create table hits (n)")
    database.commit()
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{root / 'shop.db'}")
    monkeypatch.setenv("QUEUE", "rediss://localhost/0")
    result = drive(root, None, DriveOptions(python=python))
    assert [finding.place.file for finding in result.findings] == ["main.py"]
    assert database.execute("select count(*) from hits").fetchone() == (0,)
    assert sorted(path.name for path in root.iterdir()) == ["main.py", "shop.db"]
    assert result.notes == ("QUEUE names a server: its data is not copied, but used",)


def test_an_installed_project_is_imported_from_the_copy(python: Path, project: Project) -> None:
    main = """
import pathlib
here = pathlib.Path(__file__).parent
(here / "written").touch()

@app.get("/wait")
async def wait() -> None:
    time.sleep(0.3)
"""
    root = project({"lib/shop/__init__.py": "", "lib/shop/main.py": HEAD + main})
    subprocess.run([python, "-m", "venv", "--without-pip", root / ".venv"], check=True)
    (installed,) = (root / ".venv").glob("lib/python*/site-packages")
    (packages,) = python.parent.parent.glob("lib/python*/site-packages")
    # As `uv sync` and `pip install --editable` do it.
    (installed / "shop.pth").write_text(f"{packages}\n{root / 'lib'}\n")
    result = drive(root, "shop.main:app", DriveOptions())
    assert [finding.place.file for finding in result.findings] == ["lib/shop/main.py"]
    assert not (root / "lib" / "shop" / "written").exists()
