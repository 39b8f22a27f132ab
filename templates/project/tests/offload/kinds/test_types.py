"""What a type checker says of the user's code: a mistake is found, and what is right is let be."""

import subprocess
import sys
from pathlib import Path

from offload.project import PROJECT
from offload.service import lay_out

CACHE = PROJECT / ".mypy_cache" / "offload"  # what the next run need not read again

# Under --strict an ignore that nothing needs is an error: so each line that has one must be wrong.
TYPED = """
from collections.abc import Awaitable
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import Session, scoped_session

from app.offload import Input, Kind, Run
from app.offload.testing import enqueued, run_directly


class Params(BaseModel):
    number: int = 0


class Other(BaseModel):
    number: int = 0


class Result(BaseModel):
    text: str


KIND = Kind("kind", Params, Result, inputs={"file": Input(many=2)})
ASYNC = Kind("async", Params, Result)


@KIND.work
def right(run: Run, params: Params) -> Result:
    run.progress(0.5)
    return Result(text=str(params.number))


@ASYNC.work
async def also_right(run: Run, params: Params) -> Result:
    return Result(text="")


@KIND.work  # type: ignore[arg-type]
def wrong_params(run: Run, params: Other) -> Result:
    return Result(text="")


@KIND.work  # type: ignore[arg-type]
def wrong_result(run: Run, params: Params) -> Other:
    return Other()


@KIND.work  # type: ignore[arg-type]
async def wrong_result_later(run: Run, params: Params) -> Other:
    return Other()


@KIND.work  # type: ignore[arg-type]
def too_many(run: Run, params: Params, more: int) -> Result:
    return Result(text="")


@KIND.work  # type: ignore[arg-type]
def no_run(run: int, params: Params) -> Result:
    return Result(text="")


def prepare(connection: Connection, params: Params) -> Params:
    return params


Kind("prepared", Params, Result, prepare=prepare)
Kind("prepared", Other, Result, prepare=prepare)  # type: ignore[arg-type]


def at_once(session: Session, scoped: scoped_session[Session], connection: Connection) -> UUID:
    KIND.enqueue(session, Other())  # type: ignore[call-overload]
    first: UUID = KIND.enqueue(scoped, Params(), priority=1)
    params: list[Params] = enqueued(session, KIND)
    return KIND.enqueue(connection, params[0], idempotency_key=str(first))


async def later(session: AsyncSession, connection: AsyncConnection) -> UUID:
    awaited: UUID = KIND.enqueue(session, Params())  # type: ignore[assignment]
    waiting: Awaitable[UUID] = KIND.enqueue(session, Params())
    await waiting
    return await KIND.enqueue(connection, Params())


text: str = run_directly(KIND, Params()).result.text
number: int = run_directly(KIND, Params()).result.text  # type: ignore[assignment]
checked: Result = right(Run.__new__(Run), Params())
"""

# What the engine is made of is checked by the project's own `mypy`; here nothing is read but what
# these lines are typed by.
SETTINGS = """
[mypy]
plugins = pydantic.mypy
follow_imports = skip
[mypy-app.offload.*,pydantic.*,sqlalchemy.*]
follow_imports = silent
[mypy-app.offload.callbacks.*,app.offload.http.*,app.offload.installing,app.offload.observing.*]
follow_imports = skip
"""


def test_mistakes_are_found_and_nothing_else(tmp_path: Path) -> None:
    lay_out(tmp_path)
    (tmp_path / "mypy.ini").write_text(SETTINGS)
    (tmp_path / "typed.py").write_text(TYPED)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", CACHE, "typed.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
