"""Artifacts on their way out: ranges, tags, and that no browser runs them."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from file_site import PLAIN, Site

from app.offload.files import store
from app.offload.files.stored import BLOCK_BYTES, StoredFile

CONTENT = bytes(range(256)) * 10
SIZE = len(CONTENT)
ETAG = f'"{hashlib.sha256(CONTENT).hexdigest()}"'

Keep = Callable[..., StoredFile]


@pytest.fixture
def keep(site: Site, any_store: None, tmp_path: Path) -> Keep:
    """Stores a file that the site then gives at /files/a."""

    def kept(
        content: bytes = CONTENT, media_type: str = "video/mp4", name: str = "a.mp4"
    ) -> StoredFile:
        (tmp_path / "made").write_bytes(content)
        key = "job/out/token/0"
        site.files["a"] = store.put_file(key, tmp_path / "made", media_type, name)
        return site.files["a"]

    return kept


def ask(site: Site, method: str = "GET", query: str = "", **headers: str) -> httpx.Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    url = f"{site.url}/files/a{query}"
    return httpx.request(method, url, headers=names, **PLAIN)


def test_the_whole_is_given(site: Site, keep: Keep) -> None:
    keep()
    answer = ask(site)
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["etag"] == ETAG
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-length"] == str(SIZE)
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("size", [0, BLOCK_BYTES, 7 * BLOCK_BYTES + 3])
def test_any_size_is_given(size: int, site: Site, keep: Keep) -> None:
    content = (CONTENT * (size // SIZE + 1))[:size]
    keep(content)
    assert ask(site).content == content
    if size:
        answer = ask(site, Range=f"bytes={size // 2}-")
        assert (answer.status_code, answer.content) == (206, content[size // 2 :])


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=100-", 100, SIZE),
        ("bytes=-100", SIZE - 100, SIZE),
        ("bytes=-99999999", 0, SIZE),
        (f"bytes={SIZE - 1}-99999999", SIZE - 1, SIZE),
    ],
)
def test_a_range_is_given(asked: str, start: int, end: int, site: Site, keep: Keep) -> None:
    keep()
    answer = ask(site, Range=asked)
    assert (answer.status_code, answer.content) == (206, CONTENT[start:end])
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{SIZE}"
    assert answer.headers["content-length"] == str(end - start)
    assert answer.headers["etag"] == ETAG


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", "bytes=-0", f"bytes=999999-{'9' * 18}"])
def test_a_range_outside_of_the_file_is_refused(asked: str, site: Site, keep: Keep) -> None:
    keep()
    answer = ask(site, Range=asked)
    assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{SIZE}")


@pytest.mark.parametrize(
    "asked",
    ["bytes=5-2", "bytes=-", "bytes=a-b", "lines=1-2", "bytes=0-1,4-5", f"bytes={'9' * 5000}-"],
)
def test_a_range_that_is_none_gives_the_whole(asked: str, site: Site, keep: Keep) -> None:
    keep()
    answer = ask(site, Range=asked)
    assert (answer.status_code, answer.content) == (200, CONTENT)


def test_a_range_of_another_version_gives_the_whole(site: Site, keep: Keep) -> None:
    keep()
    for tag, status in ((ETAG, 206), ('"other"', 200), ("Sat, 01 Jan 2000 00:00:00 GMT", 200)):
        assert ask(site, Range="bytes=0-9", If_Range=tag).status_code == status


@pytest.mark.parametrize("tags", [ETAG, f'"x", {ETAG}', f"W/{ETAG}", "*"])
def test_what_the_client_has_is_not_sent_again(tags: str, site: Site, keep: Keep) -> None:
    keep()
    answer = ask(site, If_None_Match=tags, Range="bytes=0-9")
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == ETAG
    assert ask(site, If_None_Match='"other"').status_code == 200


def test_head_gives_the_headers(site: Site, keep: Keep) -> None:
    keep()
    answer, whole = ask(site, "HEAD", Range="bytes=0-9"), ask(site)
    assert (answer.status_code, answer.content) == (200, b"")
    for name in ("etag", "content-length", "content-type", "accept-ranges", "content-disposition"):
        assert answer.headers[name] == whole.headers[name]


@pytest.mark.parametrize("content", [CONTENT, b""])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_gone_is_gone(method: str, content: bytes, site: Site, keep: Keep) -> None:
    keep(content)
    store.delete_prefix("job")
    assert ask(site, method).status_code == 410


class TestInABrowser:
    @pytest.mark.parametrize(
        "media_type",
        ["application/pdf", "image/png", "video/mp4", "audio/ogg", "text/plain"],
    )
    def test_what_is_harmless_is_shown(self, media_type: str, site: Site, keep: Keep) -> None:
        keep(media_type=media_type)
        assert ask(site).headers["content-disposition"].startswith("inline;")
        saved = ask(site, query="?download=true")
        assert saved.headers["content-disposition"].startswith("attachment;")

    @pytest.mark.parametrize(
        "media_type",
        [
            "text/html",
            "TEXT/HTML",
            "text/html; charset=utf-8",
            "image/svg+xml",
            "IMAGE/SVG+XML",
            "application/xhtml+xml",
            "text/xml",
            "text/javascript",
            "application/octet-stream",
            "application/pdf\r\nX-Evil: 1",
        ],
    )
    def test_what_may_run_scripts_is_saved(self, media_type: str, site: Site, keep: Keep) -> None:
        keep(media_type=media_type)
        headers = ask(site).headers
        assert headers["content-disposition"].startswith("attachment;")
        assert "sandbox" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "x-evil" not in headers

    def test_what_is_shown_runs_in_a_sandbox(self, site: Site, keep: Keep) -> None:
        keep(media_type="image/png")
        policy = ask(site).headers["content-security-policy"]
        assert policy.startswith("default-src 'none'") and policy.endswith("sandbox")

    @pytest.mark.parametrize(
        ("name", "disposition"),
        [
            ("a b.csv", "attachment; filename=\"a b.csv\"; filename*=UTF-8''a%20b.csv"),
            (
                'Größe"; x=".csv',
                "attachment; filename=\"Gr__e_; x=_.csv\"; filename*=UTF-8''"
                "Gr%C3%B6%C3%9Fe%22%3B%20x%3D%22.csv",
            ),
            (
                "../a\r\nX-Evil: 1",
                "attachment; filename=\"aX-Evil: 1\"; filename*=UTF-8''aX-Evil%3A%201",
            ),
        ],
    )
    def test_a_name_stays_a_name(self, name: str, disposition: str, site: Site, keep: Keep) -> None:
        keep(media_type="text/csv", name=name)
        answer = ask(site)
        assert answer.headers["content-disposition"] == disposition
        assert "x-evil" not in answer.headers
