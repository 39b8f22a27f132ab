"""When the event loop stood still, for the page. In development only: it shows code."""

from fastapi import APIRouter, Request

from app.loop_watch import Stall

router = APIRouter(prefix="/dev", tags=["development"])


@router.get("/stalls")
async def get_stalls(request: Request) -> list[Stall]:
    """The last times, the newest first, and what the loop's thread was doing."""
    return list(request.app.state.loop_watch.stalls)
