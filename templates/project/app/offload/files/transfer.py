"""Bytes from the event loop into a store, whole or not at all."""

import asyncio
from collections.abc import AsyncIterator

from anyio import BrokenResourceError, CancelScope, create_memory_object_stream
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from obstore import put_async
from obstore.store import ObjectStore

from .outages import outages
from .stored import BLOCK_BYTES

# 15 MB in memory at the most: two parts on their way and one that fills. S3 wants 5 MB a part.
PARTS_AT_ONCE = 2


class _Cut(Exception):
    """The bytes ended before their end; obstore then takes back what it has stored."""


def part_bytes(size: int) -> int:
    """The size of a part: S3 allows 10,000 of them."""
    return max(5 * BLOCK_BYTES, size // 9_000)


async def upload(
    store: ObjectStore, key: str, blocks: AsyncIterator[bytes], part_size: int
) -> None:
    """Store `blocks` under a key. Raises StoreAway, and whatever `blocks` raises.

    The store is written by a task of its own, since a cancelled `put_async` leaves its parts in
    S3, and one whose source raises takes them back.
    """
    first = await anext(blocks, b"")
    sending, receiving = create_memory_object_stream[bytes](0)
    putting = asyncio.create_task(_put(store, key, first, receiving, part_size))
    try:
        if len(first) >= BLOCK_BYTES:
            await _send_all(sending, blocks)
        await asyncio.wait([putting])
    finally:
        sending.close()
        with CancelScope(shield=True):
            await asyncio.wait([putting])
            failure = putting.exception()
    if failure:
        raise failure


async def _send_all(sending: ObjectSendStream[bytes], blocks: AsyncIterator[bytes]) -> None:
    async for block in blocks:
        if not await _send(sending, block):
            return
    await _send(sending, b"")


async def _send(sending: ObjectSendStream[bytes], block: bytes) -> bool:
    try:
        await sending.send(block)
    except BrokenResourceError:  # the task has failed, and says why
        return False
    return True


async def _put(
    store: ObjectStore,
    key: str,
    first: bytes,
    rest: ObjectReceiveStream[bytes],
    part_size: int,
) -> None:
    with outages():
        try:
            if len(first) < BLOCK_BYTES:  # that is all of it: one request instead of three
                await put_async(store, key, first)
                return
            source = _until_its_end(first, rest)
            await put_async(store, key, source, chunk_size=part_size, max_concurrency=PARTS_AT_ONCE)
        finally:
            await rest.aclose()


async def _until_its_end(first: bytes, rest: ObjectReceiveStream[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for block in rest:
        if not block:
            return
        yield block
    raise _Cut
