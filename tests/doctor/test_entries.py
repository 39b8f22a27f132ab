"""What runs on the loop, and under which name."""

from collections.abc import Callable

import pytest

from fastoffload.doctor.report import Reading

Read = Callable[..., Reading]

HEAD = """
import time
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI
app = FastAPI()
"""


def entries(report: Reading) -> set[str]:
    return {finding.entry for finding in [*report.findings, *report.startup]}


@pytest.mark.parametrize("kind", ["async def", "def"])
def test_only_async_routes_run_on_the_loop(application: Read, kind: str) -> None:
    other = "@app.get('/other')\nasync def other(): ...\n"
    report = application(f"{HEAD}{other}@app.get('/x')\n{kind} x():\n    time.sleep(1)\n")

    assert entries(report) == ({"GET /x"} if kind == "async def" else set())


def test_a_route_has_the_prefixes_of_all_its_routers(application: Read) -> None:
    main = (
        f"{HEAD}from api.orders import router\nfrom settings import settings\n"
        "v1 = APIRouter(prefix='/v1')\nv1.include_router(router, prefix='/orders')\n"
        "app.include_router(v1, prefix=settings.ROOT)\n"
    )
    orders = (
        "import time\nfrom fastapi import APIRouter\nrouter = APIRouter()\n"
        "@router.get('/{id}')\nasync def order(id: int):\n    time.sleep(1)\n"
    )
    settings = "class Settings:\n    ROOT: str = '/api'\nsettings = Settings()\n"

    report = application(main, {"api/orders.py": orders, "settings.py": settings})

    assert entries(report) == {"GET /api/v1/orders/{id}"}


def test_a_cached_function_without_parameters_blocks_in_its_first_call(application: Read) -> None:
    report = application(
        f"{HEAD}from functools import cache\n@cache\ndef load():\n    time.sleep(1)\n"
        "@app.get('/x')\nasync def x():\n    load()\n"
    )

    assert not report.findings
    assert entries(report) == {"first call of load"}


def test_an_argument_decides_which_branch_is_taken(application: Read) -> None:
    report = application(
        f"{HEAD}def load(how: str = 'cheap'):\n    if how == 'cheap':\n        return 1\n"
        "    time.sleep(1)\n"
        "@app.get('/cheap')\nasync def cheap():\n    load()\n"
        "@app.get('/dear')\nasync def dear():\n    load('dear')\n"
    )

    assert entries(report) == {"GET /dear"}


def test_a_type_decides_which_branch_is_taken(application: Read) -> None:
    report = application(
        f"{HEAD}class Near: ...\nclass Far: ...\ndef load(place):\n"
        "    if isinstance(place, Far):\n        time.sleep(1)\n"
        "@app.get('/near')\nasync def near():\n    load(Near())\n"
        "@app.get('/far')\nasync def far():\n    load(Far())\n"
    )

    assert entries(report) == {"GET /far"}


def test_modules_that_import_each_other_are_followed(application: Read) -> None:
    files = {
        "app/__init__.py": "",
        "app/a.py": "from app.b import B\nclass A:\n    def get(self):\n        return B().get()\n",
        "app/b.py": "from app.a import A\nimport time\nclass B:\n    other: 'A'\n"
        "    def get(self):\n        time.sleep(1)\n",
    }
    report = application(
        f"{HEAD}from app.a import A\n@app.get('/x')\nasync def x(a: A):\n    a.get()\n", files
    )

    assert entries(report) == {"GET /x"}


def test_an_alias_of_itself_has_an_end(application: Read) -> None:
    report = application(
        f"{HEAD}JSON = dict[str, 'JSON'] | list['JSON'] | str\n"
        "@app.get('/x')\nasync def x(body: JSON) -> JSON:\n    time.sleep(1)\n"
    )

    assert entries(report) == {"GET /x"}


def test_the_session_of_an_object_is_an_async_one_on_the_loop(application: Read) -> None:
    helper = "def count(session: Session):\n    session.execute('select 1')\n"
    sessions = "from sqlalchemy.orm import Session, object_session\n"
    report = application(
        f"{HEAD}{sessions}{helper}"
        "@app.get('/borrowed')\nasync def borrowed():\n    count(object_session(app))\n"
        "@app.get('/own')\nasync def own():\n    count(Session())\n"
    )

    assert entries(report) == {"GET /own"}
