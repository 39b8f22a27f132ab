"""Storing, finding and deleting; and which troubles of a store pass."""

import asyncio
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest
from obstore.exceptions import GenericError, PermissionDeniedError
from obstore.store import S3Store

from app.offload.errors import TransientError
from app.offload.files import store
from app.offload.files.outages import StoreAway
from app.offload.files.stored import BLOCK_BYTES, StoredFile, TooLarge, safe_type, shown_name
from offload.service import wait_until

PART_BYTES = 5 * BLOCK_BYTES
SIZES = (0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * PART_BYTES + 7)
LIMIT = 100 * BLOCK_BYTES


class Cut(Exception):
    pass


def content_of(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


async def chunked(content: bytes, size: int = 60_000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def put(key: str, chunks: AsyncIterator[bytes], limit: int = LIMIT) -> StoredFile:
    return asyncio.run(store.put_stream(key, chunks, limit, name="a", media_type="text/csv"))


def get(key: str, start: int, end: int) -> bytes:
    async def joined() -> bytes:
        return b"".join([block async for block in store.read(key, start, end)])

    return asyncio.run(joined())


async def cancel_a_put() -> None:
    """Cancel an upload of which some parts are stored, and the rest does not come."""
    waits = asyncio.Event()

    async def hanging() -> AsyncIterator[bytes]:
        async for chunk in chunked(content_of(4 * PART_BYTES)):
            yield chunk
        waits.set()
        await asyncio.Event().wait()

    stored = store.put_stream("job/in/t/0", hanging(), LIMIT, name="a", media_type="a/b")
    task = asyncio.create_task(stored)
    await waits.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def files_in(folder: Path) -> list[str]:
    """All that lies there: also unfinished files, and folders that are left."""
    return [str(path.relative_to(folder)) for path in folder.rglob("*")]


@pytest.mark.usefixtures("any_store")
class TestAnyStore:
    @pytest.mark.parametrize("size", SIZES)
    def test_what_was_streamed_in_is_found(self, size: int, tmp_path: Path) -> None:
        content = content_of(size)
        stored = put("job/in/t/0", chunked(content))
        assert stored.size == size
        assert stored.digest == hashlib.sha256(content).hexdigest()
        store.download(stored.key, tmp_path / "copy")
        assert (tmp_path / "copy").read_bytes() == content
        assert get(stored.key, size // 3, size) == content[size // 3 :]

    @pytest.mark.parametrize("size", SIZES)
    def test_a_file_of_a_run_is_found(self, size: int, tmp_path: Path) -> None:
        content = content_of(size)
        (tmp_path / "made").write_bytes(content)
        stored = store.put_file("job/out/t/0", tmp_path / "made", "text/csv", "made.csv")
        digest = hashlib.sha256(content).hexdigest()
        assert stored == StoredFile("job/out/t/0", "made.csv", "text/csv", size, digest)
        assert get(stored.key, 0, size) == content

    @pytest.mark.parametrize("size", [100, 4 * PART_BYTES])
    def test_nothing_is_there_of_what_was_cut(self, size: int) -> None:
        async def cut() -> AsyncIterator[bytes]:
            async for chunk in chunked(content_of(size)):
                yield chunk
            raise Cut

        with pytest.raises(Cut):
            put("job/in/t/0", cut())
        assert store.list_keys("job") == []

    def test_nothing_is_there_of_what_was_cancelled(self) -> None:
        asyncio.run(cancel_a_put())
        assert store.list_keys("job") == []

    def test_nothing_is_there_of_what_is_too_large(self) -> None:
        content = content_of(3 * PART_BYTES)
        with pytest.raises(TooLarge):
            put("job/in/t/0", chunked(content), len(content) - 1)
        assert store.list_keys("job") == []
        assert put("job/in/t/0", chunked(content), len(content)).size == len(content)

    def test_jobs_keep_out_of_each_others_way(self) -> None:
        for key in ("a/in/t/0", "a/out/t/0", "a/out/u/0", "ab/in/t/0"):
            put(key, chunked(b"x"))
        assert sorted(store.list_jobs()) == ["a", "ab"]
        store.delete_prefix("a/out/t")
        assert sorted(store.list_keys("a")) == ["a/in/t/0", "a/out/u/0"]
        store.delete_prefix("a")
        assert store.list_jobs() == ["ab"]
        store.delete_prefix("a")  # nothing is left to delete

    @pytest.mark.parametrize("prefix", ["", "/", "."])
    def test_an_empty_prefix_deletes_nothing(self, prefix: str) -> None:
        put("a/in/t/0", chunked(b"x"))
        with pytest.raises(ValueError, match="everything"):
            store.delete_prefix(prefix)
        assert store.list_keys("a") == ["a/in/t/0"]

    def test_what_is_gone_is_not_found(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            store.download("job/in/t/0", tmp_path / "copy")
        assert not asyncio.run(store.is_there("job/in/t/0"))


class TestFolder:
    def test_a_run_gets_the_file_itself_and_no_write_bit(self, folder: Path) -> None:
        stored = put("job/in/t/0", chunked(b"x"))
        path = store.open_local(stored.key)
        assert path == folder / "job/in/t/0"
        assert path.stat().st_mode & 0o222 == 0

    @pytest.mark.parametrize("size", [100, 4 * PART_BYTES])
    def test_no_unfinished_file_is_left_of_what_was_cut(self, size: int, folder: Path) -> None:
        async def cut() -> AsyncIterator[bytes]:
            yield content_of(size)
            raise Cut

        with pytest.raises(Cut):
            put("job/in/t/0", cut())
        assert [path for path in folder.rglob("*") if path.is_file()] == []

    def test_what_a_killed_process_was_writing_is_deleted_with_its_job(self, folder: Path) -> None:
        (folder / "job/in/t").mkdir(parents=True)
        (folder / "job/in/t/0#1").write_bytes(b"unfinished")
        assert store.list_jobs() == ["job"]
        store.delete_prefix("job")
        assert files_in(folder) == []

    def test_deleting_leaves_no_folders(self, folder: Path) -> None:
        put("job/in/t/0", chunked(b"x"))
        store.delete_prefix("job/in/t")
        assert files_in(folder) == []


@contextmanager
def s3_that_answers(status: int, body: bytes = b"") -> Iterator[str]:
    """The address of a server that answers every request so; after it, nobody answers there."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_PUT(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,)).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@contextmanager
def s3_that_takes_parts(calls: list[str]) -> Iterator[str]:
    """The address of a server that takes parts, and notes what it was asked to do with them."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self, body: bytes = b"") -> None:
            calls.append(f"{self.command} {urlsplit(self.path).query}")
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("ETag", '"tag"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.answer(
                b"<InitiateMultipartUploadResult><Bucket>bucket</Bucket><Key>key</Key>"
                b"<UploadId>id</UploadId></InitiateMultipartUploadResult>"
            )

        def do_PUT(self) -> None:
            self.answer()

        def do_DELETE(self) -> None:
            self.answer()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,)).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def use_s3(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    s3 = S3Store(
        "bucket",
        endpoint=endpoint,
        access_key_id="id",
        secret_access_key="secret",
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )
    monkeypatch.setattr(store, "get_store", lambda: s3)


CALLS: dict[str, Callable[[Path], object]] = {
    "put_stream": lambda _: put("key", chunked(b"x")),
    "put_file": lambda folder: store.put_file("key", folder / "made", "text/csv", "made"),
    "read": lambda _: get("key", 0, 1),
    "download": lambda folder: store.download("key", folder / "copy"),
    "list_keys": lambda _: store.list_keys("job"),
    "delete_prefix": lambda _: store.delete_prefix("job"),
}


def test_parts_that_were_stored_are_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    with s3_that_takes_parts(calls) as endpoint:
        use_s3(monkeypatch, endpoint)
        asyncio.run(cancel_a_put())
    assert "PUT partNumber=1&uploadId=id" in calls
    assert calls[-1] == "DELETE uploadId=id"


class TestOutages:
    @pytest.mark.parametrize("call", CALLS)
    @pytest.mark.parametrize("status", [408, 429, 500, 503, 507])
    def test_a_store_with_troubles_may_be_tried_again(
        self, status: int, call: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "made").write_bytes(b"x")
        with s3_that_answers(status) as endpoint:
            use_s3(monkeypatch, endpoint)
            with pytest.raises(StoreAway) as caught:
                CALLS[call](tmp_path)
        assert isinstance(caught.value, TransientError)

    @pytest.mark.parametrize("call", CALLS)
    def test_a_store_that_nobody_reaches_may_be_tried_again(
        self, call: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "made").write_bytes(b"x")
        with s3_that_answers(200) as endpoint:
            use_s3(monkeypatch, endpoint)
        with pytest.raises(StoreAway):
            CALLS[call](tmp_path)

    def test_a_connection_that_was_too_slow_for_s3_may_be_tried_again(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        body = b"<Error><Code>RequestTimeout</Code></Error>"
        with s3_that_answers(400, body) as endpoint:
            use_s3(monkeypatch, endpoint)
            with pytest.raises(StoreAway):
                put("key", chunked(b"x"))

    @pytest.mark.parametrize(
        ("status", "error"),
        [
            (301, GenericError),
            (400, GenericError),
            (403, PermissionDeniedError),
            (404, FileNotFoundError),
        ],
    )
    def test_a_store_that_refuses_is_not_tried_again(
        self, status: int, error: type[Exception], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with s3_that_answers(status) as endpoint:
            use_s3(monkeypatch, endpoint)
            with pytest.raises(error):
                put("key", chunked(b"x"))

    def test_a_folder_that_is_a_file_is_a_mistake(self, folder: Path) -> None:
        put("job/in/t/0", chunked(b"x"))
        with pytest.raises(GenericError):
            put("job/in/t/0/1", chunked(b"x"))

    def test_a_file_that_may_grow_no_more_passes_and_leaves_nothing(self, tmp_path: Path) -> None:
        # The limit is a process's own, so the store is used in another one.
        done = subprocess.run(
            [sys.executable, "-c", WITH_A_LIMIT],
            env=os.environ | {"STORAGE_URL": str(tmp_path / "files")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout.split() == ["StoreAway", "StoreAway", "[]"], done.stderr
        assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []

    def test_a_full_disk_passes_and_leaves_nothing(self, small_disk: Path, tmp_path: Path) -> None:
        (tmp_path / "made").write_bytes(content_of(3 * PART_BYTES))
        with pytest.raises(StoreAway, match="No space left"):
            put("job/in/t/0", chunked(content_of(3 * PART_BYTES)))
        with pytest.raises(StoreAway, match="No space left"):
            store.put_file("job/out/t/0", tmp_path / "made", "a/b", "made")
        assert [path for path in small_disk.rglob("*") if path.is_file()] == []
        # Who wrote when it was given up may close the file that is gone a moment later.
        wait_until(lambda: shutil.disk_usage(small_disk).free > BLOCK_BYTES, "a free block")
        assert put("job/in/u/0", chunked(b"x")).size == 1

    def test_a_disk_that_is_read_only_passes(self, small_disk: Path) -> None:
        key = put("job/in/t/0", chunked(b"x")).key
        subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
        with pytest.raises(StoreAway, match="Read-only"):
            put("job/in/u/0", chunked(b"x"))
        with pytest.raises(StoreAway, match="Read-only"):
            store.delete_prefix("job")
        assert get(key, 0, 1) == b"x"


WITH_A_LIMIT = """
import asyncio, resource
from pathlib import Path
from app.offload.files import store

async def chunks():
    for _ in range(200):
        yield bytes(100_000)

made = Path(store.get_settings().storage_url + ".made")
made.write_bytes(bytes(20_000_000))
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
about = {"name": "a", "media_type": "a/b"}
for attempt in (
    lambda: asyncio.run(store.put_stream("job/in/t/0", chunks(), 10**9, **about)),
    lambda: store.put_file("job/out/t/0", made, "a/b", "a"),
):
    try:
        attempt()
    except Exception as error:
        print(type(error).__name__)
print(store.list_keys("job"))
"""


@pytest.fixture
def small_disk(tmp_path: Path, use_store: Callable[[str], None]) -> Iterator[Path]:
    """The store is on a file system of 4 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)]
    if not sys.platform.startswith("linux") or subprocess.run(mount, check=False).returncode:
        pytest.skip("a small file system is mounted by root on Linux only")
    try:
        use_store(str(disk / "files"))
        yield disk
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a.csv", "a.csv"),
        ("a\r\nSet-Cookie: b", "aSet-Cookie: b"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("..", "file"),
        ("", "file"),
        ("Größe 1.csv", "Größe 1.csv"),
        ("x" * 1000, "x" * 200),
    ],
)
def test_a_name_from_outside_is_shown_without_tricks(name: str, shown: str) -> None:
    assert shown_name(name) == shown


@pytest.mark.parametrize("media_type", ["", "text", "text/html\r\nX: y", "text/plain;\x00"])
def test_what_is_no_media_type_never_gets_into_a_header(media_type: str) -> None:
    assert safe_type(media_type) == "application/octet-stream"


def test_a_stored_file_survives_a_json_column() -> None:
    stored = StoredFile("a/in/t/0", "a.csv", "text/csv", 3, "ab")
    assert StoredFile.from_dict(stored.as_dict()) == stored
