"""What no OpenAPI document has: WebSockets are opened, resolvers watched under other traffic."""

import os
import subprocess
from pathlib import Path

import pytest

from doctor_running.conftest import Project
from fastoffload.doctor.running.drive import drive
from fastoffload.doctor.running.options import DriveOptions

pytestmark = pytest.mark.xdist_group("doctor_running")

CHECKOUT = Path(__file__).parent.parent.parent
MAIN = """
import time
import strawberry
from fastapi import APIRouter, FastAPI, WebSocket
from strawberry.fastapi import GraphQLRouter

@strawberry.type
class Query:
    @strawberry.field
    async def slow(self) -> int:
        time.sleep(0.3)  # RESOLVER
        return 1

    @strawberry.field
    def plain(self) -> int:
        time.sleep(0.3)  # PLAIN
        return 1

router = APIRouter(prefix="/v1")

@router.websocket("/opened/{name}")
async def opened(socket: WebSocket, name: int) -> None:
    await socket.accept()
    time.sleep(0.3)  # OPENED

@router.websocket("/told")
async def told(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(await socket.receive_text())
    time.sleep(0.3)  # TOLD

app = FastAPI()
app.include_router(router)
app.include_router(GraphQLRouter(strawberry.Schema(Query)), prefix="/graphql")
"""
TRAFFIC = """
import time
from fastapi.testclient import TestClient
from fastoffload.doctor.running.watch import BlockingWatch
from main import app

told = []
app.add_middleware(BlockingWatch, tell=told.append)
client = TestClient(app)
for field in ("slow", "plain"):
    assert client.post("/graphql", json={"query": "{%s}" % field}).json()["data"] == {field: 1}
with client.websocket_connect("/v1/told") as socket:
    socket.send_text("go")
    assert socket.receive_text() == "go"
end = time.monotonic() + 60
while len(told) < 3:
    assert time.monotonic() < end, told
    time.sleep(0.02)
print(*(f"{stall.entry} | {stall.call} | {stall.file}:{stall.line}" for stall in told), sep="\\n")
"""


def line_of(mark: str) -> int:
    (line,) = (number for number, line in enumerate(MAIN.splitlines(), 1) if f"# {mark}" in line)
    return line


def test_a_websocket_of_a_router_is_opened_and_its_stall_is_named(
    python: Path, project: Project
) -> None:
    result = drive(project({"main.py": MAIN}), None, DriveOptions(python=python))
    seen = {(each.entry, each.kind, each.call, each.place.line) for each in result.findings}
    path = "WebSocket /v1/opened/{name}"
    assert seen == {(path, "websocket", "time.sleep", line_of("OPENED"))}


def test_what_was_not_driven_is_said(python: Path, project: Project) -> None:
    root = project({"main.py": MAIN})
    said = {
        each.name: each.why for each in drive(root, None, DriveOptions(python=python)).not_judged
    }
    assert said["GraphQL /graphql"].startswith("not asked for what its resolvers give")
    assert said["WebSocket /v1/told"].startswith("opened and closed, without a message")
    by_post = drive(root, None, DriveOptions(("POST",), python=python))
    assert "WebSocket /v1/told: not opened without --method GET" in map(str, by_post.not_judged)


def test_resolvers_and_messages_are_named_under_traffic(python: Path, project: Project) -> None:
    root = project({"main.py": MAIN, "traffic.py": TRAFFIC})
    result = subprocess.run(
        [python, "traffic.py"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        f"resolver Query.slow | time.sleep | main.py:{line_of('RESOLVER')}",
        f"resolver Query.plain | time.sleep | main.py:{line_of('PLAIN')}",
        f"WebSocket /v1/told | time.sleep | main.py:{line_of('TOLD')}",
    ]
