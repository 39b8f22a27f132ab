"""Jobs a page at a time, the newest first, from behind a cursor on."""

import base64
from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from sqlalchemy import Connection

from ..database.engines import read_async
from ..database.tables import Status
from ..queue import listing
from .links import Links
from .schemas import AnyJobPage, Job, with_all

Limit = Annotated[int, Query(ge=1, le=100)]
# 16 bytes in base64url, without the padding: the last 4 bits are none of theirs.
CURSOR = r"^[A-Za-z0-9_-]{21}[AQgw]$"
Cursor = Annotated[
    str | None, Query(pattern=CURSOR, description="`next_cursor` of the page before")
]


async def page(
    request: Request, kind: str | None, status: Status | None, limit: int, cursor: str | None
) -> Response:
    """The page as an answer."""
    before = decode(cursor) if cursor else None
    wanted = {"kind": kind, "status": status, "before": before}
    found = await read_async(_read, wanted, limit)
    links, more = Links(request), len(found) > limit
    items = [job.out(links) for job in found[:limit]]
    shown = AnyJobPage(items=items, next_cursor=encode(items[-1].id) if more else None)
    return json_answer(shown.model_dump_json())


def json_answer(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON that no cache may keep, for a job moves."""
    return Response(
        text, status, {"Cache-Control": "no-store", **(headers or {})}, "application/json"
    )


def encode(job_id: UUID) -> str:
    """A cursor; what it says is nobody's business."""
    return base64.urlsafe_b64encode(job_id.bytes).decode().rstrip("=")


def decode(cursor: str) -> UUID:
    """The job that a cursor stands for."""
    return UUID(bytes=base64.urlsafe_b64decode(f"{cursor}=="))


def _read(connection: Connection, wanted: Mapping[str, Any], limit: int) -> list[Job]:
    return with_all(connection, listing.page(connection, **wanted, limit=limit + 1))
