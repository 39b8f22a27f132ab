"""What routes ask for."""

import hmac
from collections.abc import AsyncIterator, Iterator
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from app import database, offload
from app.api.problems import Problem
from app.offloader import Submit
from app.settings import get_settings


async def _read_async() -> AsyncIterator[AsyncSession]:
    async with database.reading_async() as session:
        yield session


def _read() -> Iterator[Session]:
    with database.reading() as session:
        yield session


# "function": closed when the route returns. By default it would stay open until the answer is
# sent and, with BackgroundTasks, until the job is done.
AsyncReading = Annotated[AsyncSession, Depends(_read_async, scope="function")]
Reading = Annotated[Session, Depends(_read, scope="function")]
# `async def`, as is all that an `async def` route asks for: a plain one would wait for a thread.
Submitter = Annotated[Submit, Depends(offload.submitter)]

_bearer = HTTPBearer(auto_error=False)


async def require_api_key(
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> None:
    """Refuse a call without the API_KEY, when there is one."""
    check_api_key(given.credentials if given else "")


def check_api_key(given: str) -> None:
    """Raise Problem unless this is the API_KEY, or there is none."""
    key = get_settings().api_key
    if key and not hmac.compare_digest(given.encode(), key.get_secret_value().encode()):
        raise Problem(
            401,
            "Authorization: Bearer with the API key is needed.",
            headers={"WWW-Authenticate": "Bearer"},
        )
