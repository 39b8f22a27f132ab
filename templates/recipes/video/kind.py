"""What a smaller video is asked for with, and what comes of it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.offload import Input, Kind


class JobNameParams(BaseModel):
    """How small the video is to be."""

    model_config = ConfigDict(extra="forbid")

    height: Annotated[
        int,
        Field(ge=64, le=1080, multiple_of=2, description="Pixels; a video is never made larger"),
    ] = 480


class JobNameResult(BaseModel):
    """What the smaller video is like."""

    width: int
    height: int
    frames: int
    seconds: float
    has_sound: bool
    bytes_before: int
    bytes_after: int


KIND = Kind(
    "job_name",
    JobNameParams,
    JobNameResult,
    inputs={"video": Input(media_types=("video/*",), max_bytes=2_000_000_000)},
    deadline_seconds=3600,
)
