"""What is known of a stored file, and how it is measured while it passes by."""

import asyncio
import hashlib
import re
import unicodedata
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO, Self

# A block is what is in memory of a file at a time. It is hashed and stored in threads: with the
# 64 kB that a server hands over, the hops there would cost more than the work.
BLOCK_BYTES = 1024 * 1024
UNKNOWN = "application/octet-stream"

_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(?:;[\x20-\x7e]*)?", re.ASCII)


class TooLarge(Exception):
    """A file is longer than its limit."""


@dataclass(frozen=True)
class StoredFile:
    """A file in the store: where it is, and what a client is told of it."""

    key: str
    name: str  # as the client called it: to be shown, never a path
    media_type: str
    size: int  # bytes
    digest: str  # SHA-256, hexadecimal

    def as_dict(self) -> dict[str, Any]:
        """For a JSON column."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """From what `as_dict` gave."""
        return cls(**value)


class Meter:
    """Cuts bytes into blocks, and counts and hashes them on their way."""

    def __init__(self, limit: int | None = None) -> None:
        self._limit, self._size, self._hash = limit, 0, hashlib.sha256()

    async def blocks(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The same bytes; all but the last are at least a block. Raises TooLarge."""
        kept: list[bytes] = []
        length = 0
        async for chunk in chunks:
            kept.append(chunk)
            length += len(chunk)
            self._count(len(chunk))
            if length >= BLOCK_BYTES:
                yield await self._hashed(kept)
                kept, length = [], 0
        if length:
            yield await self._hashed(kept)

    def file(self, file: BinaryIO) -> Iterator[bytes]:
        """The bytes of a file, in blocks."""
        while block := file.read(BLOCK_BYTES):
            self._count(len(block))
            self._hash.update(block)
            yield block

    def stored(self, key: str, name: str, media_type: str) -> StoredFile:
        """The file that went by."""
        digest = self._hash.hexdigest()
        return StoredFile(key, shown_name(name), safe_type(media_type), self._size, digest)

    def _count(self, length: int) -> None:
        self._size += length
        if self._limit is not None and self._size > self._limit:
            raise TooLarge

    async def _hashed(self, chunks: list[bytes]) -> bytes:
        block = b"".join(chunks)
        await asyncio.to_thread(self._hash.update, block)
        return block


def shown_name(name: str) -> str:
    """A name from outside as it may be shown: no folders, no control characters, no tricks."""
    last = re.split(r"[/\\]", name)[-1]
    # Category C: control characters, and those that reverse the direction of the text.
    shown = "".join(one for one in last if unicodedata.category(one)[0] != "C").strip(" .")
    return shown[:200] or "file"


def safe_type(media_type: str) -> str:
    """A media type that may stand in a header; application/octet-stream for what is none."""
    return media_type if _MEDIA_TYPE.fullmatch(media_type) else UNKNOWN
