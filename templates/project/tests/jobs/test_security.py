"""Whom the service answers."""

import asyncio
import base64
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator

import httpx
import pytest
from pydantic import ValidationError
from starlette.types import Message, Receive, Scope, Send

from app.main import create_app
from app.security import ApiKey, is_public_name
from app.settings import Settings, get_settings

Client = Callable[..., httpx.Response]

FILES = ["/web/page.js", "/web/swagger/swagger-ui-bundle.js"]
# What the document of the API leaves out, and what is not there.
PAGES = ["/", "/docs", "/openapi.json", "/web/page.json", "/web/nothing", "/web/swagger/nothing"]
UNDOCUMENTED = [*PAGES, *FILES, "/metrics", "/dev/stalls", "/nowhere"]
PARTS = {"job_id": uuid.UUID(int=0), "name": "x"}

PUBLIC = ["evil.example", "evil.example:8000", "EVIL.EXAMPLE.", "127.0.0.1.evil.example", "a.local"]
OWN = ["localhost", "localhost:8000", "Jobs.Localhost", "web", "web:8000", "192.168.1.7"]
ADDRESSES = ["127.0.0.1:8000", "[::1]", "[::1]:8000", "[::ffff:1.2.3.4]"]


@pytest.fixture(scope="module")
def unguarded(client_of: Callable[..., Client]) -> Client:
    """A client of an application without a key."""
    return client_of(create_app())


@pytest.fixture
def guarded(client_of: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A client of an application with an API_KEY."""
    monkeypatch.setenv("API_KEY", "secret")
    get_settings.cache_clear()
    yield client_of(create_app(), "jobs.example")
    monkeypatch.undo()
    get_settings.cache_clear()


@pytest.mark.parametrize("key", [" ", "key ", "schlüssel", "a\nb", "\N{CYRILLIC SMALL LETTER A}"])
def test_a_key_that_no_header_can_carry_is_refused(key: str) -> None:
    with pytest.raises(ValidationError, match="no header can carry"):
        Settings(api_key=key)


@pytest.mark.parametrize(
    ("command", "setting"),
    [
        (["-c", "import app.main"], {"API_KEY": "schlüssel"}),
        (["-m", "alembic", "upgrade", "head"], {"DATABASE_URL": "mysql://me:secret@host/x"}),
    ],
)
def test_a_setting_that_cannot_work_ends_it_with_one_line(
    command: list[str], setting: dict[str, str]
) -> None:
    ended = subprocess.run(
        [sys.executable, *command],
        env=os.environ | setting,
        capture_output=True,
        text=True,
    )
    assert ended.returncode != 0
    (told,) = ended.stderr.splitlines()
    (name,) = setting
    assert told.startswith(f"The settings are wrong: {name} ")
    assert "secret" not in told and "schlüssel" not in told


def test_who_brings_the_key_is_answered_whatever_the_host(guarded: Client) -> None:
    brought = {"Authorization": "Bearer secret"}
    assert guarded("GET", "/jobs", headers=brought).status_code == 200
    for wrong in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic secret"}):
        answer = guarded("GET", "/jobs", headers=wrong)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["content-type"] == "application/problem+json"


def test_nothing_is_read_before_the_key(guarded: Client) -> None:
    for path in ("/reports", "/jobs/x", "/nothing"):
        assert guarded("POST", path, content=b"{", headers={}).status_code == 401


def test_the_page_and_health_are_open_and_the_documentation_is_off(guarded: Client) -> None:
    for path in ("/", "/web/page.js", "/health/live"):
        assert guarded("GET", path).status_code == 200
    assert guarded("GET", "/docs").status_code == 404
    assert "API_KEY" in guarded("GET", "/docs").json()["detail"]
    assert guarded("GET", "/web/page.json").json()["docs"] is False
    for path in ("/openapi.json", "/metrics", "/dev/stalls", "/health", "/web", "//health/live"):
        assert guarded("GET", path).status_code == 401


@pytest.mark.parametrize(("key", "passes"), [("secret", True), ("wrong", False), ("", False)])
def test_a_socket_brings_the_key_as_a_subprotocol(key: str, passes: bool) -> None:
    passed, answers = [], []
    name = "bearer." + base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")
    scope = {"type": "websocket", "path": "/jobs/1/ws", "headers": [], "subprotocols": ["x", name]}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        passed.append(scope)

    async def send(message: Message) -> None:
        answers.append(message.get("status"))

    asyncio.run(ApiKey(app, "secret")(scope, never, send))
    assert bool(passed) == passes
    assert passes or answers[0] == 401


def test_no_browser_guesses_at_any_answer(unguarded: Client, guarded: Client) -> None:
    documented = unguarded("GET", "/openapi.json").json()["paths"]
    paths = [path.format_map(PARTS) for path in documented] + UNDOCUMENTED
    for path in paths:
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"):
            for client in (unguarded, guarded):
                answer = client(method, path)
                assert answer.headers["x-content-type-options"] == "nosniff", answer


@pytest.mark.parametrize("path", FILES)
def test_neither_at_a_part_nor_at_what_it_has_already(unguarded: Client, path: str) -> None:
    tag = unguarded("GET", path).headers["etag"]
    for asked, status in (
        ({"If-None-Match": tag}, 304),
        ({"Range": "bytes=0-9"}, 206),
        ({"Range": "bytes=99999999-"}, 416),
    ):
        answer = unguarded("GET", path, headers=asked)
        assert answer.status_code == status
        assert answer.headers["x-content-type-options"] == "nosniff"


async def never() -> Message:
    """Nothing comes in."""
    raise AssertionError


def test_without_a_key_a_public_name_is_refused(client_of: Callable[..., Client]) -> None:
    http = client_of(create_app())
    paths = ("/", "/web/page.js", "/jobs", "/health/live", "/nothing")
    for host, path in zip(PUBLIC, paths, strict=True):
        answer = http("GET", path, headers={"Host": host})
        assert answer.status_code == 421
        assert "set API_KEY" in answer.json()["detail"]


@pytest.mark.parametrize("host", [*OWN, *ADDRESSES])
def test_an_address_or_a_private_name_is_answered(host: str) -> None:
    assert not is_public_name(host)
