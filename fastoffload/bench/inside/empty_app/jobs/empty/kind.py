"""A job that takes nothing, gives nothing and does nothing: what it costs is the engine's."""

from app.offload import Kind
from pydantic import BaseModel


class Rest(BaseModel):
    """How long a job rests: not at all, by default."""

    seconds: float = 0


KIND = Kind("empty", Rest, Rest, max_waiting=1_000_000)
