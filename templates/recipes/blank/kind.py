"""What a job of this kind takes and gives. The API imports this, so nothing heavy here."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.offload import Kind


class JobNameParams(BaseModel):
    """What it is asked for with."""

    model_config = ConfigDict(extra="forbid")

    steps: Annotated[int, Field(ge=1, le=1_000_000)] = 100


class JobNameResult(BaseModel):
    """What comes of it."""

    steps: int


KIND = Kind(
    "job_name",
    JobNameParams,
    JobNameResult,
)
