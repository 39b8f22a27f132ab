"""Requests with files: what is stored of them, what is refused, and that nothing is left then."""

import asyncio
import hashlib
import json
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest
from file_site import PLAIN, Site
from obstore.exceptions import GenericError

from app.offload.files import store, transfer
from app.offload.files.stored import BLOCK_BYTES
from app.offload.kinds import Input
from app.offload.settings import get_settings

LIMIT = 8 * BLOCK_BYTES
TABLE = ("table.csv", b"a,b\n1,2\n", "text/csv")
JOB = "/jobs/job"


@pytest.fixture(autouse=True)
def inputs(site: Site, folder: Path) -> None:
    site.inputs = {
        "table": Input(media_types=("text/*",), max_bytes=LIMIT),
        "images": Input(media_types=("image/*",), required=False, many=2),
    }


@pytest.fixture
def single(site: Site) -> None:
    site.inputs = {"video": Input(media_types=("video/*",), max_bytes=LIMIT)}


def post(site: Site, path: str = JOB, **request: Any) -> httpx.Response:
    return httpx.post(site.url + path, **PLAIN, **request)


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "the condition never held"
        time.sleep(0.01)


def assert_nothing_is_left(folder: Path) -> None:
    assert [str(path) for path in folder.rglob("*")] == []


