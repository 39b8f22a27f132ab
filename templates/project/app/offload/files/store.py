"""Where files are kept: a folder, or an object store by its URL.

Keys are made of ids, tokens and numbers: `<job id>/in/<token>/<n>` and `<job id>/out/<token>/<n>`.
A name from outside is never part of one. Each upload and each run writes under a token of its own,
and what counts is only the key that a row holds: so nothing is overwritten, and nothing is seen
half written.
"""

import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from io import SEEK_END, BytesIO
from pathlib import Path

from obstore import delete as delete_objects
from obstore import get_range, get_range_async, head, head_async, list_with_delimiter, put
from obstore import list as list_objects
from obstore.store import LocalStore, ObjectStore, from_url

from ..settings import get_settings
from .outages import outages
from .stored import BLOCK_BYTES, Meter, StoredFile
from .transfer import PARTS_AT_ONCE, part_bytes, upload

# A store that does not answer costs about a minute at the most: requests are repeated for 20 s, and
# the last one may take 30 s, obstore's own limit. No client_options beside this: they would put
# those of the environment, such as AWS_ALLOW_HTTP and AWS_TIMEOUT, out of force.
RETRY_SECONDS = 20


@lru_cache
def get_store() -> ObjectStore:
    """The store named by STORAGE_URL; a plain path is a folder, made if it is missing."""
    url = get_settings().storage_url.removeprefix("file://")
    if "://" in url:
        return from_url(url, retry_config={"retry_timeout": timedelta(seconds=RETRY_SECONDS)})
    with outages():
        return LocalStore(Path(url).absolute(), mkdir=True, automatic_cleanup=True)


async def put_stream(
    key: str, chunks: AsyncIterator[bytes], limit: int, *, name: str, media_type: str
) -> StoredFile:
    """Store what comes in, block by block, and say what it was.

    Whole or not at all: when `chunks` raises, or the store fails, nothing is under the key.
    Raises TooLarge beyond `limit` bytes, StoreAway, and whatever `chunks` raises.
    """
    meter = Meter(limit)
    store = get_store()
    await upload(store, key, meter.blocks(chunks), part_bytes(limit))
    if path := open_local(key):
        path.chmod(0o444)  # a run gets this very file, and the next attempt is to read the same
    return meter.stored(key, name, media_type)


async def hash_stream(
    _: str, chunks: AsyncIterator[bytes], limit: int, *, name: str, media_type: str
) -> StoredFile:
    """What `put_stream` would say, with nothing stored and no key. Raises TooLarge."""
    meter = Meter(limit)
    async for _block in meter.blocks(chunks):
        pass
    return meter.stored("", name, media_type)


def put_file(key: str, content: Path | bytes, media_type: str, name: str) -> StoredFile:
    """Store a file of a run and say what it was. Raises StoreAway; OSError when it is not there."""
    meter = Meter()
    with BytesIO(content) if isinstance(content, bytes) else content.open("rb") as file:
        size = file.seek(0, SEEK_END)
        file.seek(0)
        blocks = meter.file(file)
        with outages():
            put(
                get_store(),
                key,
                blocks if size > BLOCK_BYTES else b"".join(blocks),
                chunk_size=part_bytes(size),
                max_concurrency=PARTS_AT_ONCE,
            )
    return meter.stored(key, name, media_type)


def open_local(key: str) -> Path | None:
    """Where a stored file lies on this machine; None in an object store.

    It is the stored file itself, so that no large input is copied: read it, do not write it.
    """
    store = get_store()
    if not isinstance(store, LocalStore):
        return None
    return _folder(store) / key


def download(key: str, target: Path) -> None:
    """Copy a stored file to `target`. Raises FileNotFoundError when it is gone, StoreAway."""
    store = get_store()
    with outages(), target.open("wb") as file:
        size = head(store, key)["size"]
        # One request a block: obstore gives each 30 s, which is short for a large file in one.
        for start in range(0, size, 8 * BLOCK_BYTES):
            end = min(start + 8 * BLOCK_BYTES, size)
            file.write(get_range(store, key, start=start, end=end))


async def read(key: str, start: int, end: int) -> AsyncIterator[bytes]:
    """The bytes from `start` to before `end`, a block at a time.

    Raises FileNotFoundError when the file is gone, StoreAway. A block is a request of its own:
    obstore gives each 30 s, and a slow client may take hours for the whole.
    """
    store = get_store()
    while start < end:
        with outages():
            block = await get_range_async(
                store, key, start=start, end=min(start + BLOCK_BYTES, end)
            )
        yield block.to_bytes()
        start += len(block)


async def is_there(key: str) -> bool:
    """Whether a file is stored under the key. Raises StoreAway."""
    with outages():
        try:
            await head_async(get_store(), key)
        except FileNotFoundError:
            return False
    return True


def list_keys(prefix: str) -> list[str]:
    """The keys of all that is stored under a folder such as `<job id>`. Raises StoreAway."""
    with outages():
        batches = list_objects(get_store(), prefix=prefix)
        return [found["path"] for batch in batches for found in batch]


def list_jobs() -> list[str]:
    """The first part of every key: the ids of the jobs that have files. Raises StoreAway."""
    with outages():
        return [path.rstrip("/") for path in list_with_delimiter(get_store())["common_prefixes"]]


def delete_prefix(prefix: str) -> None:
    """Delete all that is stored under a folder such as `<job id>`. Raises StoreAway."""
    if not prefix.strip("/."):
        raise ValueError("An empty prefix would delete everything")
    store = get_store()
    with outages():
        if isinstance(store, LocalStore):
            _delete_folder(_folder(store), prefix)
        elif keys := list_keys(prefix):
            delete_objects(store, keys)


def _delete_folder(root: Path, prefix: str) -> None:
    # Not by key: what a killed process was writing has none, and is deleted as well.
    folder = root / prefix
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)
    with suppress(OSError):  # the first that is not empty, or is being filled
        for parent in folder.parents:
            if parent == root:
                break
            parent.rmdir()


def _folder(store: LocalStore) -> Path:
    return Path(store.prefix or "/")
