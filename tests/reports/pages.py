"""What stands on the pages of a PDF, sign by sign, and what a reader would take offence at.

`faults(pdf)` is for every kind of report: no two texts over each other, none outside its
page or cell, no sign without a glyph, no font that is not in the file, no type that is too small.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import fontpkg_inter
import pypdfium2
import pypdfium2.raw as raw
import reportlab
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfbase.ttfonts import TTFontFile

from mppcqa.charts.paper.lettering import BOLD, FONT, OTHER

SMALLEST = 6.5
MARGIN = 20.0
"""Points at the edges of a page that stay blank: printers leave them out."""
CLEAR = 1.5
"""Least room [points] between texts beside each other."""
NAMES = {"BitstreamVeraSans-Bold": BOLD, "Inter-Regular": OTHER}
CORNERS = 5
"""Segments of a rectangle's path."""
TOUCH = 0.6
"""Overlap of two glyphs' boxes [points] that nobody sees."""


@dataclass(frozen=True)
class Text:
    """A text as one operation of the page drew it."""

    text: str
    left: float
    bottom: float
    right: float
    top: float
    size: float
    font: str
    embedded: bool
    missing: str
    """Signs of it that have no glyph in its font."""

    baseline: float
    start: float
    """Where its first sign begins; its box begins where ink is."""
    end: float
    """Where the next sign would begin."""
    point: float
    """Where its first decimal point is, from the left; its right end without one."""

    def over(self, other: Text) -> bool:
        """Whether the two lie over each other."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.top, other.top) - max(self.bottom, other.bottom)
        return wide > TOUCH and high > TOUCH


@dataclass(frozen=True)
class Cell:
    """A filled rectangle: a badge, a cell of a map, a stripe of a table."""

    left: float
    bottom: float
    right: float
    top: float

    def holds(self, text: Text) -> bool:
        """Whether a text is in it with its middle."""
        x, y = (text.left + text.right) / 2, (text.bottom + text.top) / 2
        return self.left < x < self.right and self.bottom < y < self.top

    def clear_of(self, text: Text) -> bool:
        """Whether all of the text is in it."""
        return (
            text.left > self.left - TOUCH
            and text.right < self.right + TOUCH
            and text.bottom > self.bottom - TOUCH
            and text.top < self.top + TOUCH
        )


@dataclass(frozen=True)
class Page:
    """A page of a PDF [points]."""

    number: int
    width: float
    height: float
    texts: tuple[Text, ...]
    cells: tuple[Cell, ...]
    text: str
    """All of it, in the order in which it was drawn."""

    def has_rows(self, number: int) -> bool:
        """Whether so many lines stand between the running head and the footer."""
        inside = [one for one in self.texts if one.bottom > 45 and one.top < self.height - 45]
        return len({round(one.bottom) for one in inside}) >= number


@cache
def _signs() -> dict[str, frozenset[int]]:
    """What our font files have glyphs for, by the fonts' own names."""
    vera = Path(next(iter(reportlab.__path__))) / "fonts"
    files = [vera / "Vera.ttf", vera / "VeraBd.ttf"]
    files.append(fontpkg_inter.ROOT / "files" / "Inter[opsz,wght].ttf")
    faces = [TTFontFile(str(one)) for one in files]
    return {
        (face.name.decode() if isinstance(face.name, bytes) else face.name): frozenset(
            face.charToGlyph
        )
        for face in faces
    }


def _lacking(font: str, text: str) -> str:
    there = _signs().get(font, frozenset())
    # A reader sees nothing of a blank, and pdfium puts line ends where a text is broken.
    return "".join(sign for sign in text if ord(sign) not in there and not sign.isspace())


def open_pages(data: bytes) -> list[Page]:
    """All pages with all their texts."""
    document = pypdfium2.PdfDocument(data)
    try:
        return [_page(n, page) for n, page in enumerate(document, 1)]
    finally:
        document.close()


def _page(number: int, page: pypdfium2.PdfPage) -> Page:
    textpage = page.get_textpage()
    found = tuple(
        text
        for one in page.get_objects(filter=[raw.FPDF_PAGEOBJ_TEXT], max_depth=4)
        if (text := _text(one, textpage)).text.strip() or text.missing
    )
    cells = tuple(
        Cell(*one.get_bounds())
        for one in page.get_objects(filter=[raw.FPDF_PAGEOBJ_PATH], max_depth=4)
        if _filled(one)
    )
    made = Page(number, *page.get_size(), found, cells, "\n".join(one.text for one in found))
    textpage.close()
    page.close()
    return made


