import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache, wraps

from PIL import Image

from app.services.deep import deepest


def thumbnail() -> None:
    time.sleep(0.1)  # blocks: route
    deepest()


async def resize(number: int) -> None:
    image = Image.open("x.png")
    image.thumbnail((64, 64))  # blocks: background


@lru_cache
def cached_settings() -> str:
    time.sleep(1)  # blocks: startup
    return ""


@contextmanager
def close_quietly() -> Iterator[None]:
    yield
    time.sleep(1)  # blocks: route


def slow_decorator(function):  # noqa: ANN001, ANN201
    @wraps(function)
    def wrapper(*args: object) -> object:
        time.sleep(1)  # blocks: route
        return function(*args)

    return wrapper


def offloaded(function):  # noqa: ANN001, ANN201
    @wraps(function)
    async def wrapper(*args: object) -> object:
        return await asyncio.to_thread(function, *args)

    return wrapper


def words() -> Iterator[str]:
    time.sleep(1)  # blocks: route
    yield "a"
