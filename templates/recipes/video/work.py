"""How a video is made smaller. Loaded where jobs run, and nowhere else."""

from av import AudioFrame

from app.offload import Run

from .encoder import Encoder
from .kind import (
    KIND,
    JobNameParams,
    JobNameResult,
)
from .samples import Samples
from .source import Source

SHOWN = 6  # pictures in the contact strip


@KIND.work
def job_name(
    run: Run,
    params: JobNameParams,
) -> JobNameResult:
    """Transcode frame by frame: what is in memory does not depend on the length."""
    source, target = Source(run.input("video")), run.folder / "small.mp4"
    samples, frames = Samples(SHOWN), 0
    with Encoder(target, source, params.height) as encoder:
        for frame in source.frames():
            if isinstance(frame, AudioFrame):
                run.check()
                encoder.hear(frame)
                continue
            samples.add(encoder.show(frame))
            frames += 1
            run.progress(min(frames / max(source.expected_frames, 1), 1))
    run.keep("video.mp4", target, "video/mp4")
    run.keep("poster.jpg", samples.poster(), "image/jpeg")
    run.keep("contact-strip.jpg", samples.strip(), "image/jpeg")
    run.progress(1)
    return JobNameResult(
        width=encoder.width,
        height=encoder.height,
        frames=frames,
        seconds=round(source.ended_at, 3),
        has_sound=source.has_sound,
        bytes_before=run.input("video").stat().st_size,
        bytes_after=target.stat().st_size,
    )
