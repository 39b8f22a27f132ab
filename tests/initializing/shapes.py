"""Small applications, one for each shape that real ones have. Each brings tests of its own."""

from dataclasses import dataclass
from textwrap import dedent

PING = """

@app.get("/ping")
async def ping():
    return {"ping": "pong"}
"""
# As many write them: no lifespan runs, and no server.
BY_TRANSPORT = """
import asyncio

import httpx
from {module} import {app}


def test_ping():
    async def ask():
        transport = httpx.ASGITransport(app={app})
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return (await client.get("{path}")).json()

    assert asyncio.run(ask()) == {{"ping": "pong"}}
"""
BY_CLIENT = """
from fastapi.testclient import TestClient
from {module} import {app}


def test_ping(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with TestClient({app}) as client:
        assert client.get("{path}").json() == {{"ping": "pong"}}
"""
REQUIREMENTS = "fastapi>=0.100\nuvicorn\n"
WITH_SQL = "fastapi>=0.100\nsqlalchemy>=2\nuvicorn\n"
PYPROJECT = """
[project]
name = "shop"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["fastapi>=0.100", "sqlalchemy>=2"]  # theirs

[tool.uv]
package = false

[tool.pytest.ini_options]
pythonpath = ["{path}"]
"""
POETRY = """
[tool.poetry]
name = "shop"
version = "0.1.0"
description = ""
authors = []
package-mode = false

[tool.poetry.dependencies]
python = ">=3.11,<3.14"
fastapi = "^0.115"

[tool.pytest.ini_options]
pythonpath = ["."]
"""
ENGINE = """
from sqlalchemy import create_engine

engine = create_engine("sqlite:///shop.db")
"""
ASYNC_ENGINE = """
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine("sqlite+aiosqlite:///shop.db")
Session = async_sessionmaker(engine)
"""


@dataclass(frozen=True)
class Shape:
    """Files by their paths, and what `init` must make of them."""

    files: dict[str, str]
    module: str = "shop.main"
    served: str = "app"
    package: str = "shop"
    line: str = "offload.install(app)"
    head: str = "from shop import offload"
    main: str = "shop/main.py"
    root: str = "."
    start: str = "."
    options: tuple[str, ...] = ()
    left: str = ""
    path: str = "/ping"
    test: str = BY_CLIENT
    factory: bool = False

    def all_files(self) -> dict[str, str]:
        """With their tests."""
        name = f"{self.served}()" if self.factory else self.served
        test = self.test.format(module=self.module, app=self.served, path=self.path)
        test = test.replace(f"({self.served})", f"({name})").replace(
            f"app={self.served})", f"app={name})"
        )
        prefix = "" if self.root == "." else f"{self.root}/"
        whole = self.files | {f"{prefix}tests/test_own.py": test}
        return {name: text.lstrip("\n") for name, text in whole.items()}


def py(text: str) -> str:
    """The text of a module, as if it began at the margin."""
    return dedent(text).lstrip("\n").rstrip(" ")


