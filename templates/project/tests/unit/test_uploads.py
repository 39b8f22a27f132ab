"""Uploads beside everything else."""

import asyncio
from contextlib import AsyncExitStack

import httpx
from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI

from app.api import datasets, problems

LIMIT_SECONDS = 60
CSV = {"Content-Type": "text/csv"}
BODY = b"taken_at,value\n2000-01-01,1\n"


def client() -> httpx.AsyncClient:
    app = FastAPI()
    problems.install(app)
    app.include_router(datasets.router)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def take_all(limiter: CapacityLimiter, until: AsyncExitStack) -> None:
    for borrower in map(str, range(int(limiter.total_tokens))):
        await limiter.acquire_on_behalf_of(borrower)
        until.callback(limiter.release_on_behalf_of, borrower)


def test_uploads_take_none_of_the_default_threads(database: str) -> None:
    async def main() -> int:
        async with asyncio.timeout(LIMIT_SECONDS), client() as http, AsyncExitStack() as busy:
            await take_all(to_thread.current_default_thread_limiter(), busy)
            return (await http.put("/datasets/one", content=BODY, headers=CSV)).status_code

    assert asyncio.run(main()) == 201


def test_so_many_uploads_at_once_and_the_others_wait(database: str) -> None:
    async def main() -> None:
        async with asyncio.timeout(LIMIT_SECONDS), client() as http, AsyncExitStack() as busy:
            await take_all(datasets.uploads, busy)
            put = asyncio.create_task(http.put("/datasets/one", content=BODY, headers=CSV))
            while not datasets.uploads.statistics().tasks_waiting:
                assert not put.done()
                await asyncio.sleep(0.01)
            assert (await http.get("/datasets")).json() == []  # nobody else waits
            await busy.aclose()
            assert (await put).status_code == 201

    asyncio.run(main())
