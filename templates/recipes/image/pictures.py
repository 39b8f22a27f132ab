"""Pictures that strangers send: opened with care, and made small."""

import io
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

# Those that the web knows. Pillow reads some forty more, and hands EPS to Ghostscript.
FORMATS = ("AVIF", "GIF", "JPEG", "PNG", "WEBP")
# A file of a few kB may say that it has billions; each takes up to 4 bytes, in a copy or two.
MOST_PIXELS = 50_000_000
# What the decoders raise for bytes that are not what they seem.
BROKEN = (OSError, RuntimeError, SyntaxError, ValueError)
# Pillow has limits of its own, beyond ours: a warning that may be made an error, and an error.
BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)
SCALED_AS_THEY_ARE = ("CMYK", "L", "RGB", "RGBA")


class Unusable(Exception):
    """The picture cannot be used; the text goes on from "Picture 1"."""


def open_small(path: Path, size: int) -> Image.Image:
    """The first frame as it is meant to be seen, within `size` x `size` pixels, RGB on white.

    Raises Unusable.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:  # reads no more than the header
            if image.width * image.height > MOST_PIXELS:
                raise Image.DecompressionBombError
            return _on_white(_upright(_scaled(image, size)))
    except UnidentifiedImageError:
        raise Unusable(f"is none of {', '.join(FORMATS)}") from None
    except BOMB:
        raise Unusable(f"has more than {MOST_PIXELS:,} pixels") from None
    except BROKEN as error:
        raise Unusable(f"is broken: {error}") from None


def as_jpeg(image: Image.Image) -> bytes:
    """The picture alone: nothing of where and when it was taken."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85, optimize=True)
    return file.getvalue()


def _scaled(image: Image.Image, size: int) -> Image.Image:
    if image.mode == "I;16":  # 65,536 greys; `convert` would make nearly all of them white
        image = image.convert("I").point(lambda grey: grey / 256).convert("L")
    elif image.mode not in SCALED_AS_THEY_ARE:  # the colours of a palette cannot be mixed
        image = image.convert("RGBA")
    image.thumbnail((size, size))  # has the JPEG decoder leave out what is not needed
    return image


def _upright(image: Image.Image) -> Image.Image:
    """Turned and mirrored as its EXIF orientation says."""
    return ImageOps.exif_transpose(image)


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image.convert("RGBA"))
    return white.convert("RGB")
