"""Keeps what came."""

from app.offload import Run

from .kind import KIND, GalleryParams, GalleryResult


@KIND.work
def gallery(run: Run, params: GalleryParams) -> GalleryResult:
    """Keep each file under a name and a type that were asked for."""
    for file, (name, media_type) in zip(run.inputs("files"), params.kept.items(), strict=True):
        run.keep(name, file, media_type)
    return GalleryResult()
