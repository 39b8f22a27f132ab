"""Where the PDFs are kept: a folder, or an object store by its URL.

Each run writes under a key of its own, and a report shows only the key that its row holds. So a run
that lost its lease can overwrite nothing, and a half-written PDF is never seen.
"""

from functools import lru_cache
from pathlib import Path
from uuid import UUID

from obstore import delete, get_async, put
from obstore import list as list_objects
from obstore.exceptions import NotFoundError
from obstore.store import LocalStore, ObjectStore, from_url

from app.settings import get_settings


@lru_cache
def get_store() -> ObjectStore:
    """The store named by STORAGE_URL; a plain path is a folder, made if it is missing."""
    url = get_settings().storage_url
    if "://" in url:
        return from_url(url)
    return LocalStore(Path(url).absolute(), mkdir=True, automatic_cleanup=True)


def save(report_id: UUID, token: str, document: bytes) -> str:
    """Store a PDF, whole or not at all; the key to find it by."""
    key = f"{report_id}/{token}.pdf"
    put(get_store(), key, document)
    return key


async def load(key: str) -> bytes | None:
    """The PDF under a key, or None when it is gone."""
    try:
        found = await get_async(get_store(), key)
    except (FileNotFoundError, NotFoundError):  # as a folder and as an object store say it
        return None
    return bytes(await found.bytes_async())


def list_keys(report_id: UUID) -> list[str]:
    """The keys of all that the runs of a report have stored."""
    batches = list_objects(get_store(), prefix=f"{report_id}/")
    return [found["path"] for batch in batches for found in batch]


def delete_all(report_id: UUID) -> None:
    """Delete what the runs of a report have stored."""
    delete(get_store(), list_keys(report_id))
