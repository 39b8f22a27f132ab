"""The pages of a PDF, and what is drawn on them more than once.

A character that the fonts lack is shown as U+FFFD; writing from right to left is put in order, but
Arabic letters are not joined, which would need a shaping library. Text is tagged by its role, line
by line, and the rest as decoration, so that a reader that speaks finds its way.
"""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import cast

from fpdf import FPDF
from fpdf.bidi import BidiParagraph
from fpdf.fonts import TTFFont
from fpdf.prefs import ViewerPreferences

from .fonts import FAMILY, add_fonts

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
TOTAL_PAGES = "\uffff"  # stands for their number until it is known; no text can hold it

# Millimetres on A4, 210 by 297.
MARGIN = 20.0
WIDTH = 170.0

# Points, and greys: 0 is black.
HEADING, BODY, SMALL = 11.0, 9.0, 8.0
INK, MUTED, LINE = 30, 105, 215


class Document(FPDF):
    """A4 pages with the fonts loaded and a footer."""

    def __init__(self, title: str, footnote: str, created_at: datetime) -> None:
        super().__init__(format="A4")
        self.set_margin(MARGIN)
        self.c_margin = 0
        add_fonts(self, unicodedata.normalize("NFC", title))
        self._known = {style: cast(TTFFont, self.fonts[FAMILY + style]).cmap for style in ("", "B")}
        self._footnote = footnote
        self._marked = False  # whether what is drawn has its mark already
        self.alias_nb_pages(TOTAL_PAGES)
        self.set_title(clean(title))
        self.set_lang("en")
        self.viewer_preferences = ViewerPreferences(display_doc_title=True)
        self.set_creator("Bootstrap report")
        self.set_producer("fpdf2")
        self.set_creation_date(created_at)

    def footer(self) -> None:
        """Draw the footnote and the page's number; fpdf2 calls this."""
        with self.decoration():
            self.set_y(-MARGIN + 6)
            self.style(SMALL, MUTED)
            self.cell(WIDTH / 2, 4, self._footnote)
            self.cell(WIDTH / 2, 4, f"Page {self.page_no()} of {TOTAL_PAGES}", align="R")

    def style(self, size: float, grey: int, weight: str = "") -> None:
        """Set the size, in points, the grey and the weight ("B" is bold) of the text to come."""
        self.set_font(FAMILY, weight, size)
        self.set_text_color(grey)

    def paragraph(
        self, text: str, x: float, width: float, height: float, align: str = "L", role: str = "P"
    ) -> None:
        """Draw text of any kind in lines of a width and a height, and go below it."""
        drawable = self._drawable(clean(text))
        lines = self.multi_cell(width, height, drawable, dry_run=True, output="LINES")
        for line in cast(list[str], lines):
            self.keep_together(height)
            self.set_x(x)
            with self.role(role):
                self.cell(width, height, visual(line), align=align, new_x="LMARGIN", new_y="NEXT")

    def label(self, text: str, x: float, y: float, width: float, align: str) -> None:
        """Draw a short text on one line, with its middle at y."""
        self.set_xy(x, y - 2)
        with self.role("P"):
            self.cell(width, 4, text, align=align)

    def heading(self, text: str, x: float, width: float) -> None:
        """Draw the heading of a block, ruled below, and go below it."""
        self.style(HEADING, INK, "B")
        self.paragraph(text, x, width, 7, role="H2")
        self.rule(x, width, MUTED)

    def rule(self, x: float, width: float, grey: int) -> None:
        """Draw a line across a block, here."""
        self.set_draw_color(grey)
        self.set_line_width(0.2)
        with self.decoration():
            self.line(x, self.y, x + width, self.y)

    def keep_together(self, height: float) -> None:
        """Go to a new page unless a block of a height, in millimetres, fits on this one."""
        if self.will_page_break(height):
            self.add_page()

    @contextmanager
    def role(self, name: str, words: str | None = None) -> Iterator[None]:
        """Mark what is drawn on this page: P, H1, Figure (with words in its place) and so on."""
        if self._marked:
            yield
            return
        mark = self.struct_builder.next_mcid_for_page(self.page)
        self._add_marked_content(struct_type=f"/{name}", mcid=mark, alt_text=words)
        with self._mark(f"/{name} <</MCID {mark}>> BDC"):
            yield

    @contextmanager
    def decoration(self) -> Iterator[None]:
        """Mark what is drawn as nothing to be read out."""
        if self._marked:
            yield
            return
        with self._mark("/Artifact BMC"):
            yield

    @contextmanager
    def _mark(self, begin: str) -> Iterator[None]:
        self._out(begin)
        self._marked = True
        yield
        self._marked = False
        self._out("EMC")

    def _drawable(self, text: str) -> str:
        # Composed first, because the font has more letters with accents than places for accents.
        known = self._known[self.font_style]
        composed = unicodedata.normalize("NFC", text)
        return "".join(char if ord(char) in known else REPLACEMENT for char in composed)


def clean(text: str) -> str:
    """The text on one line; what is not text (control characters, lone surrogates) is U+FFFD."""
    line = " ".join(text.split())
    return "".join(REPLACEMENT if unicodedata.category(c) in {"Cc", "Cs"} else c for c in line)


def visual(line: str) -> str:
    """A line in the order in which it is drawn, from left to right (Unicode's annex 9)."""
    if any(unicodedata.bidirectional(char) in {"R", "AL"} for char in line):
        return BidiParagraph(line).get_reordered_string()
    return line
