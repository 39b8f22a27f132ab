"""A kind with a queue of its own."""

from pydantic import BaseModel

from ...offload import Kind


class SlowParams(BaseModel):
    """For how long to work."""

    seconds: float = 0.0


class SlowResult(BaseModel):
    """How many times."""

    times: int


KIND = Kind("slow", SlowParams, SlowResult, queue="slow", max_waiting=2000)
