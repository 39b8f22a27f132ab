"""What predictions are asked for with, and what comes of it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.offload import Input, Kind


class JobNameParams(BaseModel):
    """How the model is to be asked."""

    model_config = ConfigDict(extra="forbid")

    batch_size: Annotated[
        int, Field(ge=1, le=100_000, description="Rows that the model is given at once")
    ] = 1_000


class JobNameResult(BaseModel):
    """How many rows there were, and of each class."""

    rows: int
    classes: dict[str, int]


KIND = Kind(
    "job_name",
    JobNameParams,
    JobNameResult,
    inputs={"rows": Input(media_types=("text/csv",), max_bytes=100_000_000)},
)
