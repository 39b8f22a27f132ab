"""The fonts of a PDF, parsed once in each process: that takes longer than to draw the rest.

fpdf2 cuts a font down to what a document shows, and for that reads all of it again; so a document
that shows usual characters only is given fonts that have been cut down to those.
"""

import copy
import io
from functools import lru_cache
from pathlib import Path

from fontTools import subset  # type: ignore[import-untyped]
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
from fpdf import FPDF
from fpdf.fonts import SubsetMap, TTFFont

FAMILY = "body"
FILES = {"": "DejaVuSans.ttf", "B": "DejaVuSans-Bold.ttf"}  # by style
FOLDER = Path(__file__).with_name("fonts")
# Latin, Greek and Cyrillic; Vietnamese; punctuation and mathematics; the replacement character.
USUAL = {*range(0x530), *range(0x1E00, 0x1F00), *range(0x2000, 0x2300), 0xFFFD}
UNUSED = ["FFTM", "GDEF", "GPOS", "GSUB", "kern"]  # tables of an editor, and of shaping libraries


def add_fonts(document: FPDF, text: str) -> None:
    """Make the regular and the bold weight available to a document that shows the text and ASCII.

    As `FPDF.add_font` does, in a third of the time.
    """
    is_usual = USUAL.issuperset(map(ord, text))
    for style in FILES:
        font = _copy(style, is_usual)
        font.i = len(document.fonts) + 1
        document.fonts[font.fontkey] = font


def _copy(style: str, is_usual: bool) -> TTFFont:
    """A font for one document: it shares what is only read, and has what a document changes."""
    font, file = copy.copy(_parse(style)), io.BytesIO(_content(style, is_usual))
    font.ttfont = TTFont(file, recalcTimestamp=False, lazy=True)
    font.missing_glyphs, font.subset = [], SubsetMap(font)
    return font


@lru_cache
def _parse(style: str) -> TTFFont:
    document = FPDF()
    document.add_font(FAMILY, style, FOLDER / FILES[style])
    font = document.fonts[FAMILY + style]
    assert isinstance(font, TTFFont)  # noqa: S101 - no core font
    return font


@lru_cache
def _content(style: str, is_usual: bool) -> bytes:
    file = FOLDER / FILES[style]
    if not is_usual:
        return file.read_bytes()
    options = subset.Options(glyph_names=True, notdef_outline=True)
    options.drop_tables += UNUSED
    subsetter, font = subset.Subsetter(options), TTFont(file, recalcTimestamp=False)
    subsetter.populate(unicodes=USUAL)
    subsetter.subset(font)
    content = io.BytesIO()
    font.save(content)
    return content.getvalue()
