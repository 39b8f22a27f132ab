"""A kind whose jobs may take a second."""

from pydantic import BaseModel

from ...offload import Kind


class BriefParams(BaseModel):
    """How to be too slow: in C code that may hold the GIL."""

    seconds: float = 0.0
    holds_the_gil: bool = False


class BriefResult(BaseModel):
    """Nothing."""


KIND = Kind("brief", BriefParams, BriefResult, deadline_seconds=1, max_waiting=2000)
