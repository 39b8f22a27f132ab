"""Durable jobs beside an API: the engine. Nothing in here knows what the jobs are about.

This folder is fastoffload's: `fastoffload update` replaces it. What a job does is yours, and stands
in the folder `jobs/` beside it.
"""

from .database.engines import reading, reading_async, writing, writing_async
from .database.tables import Status
from .errors import Refused, TransientError
from .installing import install
from .kinds import Input, Kind
from .observing.observe import observe
from .run import Run

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
