"""How the application starts."""

import asyncio
import gc
from pathlib import Path

from app.main import app, lifespan


async def start() -> None:
    """Start the application, and end it."""
    async with lifespan(app):
        pass


def is_searched_for_garbage(one: object) -> bool:
    """Whether a full collection looks at an object."""
    return any(found is one for found in gc.get_objects())


def test_no_collection_walks_through_what_is_there_when_it_starts(database: Path) -> None:
    there = [database]
    assert is_searched_for_garbage(there)
    asyncio.run(start())
    assert not is_searched_for_garbage(there)
