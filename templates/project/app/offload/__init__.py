"""Durable jobs beside an API: the engine. Nothing in here knows what the jobs are about.

This folder is fastoffload's: `fastoffload update` replaces it. What a job does is yours, and stands
in the folder `jobs/` beside it.
"""

from typing import TYPE_CHECKING

from .database.engines import reading, reading_async, writing, writing_async
from .database.tables import Status
from .errors import Refused, TransientError
from .kinds import Input, Kind
from .queue import commits as commits  # which listens from now on
from .run import Run

if TYPE_CHECKING:
    from .installing import install
    from .observing.observe import observe
else:

    def __getattr__(name: str) -> object:
        """`install` and `observe`, when asked for: what runs jobs starts without FastAPI."""
        match name:
            case "install":
                from .installing import install as found
            case "observe":
                from .observing.observe import observe as found
            case _:
                raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return found


__all__ = [
    "Input",
    "Kind",
    "Refused",
    "Run",
    "Status",
    "TransientError",
    "install",
    "observe",
    "reading",
    "reading_async",
    "writing",
    "writing_async",
]