def _filled(one: pypdfium2.PdfObject) -> bool:
    fill, line = ctypes.c_int(), ctypes.c_int()
    raw.FPDFPath_GetDrawMode(one, fill, line)
    return fill.value != 0 and raw.FPDFPath_CountSegments(one) <= CORNERS


def _text(one: pypdfium2.PdfObject, textpage: pypdfium2.PdfTextPage) -> Text:
    length = raw.FPDFTextObj_GetText(one, textpage, None, 0)
    buffer = (ctypes.c_ushort * length)()
    raw.FPDFTextObj_GetText(one, textpage, buffer, length)
    text = bytes(buffer).decode("utf-16-le").rstrip("\0")
    size = ctypes.c_float()
    raw.FPDFTextObj_GetFontSize(one, size)
    matrix = one.get_matrix()
    font = raw.FPDFTextObj_GetFont(one)
    name = ctypes.create_string_buffer(200)
    raw.FPDFFont_GetBaseFontName(font, name, 200)
    base, high = name.value.decode().split("+")[-1], size.value * abs(matrix.d)
    left, bottom, right, top = one.get_bounds()
    end = matrix.e + stringWidth(text.rstrip(), NAMES.get(base, FONT), high)
    # The box of a missing glyph is drawn and has no meaning: text that ends before its ink does.
    unread = "?" if right > max(end, left) + CLEAR else ""
    return Text(
        text=text,
        left=left,
        bottom=bottom,
        right=right,
        top=top,
        size=high,
        font=base,
        embedded=raw.FPDFFont_GetIsEmbedded(font) == 1,
        missing=_lacking(base, text) + unread,
        baseline=matrix.f,
        start=matrix.e,
        end=end,
        point=_point(text, matrix.e, high),
    )


def _point(text: str, left: float, size: float) -> float:
    before, found, _after = text.partition(".")
    return left + stringWidth(before if found else text, FONT, size)


def faults(data: bytes, *, smallest: float = SMALLEST, margin: float = 0.0) -> list[str]:
    """What is wrong with the pages, in words; empty for nothing."""
    found = []
    for page in open_pages(data):
        for text in page.texts:
            said = f"page {page.number}: {text.text[:60]!r}"
            if text.size < smallest - 0.01:
                found.append(f"{said} is {text.size:.1f} points high")
            if not text.embedded:
                found.append(f"{said} is in {text.font}, which is not in the file")
            if text.missing:
                found.append(f"{said} has no glyph for {text.missing!r}")
            if (
                text.left < margin - TOUCH
                or text.bottom < margin - TOUCH
                or text.right > page.width - margin + TOUCH
                or text.top > page.height - margin + TOUCH
            ):
                found.append(f"{said} is outside the page")
        found += _overlaps(page)
        found += _touching(page)
        found += [
            f"page {page.number}: {text.text[:60]!r} leaves its cell"
            for text in page.texts
            for cell in page.cells
            if cell.holds(text) and not cell.clear_of(text)
        ]
    return found


def _overlaps(page: Page) -> list[str]:
    found = []
    ordered = sorted(page.texts, key=lambda one: -one.top)
    for n, one in enumerate(ordered):
        for other in ordered[n + 1 :]:
            if other.top <= one.bottom:
                break
            if one.over(other):
                found.append(f"page {page.number}: {one.text[:60]!r} over {other.text[:60]!r}")
    return found


def _touching(page: Page) -> list[str]:
    """Texts beside each other in a line with less than a blank between them.

    Where a word goes on in another font nothing at all is between them, and that is right.
    """
    found = []
    lines: dict[float, list[Text]] = {}
    for text in page.texts:
        lines.setdefault(round(text.baseline), []).append(text)
    for line in lines.values():
        line.sort(key=lambda one: one.start)
        for one, other in pairwise(line):
            if TOUCH < abs(other.start - one.end) < CLEAR or other.start < one.end - TOUCH:
                found.append(f"page {page.number}: {one.text[:40]!r} touches {other.text[:40]!r}")
    return found
