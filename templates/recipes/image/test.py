"""Thumbnails and the contact sheet, by the bytes of their headers and by known colours."""

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from app.jobs.job_name.kind import KIND
from app.offload import Refused
from app.offload.errors import Interrupted
from app.offload.testing import run_directly

RED, GREEN, BLUE, BLACK, WHITE = "#ff0000", "#00ff00", "#0000ff", "#000000", "#ffffff"
CORNERS = {("top", "left"): RED, ("top", "right"): GREEN}
CORNERS |= {("bottom", "left"): BLUE, ("bottom", "right"): BLACK}
# EXIF 2.32, tag 274: the side of the scene at which the first row and the first column lie.
FIRST_ROW_AND_COLUMN = {
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}
OPPOSITE = {"top": "bottom", "bottom": "top", "left": "right", "right": "left"}


def encoded(image: Image.Image, form: str = "PNG", orientation: int = 1) -> bytes:
    """A picture as a file."""
    exif = Image.Exif()
    exif[274] = orientation
    file = io.BytesIO()
    image.save(file, form, exif=exif)
    return file.getvalue()


def plain(width: int, height: int, colour: str = RED) -> bytes:
    """A picture of one colour."""
    return encoded(Image.new("RGB", (width, height), colour))


def scene(orientation: int) -> bytes:
    """A scene 400 wide and 200 high, as a camera stores it that is held in this way."""
    row, column = FIRST_ROW_AND_COLUMN[orientation]
    width, height = (400, 200) if row in ("top", "bottom") else (200, 400)
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    for y, vertical in ((0, row), (height // 2, OPPOSITE[row])):
        for x, horizontal in ((0, column), (width // 2, OPPOSITE[column])):
            corner = CORNERS.get((vertical, horizontal)) or CORNERS[horizontal, vertical]
            draw.rectangle((x, y, x + width // 2, y + height // 2), fill=corner)
    return encoded(image, "JPEG", orientation)


def png(width: int, height: int, pixels: bytes) -> bytes:
    """A PNG that says of itself to be so large, whatever its pixels are."""

    def chunk(name: bytes, content: bytes) -> bytes:
        crc = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def size_of(jpeg: bytes) -> tuple[int, int]:
    """Width and height as the header of the first frame says (ITU-T T.81, B.2.2)."""
    assert jpeg[:2] == b"\xff\xd8"
    at = 2
    while jpeg[at + 1] not in (0xC0, 0xC2):
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4])
    height, width = struct.unpack(">HH", jpeg[at + 5 : at + 9])
    return width, height


def is_like(jpeg: bytes, place: tuple[int, int], colour: str) -> bool:
    """Whether a pixel has about this colour."""
    found = Image.open(io.BytesIO(jpeg)).convert("RGB").getpixel(place)
    wanted = bytes.fromhex(colour[1:])
    assert isinstance(found, tuple)
    return all(abs(one - other) < 24 for one, other in zip(found, wanted, strict=True))


def run(*pictures: bytes, **params: int) -> dict[str, bytes]:
    """The artifacts that come of pictures."""
    outcome = run_directly(KIND, KIND.params(**params), files={"pictures": pictures})
    assert outcome.progress == sorted(outcome.progress) and outcome.progress[-1] == 1
    for thumbnail in outcome.result.thumbnails:
        size = size_of(outcome.artifacts[thumbnail.name])
        assert size == (thumbnail.width, thumbnail.height)
    size = size_of(outcome.artifacts["contact-sheet.jpg"])
    assert size == (outcome.result.width, outcome.result.height)
    return outcome.artifacts


def test_thumbnails_keep_their_shape_and_lie_in_the_middle_of_their_cells() -> None:
    kept = run(plain(400, 200), plain(50, 100, BLUE), plain(10, 10, GREEN), size=100, columns=2)
    assert list(kept) == [*(f"thumbnail-{number}.jpg" for number in (1, 2, 3)), "contact-sheet.jpg"]
    sizes = [size_of(content) for content in kept.values()]
    assert sizes == [(100, 50), (50, 100), (10, 10), (8 + 2 * 108, 8 + 2 * 108)]
    sheet = kept["contact-sheet.jpg"]
    for place, colour in (
        ((58, 58), RED),
        ((58, 20), WHITE),  # above the flat one
        ((166, 20), BLUE),
        ((130, 58), WHITE),  # beside the high one
        ((58, 166), GREEN),
        ((166, 166), WHITE),  # a cell without a picture
    ):
        assert is_like(sheet, place, colour), place


@pytest.mark.parametrize("orientation", FIRST_ROW_AND_COLUMN)
def test_a_picture_is_turned_as_its_camera_was_held(orientation: int) -> None:
    thumbnail = run(scene(orientation), size=100)["thumbnail-1.jpg"]
    assert size_of(thumbnail) == (100, 50)
    for (vertical, horizontal), colour in CORNERS.items():
        place = (25 if horizontal == "left" else 75, 12 if vertical == "top" else 37)
        assert is_like(thumbnail, place, colour), (vertical, horizontal)


def test_a_thumbnail_does_not_tell_where_it_was_taken() -> None:
    assert b"Exif" in scene(6)
    assert b"Exif" not in run(scene(6))["thumbnail-1.jpg"]


@pytest.mark.parametrize("mode", ["I;16", "L", "LA", "P", "RGBA"])
def test_other_kinds_of_pixels_become_colours(mode: str) -> None:
    filled = Image.new("L", (40, 40), 0x80)
    if mode == "I;16":
        filled = Image.new(mode, (40, 40), 0x8000)
    filled = filled.quantize(2) if mode == "P" else filled.convert(mode)
    thumbnail = run(encoded(filled))["thumbnail-1.jpg"]
    assert is_like(thumbnail, (20, 20), "#808080")


def test_what_is_transparent_is_white() -> None:
    half = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    half.paste((255, 0, 0, 255), (0, 0, 20, 40))
    for picture in (half, half.quantize(4)):
        thumbnail = run(encoded(picture))["thumbnail-1.jpg"]
        assert is_like(thumbnail, (8, 20), RED) and is_like(thumbnail, (32, 20), WHITE)


@pytest.mark.parametrize("width", [8_000, 12_000, 60_000])  # Pillow is silent, warns, refuses
def test_a_decompression_bomb_is_refused_before_it_is_decoded(width: int) -> None:
    bomb = png(width, 8_000, bytes(1_000_000))
    assert len(bomb) < 2_000
    with pytest.raises(Refused, match=r"^Picture 2 of 2 has more than 50,000,000 pixels\.$"):
        run(plain(10, 10), bomb)


@pytest.mark.parametrize("form", ["AVIF", "GIF", "JPEG", "PNG", "WEBP"])
def test_a_broken_file_is_refused(form: str) -> None:
    noise = encoded(Image.effect_noise((300, 300), 90).convert("RGB"), form)
    run(noise)
    with pytest.raises(Refused, match=r"^Picture 1 of 1 is [^\n]*$"):
        run(noise[: len(noise) // 2])


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n%%EOF\n"


@pytest.mark.parametrize("content", [b"", b"<svg/>", EPS])
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(Refused, match="none of AVIF, GIF, JPEG, PNG, WEBP"):
        run(content)


def test_a_stop_is_heeded_between_pictures() -> None:
    files = {"pictures": [plain(10, 10), plain(10, 10)]}
    with pytest.raises(Interrupted):
        run_directly(KIND, KIND.params(), files=files, stop_after=1)


def test_the_api_does_not_load_pillow() -> None:
    program = f"import sys, {KIND.params.__module__}; sys.exit('PIL' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[2], check=True)
