"""H.264 and AAC in an MP4, as every browser plays it."""

from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av import AudioFrame, VideoFrame
from av.filter import Graph

from .source import THREADS, Source

# crf: the quality, from 0 (all of it) to 51. A slower preset makes smaller files.
H264 = {"preset": "veryfast", "crf": "23"}
# The index comes first: a browser can play and seek before it has the whole file.
MP4 = {"movflags": "+faststart"}
SAMPLES_PER_SECOND = 48_000
WIDEST = 4096
# By degrees counter-clockwise that a player is to turn the pictures.
TURNS = {90: [("transpose", "cclock")], 180: [("hflip", ""), ("vflip", "")]}
TURNS |= {270: [("transpose", "clock")]}


class Encoder:
    """Writes a video of up to `height` pixels. The file is whole when the `with` has ended."""

    def __init__(self, path: Path, source: Source, height: int) -> None:
        self.height = _even(min(height, source.height))
        self.width = min(_even(source.width * self.height / source.height), WIDEST)
        self._scaled = (self.width, self.height)
        if source.is_turned:
            self._scaled = (self.height, self.width)
        self._turn = self._make_turn(source)
        self._last, self._step = -1, max(round(1 / (source.rate * source.time_base)), 1)
        self._container = av.open(path, "w", format="mp4", options=MP4)
        self._video = self._container.add_stream("libx264", rate=source.rate, options=H264)
        self._video.width, self._video.height = self.width, self.height
        self._video.pix_fmt = "yuv420p"
        context = self._video.codec_context
        context.time_base, context.thread_count = source.time_base, THREADS
        for name in ("color_primaries", "color_trc", "colorspace"):
            setattr(context, name, getattr(source.colours, name))
        self._sound = None
        if source.has_sound:
            self._sound = self._container.add_stream(
                "aac", rate=SAMPLES_PER_SECOND, layout="stereo"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        if kind is None:
            self._container.mux(self._video.encode(None))
            if self._sound:
                self._container.mux(self._sound.encode(None))
        self._container.close()

    def show(self, frame: VideoFrame) -> VideoFrame:
        """Encode a picture; it, as small and upright as it is seen."""
        width, height = self._scaled
        small = frame.reformat(width=width, height=height, format="yuv420p")
        if self._turn:
            self._turn.push(small)
            small = self._turn.vpull()
        small.pts = self._time_of(frame)
        small.time_base = self._video.codec_context.time_base
        small.pict_type = 0  # where key frames belong is the encoder's to say
        self._container.mux(self._video.encode(small))
        return small

    def hear(self, frame: AudioFrame) -> None:
        """Encode some sound."""
        if self._sound:
            self._container.mux(self._sound.encode(frame))

    def _time_of(self, frame: VideoFrame) -> int:
        """Of frames that have no time, or one that has gone by, each comes after the last."""
        if frame.pts is None or frame.pts <= self._last:
            self._last += self._step if self._last >= 0 else 1
        else:
            self._last = frame.pts
        return self._last

    def _make_turn(self, source: Source) -> Graph | None:
        if source.rotation not in TURNS:
            return None
        graph, (width, height) = Graph(), self._scaled
        graph.link_nodes(
            graph.add_buffer(
                width=width,
                height=height,
                format=av.VideoFormat("yuv420p"),
                time_base=source.time_base,
            ),
            *(graph.add(name, args) for name, args in TURNS[source.rotation]),
            graph.add("buffersink"),
        ).configure()
        return graph


def _even(pixels: float) -> int:
    """As H.264 wants it: its colours have half as many pixels."""
    return max(round(pixels / 2) * 2, 2)
