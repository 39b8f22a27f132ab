"""Where the PDFs are kept: a folder, or an object store by its URL.

Each run writes under a key of its own, and a report shows only the key that its row holds. So a run
that lost its lease can overwrite nothing, and a half-written PDF is never seen.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from obstore import delete as delete_objects
from obstore import get_async, put
from obstore import list as list_objects
from obstore.exceptions import GenericError
from obstore.store import LocalStore, ObjectStore, from_url

from app.errors import TransientError
from app.settings import get_settings

# A store that does not answer costs about a minute at the most: requests are repeated for 20 s, and
# the last one may take 30 s, obstore's own limit. No client_options beside this: they would put
# those of the environment, such as AWS_ALLOW_HTTP and AWS_TIMEOUT, out of force.
RETRY_SECONDS = 20


@lru_cache
def get_store() -> ObjectStore:
    """The store named by STORAGE_URL; a plain path is a folder, made if it is missing."""
    url = get_settings().storage_url
    if "://" in url:
        return from_url(url, retry_config={"retry_timeout": timedelta(seconds=RETRY_SECONDS)})
    return LocalStore(Path(url).absolute(), mkdir=True, automatic_cleanup=True)


def save(report_id: UUID, token: str, document: bytes) -> str:
    """Store a PDF, whole or not at all; the key to find it by. Raises TransientError."""
    key, store = f"{report_id}/{token}.pdf", get_store()
    with _transient_when_away():
        put(store, key, document)
    return key


async def load(key: str) -> bytes | None:
    """The PDF under a key, or None when it is gone. Raises TransientError."""
    store = get_store()
    with _transient_when_away():
        try:
            found = await get_async(store, key)
        except FileNotFoundError:
            return None
        return bytes(await found.bytes_async())


def list_keys(report_id: UUID) -> list[str]:
    """The keys of all that the runs of a report have stored. Raises TransientError."""
    store = get_store()
    with _transient_when_away():
        batches = list_objects(store, prefix=f"{report_id}/")
        return [found["path"] for batch in batches for found in batch]


def delete(keys: Sequence[str]) -> None:
    """Delete what is stored under these keys. Raises TransientError."""
    store = get_store()
    with _transient_when_away():
        delete_objects(store, keys)


@contextmanager
def _transient_when_away() -> Iterator[None]:
    # A store that refuses us, or has no such bucket, has exceptions of its own; it stays with them.
    # Everything else is a GenericError: no connection, no answer in time, 5xx, 429, a full disk.
    try:
        yield
    except GenericError as error:
        raise TransientError("The store of the PDFs does not answer") from error
