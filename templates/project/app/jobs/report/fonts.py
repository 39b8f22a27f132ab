"""The fonts of a PDF, parsed once in each process: that takes longer than to draw the rest."""

import copy
import io
from functools import lru_cache
from pathlib import Path

from fontTools.ttLib import TTFont
from fpdf import FPDF
from fpdf.fonts import SubsetMap, TTFFont

FAMILY = "body"
FILES = {"": "DejaVuSans.ttf", "B": "DejaVuSans-Bold.ttf"}  # by style
FOLDER = Path(__file__).with_name("fonts")
LAYOUT = ("GDEF", "GPOS", "GSUB", "kern")  # tables that only a shaping library uses


def add_fonts(document: FPDF) -> None:
    """Make the regular and the bold weight available to a document, as `FPDF.add_font` does."""
    for style in FILES:
        font = _copy(style)
        font.i = len(document.fonts) + 1
        document.fonts[font.fontkey] = font


def _copy(style: str) -> TTFFont:
    """A font for one document: it shares what is only read, and has what a document changes."""
    parsed, content = _parse(style)
    font = copy.copy(parsed)
    font.ttfont = TTFont(io.BytesIO(content), recalcTimestamp=False, lazy=True)
    font.ttfont.setGlyphOrder(parsed.ttfont.getGlyphOrder())
    for table in LAYOUT:
        if table in font.ttfont:
            del font.ttfont[table]
    font.missing_glyphs, font.subset = [], SubsetMap(font)
    return font


@lru_cache
def _parse(style: str) -> tuple[TTFFont, bytes]:
    file = FOLDER / FILES[style]
    document = FPDF()
    document.add_font(FAMILY, style, file)
    font = document.fonts[FAMILY + style]
    assert isinstance(font, TTFFont)  # noqa: S101 - no core font
    return font, file.read_bytes()
