"""The page as it is served: what a browser makes of it is for eyes to judge."""

import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from app.main import create_app
from app.offload.discovery import kinds
from app.web.routes import FOLDER, page_of

Client = Callable[..., httpx.Response]

FILES = {f"/web/{path.name}": path for path in FOLDER.iterdir()} | {
    f"/web/kinds/{name}/{path.name}": path for name in kinds() for path in page_of(name).glob("*")
}
TYPES = {
    ".css": "text/css",
    ".csv": "text/csv",
    ".html": "text/html",
    ".js": "javascript",
    ".svg": "image/svg+xml",
}


@pytest.fixture(scope="module")
def http(client_of: Callable[..., Client]) -> Client:
    """A client of the application."""
    return client_of(create_app())


@pytest.mark.parametrize("path", ["/", *FILES])
def test_every_file_comes_with_its_type_and_a_strict_policy(http: Client, path: str) -> None:
    answer = http("GET", path)
    assert answer.status_code == http("HEAD", path).status_code == 200
    assert TYPES[Path(path).suffix or ".html"] in answer.headers["content-type"]
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy and "*" not in policy and "http" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_what_is_not_there_is_not_guessed_at_either(http: Client) -> None:
    answer = http("GET", "/nowhere")
    assert answer.status_code == 404
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_files_name_each_other_and_no_other_host() -> None:
    texts = {path: path.read_text() for path in FILES.values()}
    for path, text in texts.items():
        modules = re.findall(r'(?:from|import) "(\.[^"]+)"', text)
        own = path.parent if path.parent == FOLDER else FOLDER / "kinds" / "one"
        assert all(
            (path.parent / name).exists() or (own / name).resolve().exists() for name in modules
        )
    hosts = {host for text in texts.values() for host in re.findall(r"https?://[\w.]+", text)}
    assert hosts == {"http://www.w3.org"}  # the name of SVG: nothing is fetched from there


def test_no_path_begins_at_the_root_of_the_host() -> None:
    for path in FILES.values():
        assert not re.search(r"""(?:href|src|action)=["']?/|fetch\(["'`]/""", path.read_text())


def test_nothing_beside_the_page_is_served(http: Client) -> None:
    for path in ("/web/../settings.py", "/web/%2e%2e/routes.py", "/web/nothing.js", "/web/"):
        answer = http("GET", path)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


def test_the_documentation_is_served_from_here(http: Client) -> None:
    assert http("GET", "/web/page.json").json()["docs"] is True
    page = http("GET", "/docs").text
    named = re.findall(r'(?:href|src)="([^"]+)"', page)
    assert len(named) == 3
    assert all(http("GET", name).status_code == 200 for name in named)
    assert "https://" not in page
