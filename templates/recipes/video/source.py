"""A video that a stranger sends: opened with care, read frame by frame."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
from av import AudioFrame, VideoFrame
from av.container import InputContainer
from av.video.stream import VideoStream

from app.offload import Refused

# Of a codec. As many jobs run at once as there are cores, so each may keep one busy.
THREADS = 1
# 8K. Of such a frame one takes 50 MB, and a decoder may hold sixteen.
MOST_PIXELS = 8192 * 4320
# Left to itself FFmpeg reads playlists too, and a playlist may name any file of this machine.
FORMATS = "asf,avi,flv,matroska,mov,mpeg,mpegts,ogg"
OPTIONS = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
LEAST_OF_LENGTH = 0.9  # of what a file says: one that was cut off holds less


class Source:
    """What is known before it is read: shape, rate, and about how many frames there will be.

    Raises Refused when it is no video, or a broken one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.ended_at = 0.0  # seconds from the start, as far as it was read
        with _opened(path) as container:
            stream = _video_of(container)
            first = next(container.decode(stream), None)
            if first is None:
                raise Refused(422, "The video has no picture in it.")
            self.is_turned = first.rotation % 180 != 0
            self.rotation = first.rotation % 360  # degrees counter-clockwise
            self.width, self.height = _shown_size(first, stream)
            self.colours = stream.codec_context
            self.rate = stream.average_rate or Fraction(25)
            self.time_base = stream.time_base or 1 / self.rate
            self.has_sound = bool(container.streams.audio)
            self.seconds = (container.duration or 0) / av.time_base  # 0: the file does not say
            self.expected_frames = stream.frames or int(self.seconds * self.rate)

    def frames(self) -> Iterator[VideoFrame | AudioFrame]:
        """The pictures, and the first sound track, as they come; times begin at 0.

        Raises Refused where it is broken, or ends long before its end.
        """
        with _opened(self._path) as container:
            start = Fraction(container.start_time or 0, av.time_base)
            for frame in container.decode(_video_of(container), *container.streams.audio[:1]):
                assert isinstance(frame, VideoFrame | AudioFrame)  # noqa: S101 - for mypy
                if frame.pts is not None and frame.time_base:
                    frame.pts -= round(start / frame.time_base)
                    end = float(frame.pts * frame.time_base) + self._length_of(frame)
                    self.ended_at = max(self.ended_at, end)
                yield frame
        if self.ended_at < self.seconds * LEAST_OF_LENGTH:
            raise Refused(
                422,
                f"The video is cut off or damaged: of {self.seconds:.1f} seconds"
                f" {self.ended_at:.1f} can be read.",
            )

    def _length_of(self, frame: VideoFrame | AudioFrame) -> float:
        if isinstance(frame, AudioFrame):
            return frame.samples / frame.sample_rate
        return float(1 / self.rate)


@contextmanager
def _opened(path: Path) -> Iterator[InputContainer]:
    try:
        container = av.open(path, options=OPTIONS)
    except av.FFmpegError:
        raise Refused(422, f"The file is none of {FORMATS}, or its index is missing.") from None
    with container:
        try:
            yield container
        except av.FFmpegError as error:
            raise Refused(422, f"The video is damaged: {error.strerror}.") from None


def _video_of(container: InputContainer) -> VideoStream:
    found = [one for one in container.streams.video if not _is_cover(one)]
    if not found:
        raise Refused(422, "The file has no video stream.")
    context = found[0].codec_context
    if context.width * context.height > MOST_PIXELS:
        raise Refused(422, f"The video has more than {MOST_PIXELS:,} pixels a frame.")
    context.options = {"max_pixels": str(MOST_PIXELS)}  # of frames that grow on the way, too
    context.thread_count = THREADS
    return found[0]


def _is_cover(stream: VideoStream) -> bool:
    """Whether it is the picture on a song, and no video."""
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _shown_size(frame: VideoFrame, stream: VideoStream) -> tuple[int, int]:
    """As it is to be seen: with square pixels, and upright."""
    width = round(frame.width * (stream.sample_aspect_ratio or 1))
    return (frame.height, width) if frame.rotation % 180 else (width, frame.height)
