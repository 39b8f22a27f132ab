"""Pictures from all over a video whose length is known only when it has ended."""

import io

from av import VideoFrame
from PIL import Image

STRIP_HEIGHT = 120  # pixels


class Samples:
    """Every n-th frame of those added, of which there are never as many as 2 x `count`."""

    def __init__(self, count: int) -> None:
        self._count, self._added, self._every = count, 0, 1
        self._kept: list[VideoFrame] = []

    def add(self, frame: VideoFrame) -> None:
        """Keep it, or not."""
        if self._added % self._every == 0:
            self._kept.append(frame)
        if len(self._kept) == 2 * self._count:
            del self._kept[1::2]
            self._every *= 2
        self._added += 1

    def poster(self) -> bytes:
        """A frame from a third of the way, as a JPEG: the first ones are often black."""
        frame = self._kept[len(self._kept) // 3]
        return _as_jpeg(_picture(frame, frame.width, frame.height))

    def strip(self) -> bytes:
        """Some frames from left to right, as a JPEG."""
        number = min(self._count, len(self._kept))
        shown = [self._kept[place * len(self._kept) // number] for place in range(number)]
        width = max(round(shown[0].width * STRIP_HEIGHT / shown[0].height), 1)
        strip = Image.new("RGB", (number * width, STRIP_HEIGHT))
        for place, frame in enumerate(shown):
            strip.paste(_picture(frame, width, STRIP_HEIGHT), (place * width, 0))
        return _as_jpeg(strip)


def _picture(frame: VideoFrame, width: int, height: int) -> Image.Image:
    picture: Image.Image = frame.to_image(width=width, height=height)  # type: ignore[no-untyped-call]
    return picture


def _as_jpeg(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85)
    return file.getvalue()
