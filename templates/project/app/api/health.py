"""Whether the process lives, and whether it can do its work."""

import asyncio

from fastapi import APIRouter, Request
from sqlalchemy import text

from app.api.problems import Problem, answers
from app.database import reading_async

router = APIRouter(prefix="/health", tags=["health"])

DATABASE_SECONDS = 3  # an answer that takes longer is as good as none


@router.get("/live")
async def live() -> dict[str, str]:
    """200 while the event loop turns."""
    return {"status": "ok"}


@router.get("/ready", responses=answers(503))
async def ready(request: Request) -> dict[str, str | list[str]]:
    """200 when all that is needed answers; 503 says what does not."""
    checks = {"database": await _check_database(), **await request.app.state.offloader.check()}
    down = {part: trouble for part, trouble in checks.items() if trouble}
    if down:
        raise Problem(503, f"Not ready: {', '.join(down)}.", down=down)
    return {"status": "ok", "checked": list(checks)}


async def _check_database() -> str | None:
    try:
        async with asyncio.timeout(DATABASE_SECONDS), reading_async() as session:
            await session.execute(text("SELECT 1"))
    except Exception as error:
        return f"no answer ({type(error).__name__})"
    return None
