"""What it takes and gives. The API imports this, so nothing heavy."""

from pydantic import BaseModel

from ...offload import Kind


class BlankParams(BaseModel):
    """What a job is asked for with."""

    steps: int = 3


class BlankResult(BaseModel):
    """What comes out of it."""

    total: int


KIND = Kind("blank", BlankParams, BlankResult)
