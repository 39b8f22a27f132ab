"""What a contact sheet is asked for with, and what comes of it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.offload import Input, Kind


class JobNameParams(BaseModel):
    """How the pictures are to be laid out."""

    model_config = ConfigDict(extra="forbid")

    size: Annotated[
        int, Field(ge=16, le=512, description="Pixels: a thumbnail is as wide or as high")
    ] = 200
    columns: Annotated[int, Field(ge=1, le=12)] = 4


class JobNameThumbnail(BaseModel):
    """One of the artifacts, in pixels."""

    name: str
    width: int
    height: int


class JobNameResult(BaseModel):
    """The sheet in pixels, and the thumbnails in the order of the pictures."""

    width: int
    height: int
    thumbnails: list[JobNameThumbnail]


KIND = Kind(
    "job_name",
    JobNameParams,
    JobNameResult,
    # 60 thumbnails of 512 pixels make a sheet of 16 megapixels: 50 MB while it is drawn.
    inputs={"pictures": Input(media_types=("image/*",), max_bytes=50_000_000, many=60)},
)
