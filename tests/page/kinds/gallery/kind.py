"""Files in, and back out as artifacts of whatever sort is asked for."""

from app.offload import Input, Kind
from pydantic import BaseModel


class GalleryParams(BaseModel):
    """What it is called, and the media types under which files are kept, by their new names."""

    title: str
    kept: dict[str, str]


class GalleryResult(BaseModel):
    """Nothing beside the files."""


KIND = Kind(
    "gallery",
    GalleryParams,
    GalleryResult,
    inputs={
        "files": Input(max_bytes=60_000_000, many=8),
        "portrait": Input(media_types=("image/*",), max_bytes=1_000, required=False),
    },
)
