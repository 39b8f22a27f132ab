"""Takes nothing, and lets one job wait."""

from pydantic import BaseModel

from ...offload import Kind


class BusyParams(BaseModel):
    """Nothing."""


class BusyResult(BaseModel):
    """Nothing."""


KIND = Kind("busy", BusyParams, BusyResult, max_waiting=1)
