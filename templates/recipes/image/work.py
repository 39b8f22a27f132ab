"""How thumbnails and a contact sheet are made. Loaded where jobs run, and nowhere else."""

from app.offload import Refused, Run

from .kind import (
    KIND,
    JobNameParams,
    JobNameResult,
    JobNameThumbnail,
)
from .pictures import Unusable, as_jpeg, open_small
from .sheet import Sheet

JPEG = "image/jpeg"


@KIND.work
def job_name(
    run: Run,
    params: JobNameParams,
) -> JobNameResult:
    """Keep a thumbnail of each picture, and a sheet with all of them."""
    paths = run.inputs("pictures")
    sheet = Sheet(len(paths), params.columns, params.size)
    thumbnails = []
    for number, path in enumerate(paths, start=1):
        run.progress((number - 1) / len(paths))
        try:
            small = open_small(path, params.size)
        except Unusable as why:
            raise Refused(422, f"Picture {number} of {len(paths)} {why}.") from None
        name = f"thumbnail-{number}.jpg"
        run.keep(name, as_jpeg(small), JPEG)
        sheet.add(small)
        thumbnails.append(
            JobNameThumbnail(
                name=name,
                width=small.width,
                height=small.height,
            )
        )
    run.keep("contact-sheet.jpg", as_jpeg(sheet.image), JPEG)
    run.progress(1)
    return JobNameResult(
        width=sheet.image.width,
        height=sheet.image.height,
        thumbnails=thumbnails,
    )