SHAPES = {
    "a lifespan": Shape(
        {
            "shop/__init__.py": "",
            "shop/db.py": ENGINE,
            "shop/main.py": py('''
                """A shop."""

                from contextlib import asynccontextmanager

                from fastapi import FastAPI

                from shop.db import engine


                @asynccontextmanager
                async def lifespan(app):
                    with engine.connect():
                        app.state.opened = True
                        yield
                        app.state.opened = False


                app = FastAPI(lifespan=lifespan)


                @app.get("/ping")
                async def ping():
                    assert app.state.opened
                    return {"ping": "pong"}


                if __name__ == "__main__":
                    import uvicorn

                    uvicorn.run("shop.main:app")
                '''),
            "requirements.txt": WITH_SQL,
        },
        line="offload.install(app, engine=engine)",
    ),
    "a factory": Shape(
        {
            "shop/__init__.py": "",
            "shop/web.py": py('''
                from fastapi import FastAPI


                def create_app() -> FastAPI:
                    """All of it."""
                    application = FastAPI()

                    @application.get("/ping")
                    async def ping():
                        return {"ping": "pong"}

                    return application
                '''),
            "requirements.txt": REQUIREMENTS,
            "Procfile": "web: uvicorn --factory shop.web:create_app\n",
        },
        module="shop.web",
        served="create_app",
        factory=True,
        main="shop/web.py",
        line="    offload.install(application)",
    ),
    "a factory and an object": Shape(
        {
            "src/app/__init__.py": "",
            "src/app/core/__init__.py": "",
            "src/app/core/setup.py": py("""
                from fastapi import FastAPI


                def create_application(title: str) -> FastAPI:
                    return FastAPI(title=title)
                """),
            "src/app/core/db.py": ASYNC_ENGINE,
            "src/app/main.py": py("""
                from .core.setup import create_application

                app = create_application("shop")
                """)
            + PING,
            "pyproject.toml": PYPROJECT.format(path="src"),
            "Dockerfile": 'CMD ["uvicorn", "app.main:app"]\n',
        },
        module="app.main",
        package="src/app",
        main="src/app/main.py",
        head="from . import offload\nfrom .core.db import engine",
        line="offload.install(app, engine=engine)",
        start="src",
    ),
    "two names": Shape(
        {
            "src/__init__.py": "",
            "src/app/__init__.py": "",
            "src/app/core/__init__.py": "",
            "src/app/core/config.py": "NAME = 'shop'\n",
            "src/app/main.py": py("""
                from fastapi import FastAPI

                from .core.config import NAME

                app = FastAPI(title=NAME)
                """)
            + PING,
            "pyproject.toml": PYPROJECT.format(path="."),
            "Dockerfile": 'CMD ["uvicorn", "app.main:app"]\n',
        },
        module="src.app.main",
        package="src/app",
        main="src/app/main.py",
        head="from . import offload",
    ),
    "the src layout": Shape(
        {
            "src/shop/__init__.py": "",
            "src/shop/db.py": ENGINE,
            "src/shop/main.py": py("""
                from fastapi import FastAPI

                from shop.db import engine as database

                app = FastAPI()
                assert database
                """)
            + PING,
            "pyproject.toml": PYPROJECT.format(path="src"),
        },
        package="src/shop",
        main="src/shop/main.py",
        head="from shop import offload\nfrom shop.db import engine",
        line="offload.install(app, engine=engine)",
        start="src",
    ),
    "src as the package": Shape(
        {
            "src/__init__.py": "",
            "src/config.py": "NAME = 'shop'\n",
            "src/main.py": py("""
                from fastapi import FastAPI
                from src.config import NAME

                app = FastAPI(title=NAME)
                """)
            + PING,
            "pyproject.toml": POETRY,
        },
        module="src.main",
        package="src",
        main="src/main.py",
        head="from src import offload",
        left="poetry add",
    ),
    "SQLModel in backend": Shape(
        {
            "backend/app/__init__.py": "",
            "backend/app/core/__init__.py": "",
            "backend/app/core/db.py": ENGINE.replace("sqlalchemy", "sqlmodel"),
            "backend/app/api/__init__.py": "",
            "backend/app/api/deps.py": py("""
                from typing import Annotated

                from fastapi import Depends, Header


                def get_current_user(who: Annotated[str, Header()] = "ann"):
                    return who


                CurrentUser = Annotated[str, Depends(get_current_user)]
                """),
            "backend/app/main.py": py("""
                from fastapi import APIRouter, FastAPI

                from app.api.deps import CurrentUser
                from app.core.db import engine

                app = FastAPI()
                router = APIRouter()


                @router.get("/ping")
                def ping(user: CurrentUser):
                    return {"ping": "pong"}


                app.include_router(router, prefix="/api")
                """),
            "backend/pyproject.toml": PYPROJECT.format(path=".").replace("alchemy>=2", "model"),
            "compose.yaml": "services: {api: {build: backend, command: fastapi run app/main.py}}\n",
        },
        module="app.main",
        package="app",
        root="backend",
        start="backend",
        main="backend/app/main.py",
        head="from app import offload\nfrom fastapi import Depends\n"
        "from app.api.deps import get_current_user",
        line="offload.install(app, engine=engine, dependencies=[Depends(get_current_user)])",
        path="/api/ping",
    ),
    "modules beside a main.py": Shape(
        {
            "main.py": py("""
                import uvicorn
                from fastapi import FastAPI
                from store import CURRENT

                app = FastAPI()


                @app.on_event("startup")
                async def connect():
                    CURRENT["documents"] = {"ping": "pong"}


                @app.get("/ping")
                async def ping():
                    return CURRENT["documents"]


                if __name__ == "__main__":
                    uvicorn.run("main:app", reload=True)"""),
            "store.py": "CURRENT = {}  # as of a database that is not SQL\n",
            "requirements.txt": REQUIREMENTS.rstrip("\n"),
        },
        module="main",
        package="",
        main="main.py",
        head="import offload",
    ),
    "modules in a folder that is no package": Shape(
        {
            "app/main.py": py("""
                from fastapi import FastAPI
                from routers import items

                app = FastAPI()
                app.include_router(items.router)
                """),
            "app/routers/__init__.py": "",
            "app/routers/items.py": py("""
                from fastapi import APIRouter

                router = APIRouter()
                """)
            + PING.replace("@app", "@router"),
            "requirements.txt": REQUIREMENTS,
            "pytest.ini": "[pytest]\npythonpath = app\n",
        },
        module="main",
        package="app",
        main="app/main.py",
        head="import offload",
        start="app",
    ),
    "raw asyncpg": Shape(
        {
            "shop/__init__.py": "",
            "shop/main.py": py("""
                from contextlib import asynccontextmanager

                from fastapi import FastAPI, Request


                class Pool:
                    async def fetchval(self, query):
                        return query


                @asynccontextmanager
                async def lifespan(app: FastAPI):
                    yield {"pool": Pool()}


                app = FastAPI(lifespan=lifespan)


                @app.get("/ping")
                async def ping(request: Request):
                    return {"ping": await request.state.pool.fetchval("pong")}
                """),
            "requirements.txt": REQUIREMENTS,
        },
    ),
    "a mount at the root": Shape(
        {
            "shop/__init__.py": "",
            "shop/main.py": py("""
                from fastapi import FastAPI
                from fastapi.staticfiles import StaticFiles

                app = FastAPI()
                """)
            + PING
            + """

app.mount("/", StaticFiles(directory=__file__.rpartition("/")[0]))
""",
            "requirements.txt": REQUIREMENTS,
        },
        test=BY_TRANSPORT,
    ),
    "several applications": Shape(
        {
            "shop/__init__.py": "",
            "shop/admin.py": py("""
                from fastapi import FastAPI

                app = FastAPI()
                """),
            "shop/main.py": py("""
                from fastapi import FastAPI

                app = FastAPI()
                """)
            + PING,
            "requirements.txt": REQUIREMENTS,
        },
        options=("--app", "shop.main:app"),
    ),
    "a sub-application": Shape(
        {
            "shop/__init__.py": "",
            "shop/main.py": py("""
                from fastapi import FastAPI

                api = FastAPI()


                @api.get("/ping")
                async def ping():
                    return {"ping": "pong"}


                app = FastAPI()
                app.mount("/api", app=api)
                """),
            "requirements.txt": REQUIREMENTS,
        },
        path="/api/ping",
        test=BY_TRANSPORT,
    ),
}
