"""Takes nothing, and lets one job wait while others run."""

from app.offload import Kind
from pydantic import BaseModel


class BusyParams(BaseModel):
    """Nothing."""


class BusyResult(BaseModel):
    """Nothing."""


KIND = Kind("busy", BusyParams, BusyResult, max_waiting=1)