class TestForm:
    def test_params_and_files_are_received(self, site: Site, folder: Path) -> None:
        images = [("images", (f"{n}.png", bytes([n]), "image/png")) for n in range(2)]
        answer = post(site, data={"params": '{"n": 1}'}, files=[("table", TABLE), *images])
        assert answer.status_code == 202, answer.text
        received = answer.json()
        assert received["params"] == '{"n": 1}'
        [table] = received["files"]["table"]
        assert table == {
            "key": "job/in/token/0",
            "name": "table.csv",
            "media_type": "text/csv",
            "size": len(TABLE[1]),
            "digest": hashlib.sha256(TABLE[1]).hexdigest(),
        }
        assert (folder / table["key"]).read_bytes() == TABLE[1]
        assert [(folder / one["key"]).read_bytes() for one in received["files"]["images"]] == [
            b"\0",
            b"\1",
        ]

    def test_params_may_follow_the_files_or_be_missing(self, site: Site) -> None:
        parts = {"table": TABLE, "params": ("", b'{"n": 2}', "application/json")}
        assert post(site, files=parts).json()["params"] == '{"n": 2}'
        assert post(site, files={"table": TABLE}).json()["params"] == "{}"

    @pytest.mark.parametrize("size", [BLOCK_BYTES - 1, BLOCK_BYTES, LIMIT - 1, LIMIT])
    def test_a_file_of_any_size_arrives_whole(self, size: int, site: Site, folder: Path) -> None:
        # Full of what looks like the beginning of a boundary.
        content = (b"\r\n--x\r\n--" * (size // 9 + 1))[:size]
        answer = post(site, files={"table": ("a.csv", content, "text/csv")})
        [table] = answer.json()["files"]["table"]
        assert (folder / table["key"]).read_bytes() == content

    def test_a_field_without_a_file_is_no_file(self, site: Site) -> None:
        parts = [("table", TABLE), ("images", ("", b"", "application/octet-stream"))]
        assert "images" not in post(site, content=form(parts), headers=FORM).json()["files"]

    def test_a_type_that_the_client_does_not_know_is_told_by_the_name(self, site: Site) -> None:
        for name, status in (("a.csv", 202), ("a.mp4", 415), ("a", 415)):
            file = (name, b"a", "application/octet-stream")
            assert post(site, files={"table": file}).status_code == status

    @pytest.mark.parametrize(
        "name", ["../../../evil", "/etc/evil", "..\\..\\evil", "a\0b", "%2e%2e%2fevil", "..", "#1"]
    )
    def test_a_name_from_outside_is_never_a_path(self, name: str, site: Site, folder: Path) -> None:
        answer = post(site, content=form([("table", (name, b"a", "text/csv"))]), headers=FORM)
        [table] = answer.json()["files"]["table"]
        assert table["key"] == "job/in/token/0"
        assert "/" not in table["name"] and "\\" not in table["name"]
        [file] = [path for path in folder.parent.rglob("*") if path.is_file()]
        assert file == folder / table["key"]


class TestParamsAlone:
    def test_json_is_the_params_where_no_file_is_required(self, site: Site) -> None:
        site.inputs = {"images": Input(required=False)}
        received = post(site, json={"n": 1}).json()
        assert (json.loads(received["params"]), received["files"]) == ({"n": 1}, {})

    def test_a_required_file_is_missed(self, site: Site) -> None:
        answer = post(site, json={"n": 1})
        assert (answer.status_code, "table is missing" in answer.text) == (422, True)

    def test_json_is_a_file_where_an_input_asks_for_it(self, site: Site) -> None:
        site.inputs = {"document": Input(media_types=("application/json",))}
        [document] = post(site, json={"n": 1}).json()["files"]["document"]
        assert document["media_type"] == "application/json"


BOUNDARY = "0123456789"
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def form(parts: list[tuple[str, tuple[str, bytes, str]]]) -> bytes:
    """A form as no client's own checks would write it."""
    body = b""
    for name, (file_name, content, media_type) in parts:
        body += f"--{BOUNDARY}\r\nContent-Disposition: form-data; ".encode()
        body += f'name="{name}"; filename="{file_name}"\r\n'.encode()
        body += f"Content-Type: {media_type}\r\n\r\n".encode() + content + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


PARAMS = ("", b"{}", "application/json")
REFUSED: dict[str, tuple[list[tuple[str, tuple[str, bytes, str]]], int, str]] = {
    "unknown": ([("table", TABLE), ("tabel", TABLE)], 422, "no input 'tabel'"),
    "too many": ([("table", TABLE), ("table", TABLE)], 422, "one file at the most"),
    "missing": ([("images", ("a.png", b"a", "image/png"))], 422, "table is missing"),
    "media type": ([("table", ("a.png", b"a", "image/png"))], 415, "takes text/*, not image/png"),
    "two params": ([("table", TABLE), ("params", PARAMS), ("params", PARAMS)], 422, "two parts"),
    "long params": (
        [("table", TABLE), ("params", ("", b"1" * 70_000, "application/json"))],
        413,
        "MAX_JSON_BYTES",
    ),
}


class TestRefused:
    @pytest.mark.parametrize("case", REFUSED)
    def test_what_is_not_as_it_must_be_leaves_nothing(
        self, case: str, site: Site, folder: Path
    ) -> None:
        parts, status, reason = REFUSED[case]
        answer = post(site, content=form(parts), headers=FORM)
        assert answer.status_code == status
        assert reason in answer.json()["detail"]
        assert_nothing_is_left(folder)

    def test_a_field_in_place_of_a_file_names_the_remedy(self, site: Site) -> None:
        parts = [("table", (None, b"@table.csv", None))]
        answer = post(site, files=parts)
        assert (answer.status_code, "table=@path" in answer.text) == (422, True)

    @pytest.mark.parametrize(
        ("body", "content_type"),
        [
            (b"nonsense", FORM["Content-Type"]),
            (b"", FORM["Content-Type"]),
            (form([("table", TABLE)])[:-20], FORM["Content-Type"]),
            (form([("table", TABLE)]), "multipart/form-data"),
            (form([("table", TABLE)]), f"multipart/form-data; boundary={'x' * 300}"),
            (form([("table", TABLE)]).replace(b'name="table"; ', b""), FORM["Content-Type"]),
        ],
    )
    def test_what_is_no_form_is_the_clients_mistake(
        self, body: bytes, content_type: str, site: Site, folder: Path
    ) -> None:
        answer = post(site, content=body, headers={"Content-Type": content_type})
        assert answer.status_code == 400, answer.text
        assert_nothing_is_left(folder)

    def test_a_body_that_is_no_form_is_refused_where_there_are_several_inputs(
        self, site: Site
    ) -> None:
        answer = post(site, content=b"a,b", headers={"Content-Type": "text/csv"})
        assert (answer.status_code, "table" in answer.text) == (415, True)

    @pytest.mark.parametrize("announced", [True, False])
    def test_a_file_over_its_limit_leaves_nothing(
        self, announced: bool, site: Site, folder: Path
    ) -> None:
        body = form([("table", ("a.csv", b"x" * (LIMIT + 1), "text/csv"))])
        answer = post(site, content=body if announced else in_pieces(body), headers=FORM)
        assert answer.status_code == 413
        assert f"table takes up to {LIMIT:,} bytes" in answer.json()["detail"]
        assert "Input(max_bytes=...) in kind.py" in answer.json()["detail"]
        assert_nothing_is_left(folder)

    def test_nothing_is_read_of_what_announces_too_much(self, site: Site, folder: Path) -> None:
        with begin(site, FORM, length=2 * 100_000_000 + 2 * LIMIT) as connection:
            # No byte of the body was sent, and the answer is here.
            assert connection.recv(1000).startswith(b"HTTP/1.1 413")
        assert_nothing_is_left(folder)


def in_pieces(body: bytes) -> Iterator[bytes]:
    """A body of no known length."""
    for start in range(0, len(body), 100_000):
        yield body[start : start + 100_000]


def begin(site: Site, headers: dict[str, str], length: int, path: str = JOB) -> socket.socket:
    """A connection on which the head of a request was sent."""
    lines = [f"POST {path} HTTP/1.1", "Host: a", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    connection = socket.create_connection(("127.0.0.1", site.port), 60)
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    return connection


class TestCut:
    @pytest.mark.parametrize("sent", [200, 3 * BLOCK_BYTES, 7 * BLOCK_BYTES])
    def test_a_cut_connection_leaves_nothing(self, sent: int, site: Site, folder: Path) -> None:
        body = form([("table", ("a.csv", b"x" * LIMIT, "text/csv"))])
        with begin(site, FORM, len(body)) as connection:
            connection.sendall(body[:sent])
            if sent > 2 * BLOCK_BYTES:
                wait_until(lambda: any(folder.rglob("0*")))  # it is being written
        wait_until(lambda: bool(site.errors))
        [error] = site.errors
        assert (type(error).__name__, getattr(error, "status", None)) == ("UploadRefused", 400)
        assert_nothing_is_left(folder)

    def test_the_files_before_the_cut_are_deleted_too(self, site: Site, folder: Path) -> None:
        body = form([("table", TABLE), ("images", ("a.png", b"x" * LIMIT, "image/png"))])
        with begin(site, FORM, len(body)) as connection:
            connection.sendall(body[:BLOCK_BYTES])
            wait_until(lambda: (folder / "job/in/token/0").exists())
        wait_until(lambda: bool(site.errors))
        assert_nothing_is_left(folder)

    def test_whoever_sends_waits_for_a_store_that_is_slow(
        self, site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        released = Event()

        async def hold(_store: object, _key: str, blocks: AsyncIterator[bytes], **_: int) -> None:
            await anext(blocks)
            await asyncio.to_thread(released.wait)
            raise GenericError("slow")

        monkeypatch.setattr(transfer, "put_async", hold)
        body = form([("images", ("a.png", b"x" * 30_000_000, "image/png"))])
        try:
            with begin(site, FORM, len(body)) as connection:
                connection.settimeout(3)
                with pytest.raises(TimeoutError):
                    connection.sendall(body)
        finally:
            released.set()
        wait_until(lambda: bool(site.errors))


VIDEO = {"Content-Type": "video/mp4"}


@pytest.mark.usefixtures("single")
class TestRaw:
    def test_the_body_is_the_file(self, site: Site, folder: Path) -> None:
        content = b"x" * LIMIT
        path = f"{JOB}?params=%7B%22n%22%3A1%7D"
        received = post(site, path, content=content, headers=VIDEO).json()
        assert received["params"] == '{"n":1}'
        [video] = received["files"]["video"]
        assert (video["media_type"], video["size"]) == ("video/mp4", LIMIT)
        assert (folder / video["key"]).read_bytes() == content

    def test_the_same_file_may_come_by_a_form(self, site: Site) -> None:
        answer = post(site, files={"video": ("a.mp4", b"a", "video/mp4")})
        assert answer.json()["files"]["video"][0]["name"] == "a.mp4"

    @pytest.mark.parametrize(
        ("content", "content_type", "status"),
        [
            (b"", "video/mp4", 422),
            (b"x", "text/csv", 415),
            (b'{"n": 1}', "application/json", 422),
            (b"x" * (LIMIT + 1), "video/mp4", 413),
        ],
    )
    def test_what_is_refused_leaves_nothing(
        self, content: bytes, content_type: str, status: int, site: Site, folder: Path
    ) -> None:
        headers = {"Content-Type": content_type}
        for body in (content, in_pieces(content)):
            answer = post(site, content=body, headers=headers)
            assert (answer.status_code, "video" in answer.text) == (status, True), answer.text
            assert_nothing_is_left(folder)

    def test_a_cut_connection_leaves_nothing(self, site: Site, folder: Path) -> None:
        with begin(site, VIDEO, LIMIT) as connection:
            connection.sendall(b"x" * 3 * BLOCK_BYTES)
            wait_until(lambda: any(folder.rglob("0*")))
        wait_until(lambda: bool(site.errors))
        assert_nothing_is_left(folder)


class TestReplay:
    def test_a_request_sent_again_has_the_same_digest_and_stores_nothing(
        self, site: Site, folder: Path
    ) -> None:
        files = {"table": TABLE}
        first = post(site, data={"params": '{"a": 1, "b": 2}'}, files=files).json()
        store.delete_prefix("job")
        again = post(
            site, f"{JOB}?replay=true", data={"params": '{"b":2,"a":1}'}, files=files
        ).json()
        assert again["digest"] == first["digest"]
        assert again["files"]["table"][0]["digest"] == first["files"]["table"][0]["digest"]
        assert_nothing_is_left(folder)

    def test_another_request_has_another_digest(self, site: Site) -> None:
        changed = [
            ('{"n": 1}', TABLE),
            ('{"n": 2}', TABLE),
            ('{"n": 1}', ("table.csv", b"other", "text/csv")),
            ("no json", TABLE),
        ]
        digests = {
            post(site, data={"params": params}, files={"table": table}).json()["digest"]
            for params, table in changed
        }
        assert len(digests) == len(changed)


class TestStoreAway:
    def test_a_store_that_takes_nothing_is_no_error_of_the_client(
        self,
        site: Site,
        folder: Path,
        use_store: Callable[[str], None],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            address = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setattr(store, "RETRY_SECONDS", 0.1)
        use_store("s3://bucket/files")
        big = b"x" * LIMIT
        answer = post(site, files={"table": ("a.csv", big, "text/csv")})
        assert answer.status_code == 503
        assert json.loads(answer.text)["detail"].startswith("The store")
        assert get_settings().storage_url == "s3://bucket/files"
