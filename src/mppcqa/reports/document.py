"""The look of our PDF documents: page, fonts, tables, page numbers."""

from __future__ import annotations

import datetime as dt
import io
import math
from typing import Any

from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from reportlab import rl_config
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Image, Paragraph, SimpleDocTemplate, Table, TableStyle
from reportlab.platypus.tables import CellStyle

import mppcqa
from mppcqa.charts.paper.lettering import BOLD, FONT, printable, runs, width_of, write
from mppcqa.reports.archival import About, describe, with_line_ends

PAPERS = {"A4": A4, "letter": LETTER}
PADDING = 6  # of ReportLab's frames and tables
WIDTH = A4[0] - 2 * (16 * mm + PADDING)
"""Of a line of text [points], the same on each paper: the broader one has broader margins."""
TOP, BOTTOM = 19 * mm, 18 * mm
RUNNING, FOOT = 13 * mm, 10 * mm
"""Of the running head from the upper edge, and of the footer from the lower one."""
HEIGHTS = {name: size[1] - TOP - BOTTOM for name, size in PAPERS.items()}
"""Of the room for a story on a page [points], by paper."""
CONTENTS = 13.0
"""From one line of the contents to the next [points]."""
PRINTED = 4
"""Flag of an annotation that stays when the page is printed; PDF/A asks for it."""
SMALLEST = 6.5
INK, QUIET = colors.HexColor("#1d2733"), colors.HexColor("#66707d")
LINE, STRIPE = colors.HexColor("#ccd2da"), colors.HexColor("#f5f7f9")
OUTCOMES = {
    "pass": colors.HexColor("#009e73"),
    "warning": colors.HexColor("#b87900"),
    "waived": colors.HexColor("#b87900"),
    "fail": colors.HexColor("#c0392b"),
    "incomplete": QUIET,
}


# As printable text, pictures are a quarter larger and take half a second a report to write.
rl_config.useA85 = 0
# Tables set the font of a cell that holds a paragraph too: Helvetica, which is not in the file.
CellStyle.fontname = FONT
BODY = ParagraphStyle(
    "body", fontName=FONT, fontSize=8, leading=11, textColor=INK, allowWidows=0, allowOrphans=0
)
SMALL = ParagraphStyle("small", parent=BODY, fontSize=SMALLEST, leading=9, textColor=QUIET)
HEAD = ParagraphStyle("head", parent=BODY, fontName=BOLD, fontSize=7, leading=8.5)
TITLE = ParagraphStyle("title", parent=BODY, fontName=BOLD, fontSize=17, leading=21)
CELL = ParagraphStyle("cell", parent=BODY, fontSize=7, leading=8.5)
HEADING = ParagraphStyle(
    "heading", parent=BODY, fontName=BOLD, fontSize=11, leading=14, spaceBefore=9, spaceAfter=4
)


def escape(text: str) -> str:
    """Text of people and programs inside a paragraph, where markup has a meaning."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def paragraph(text: object, style: ParagraphStyle = BODY) -> Paragraph:
    """A paragraph of plain text."""
    pieces = (
        escape(piece) if font == style.fontName else f'<font name="{font}">{escape(piece)}</font>'
        for piece, font in runs(printable(text), style.fontName)
    )
    return Paragraph("".join(pieces), style)


def picture(png: bytes, width: float, height: float = math.inf) -> Image:
    """A PNG as large as fits into a width and height in points, its shape kept."""
    w, h = ImageReader(io.BytesIO(png)).getSize()
    scale = min(width / w, height / h)
    return Image(io.BytesIO(png), width=w * scale, height=h * scale)


def table(rows: list[list[Any]], widths: list[float] | None = None) -> Table:
    """A table whose first row is its head, repeated on every page; no row is left alone."""
    made = Table(rows, colWidths=widths, repeatRows=1, hAlign="LEFT")
    style: list[Any] = [
        ("FONT", (0, 0), (-1, -1), FONT, 7),
        ("FONT", (0, 0), (-1, 0), BOLD, 7),
        ("TEXTCOLOR", (0, 0), (-1, -1), INK),
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, INK),
        ("LINEBELOW", (0, 1), (-1, -1), 0.25, LINE),
        ("ROWBACKGROUNDS", (0, 1), (-1, -1), [colors.white, STRIPE]),
        ("VALIGN", (0, 0), (-1, 0), "BOTTOM"),
        ("VALIGN", (0, 1), (-1, -1), "MIDDLE"),
        ("TOPPADDING", (0, 0), (-1, -1), 1.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
    ]
    if len(rows) > 2:
        style += [("NOSPLIT", (0, 1), (-1, 2)), ("NOSPLIT", (0, -2), (-1, -1))]
    made.setStyle(TableStyle(style))
    return made


def shortened(text: str, width: float, size: float) -> str:
    """A printable text in one line: of a long one the beginning and the end."""
    if width_of(text, size) <= width:
        return text
    kept = len(text)
    while kept > 2 and width_of(_middle_cut(text, kept), size) > width:
        kept -= max(1, kept // 20)
    return _middle_cut(text, kept)


def _middle_cut(text: str, kept: int) -> str:
    first = kept - kept // 2
    return f"{text[:first]}…{text[len(text) - kept // 2 :]}"


class Heading(Paragraph):  # type: ignore[misc]
    """The head of a section, which contents and the reader's outline lead to."""

    def __init__(self, text: str) -> None:
        self.title = text
        made = paragraph(text, HEADING)
        super().__init__(made.text, HEADING)

    def draw(self) -> None:
        """Write it, and say where it stands."""
        super().draw()
        canvas = self.canv
        if isinstance(canvas, NumberedCanvas):
            canvas.begin_section(printable(self.title))


class Contents(Flowable):  # type: ignore[misc]
    """Room for the sections of a document; their pages are filled in once they are known."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.width, self.height = WIDTH, number * CONTENTS + 4

    def wrap(self, _width: float, _height: float) -> tuple[float, float]:
        """Its size [points]."""
        return self.width, self.height

    def draw(self) -> None:
        """Keep the place."""
        self.canv.contents_at = self.canv.getPageNumber(), *self.canv.absolutePosition(0, 0)


class NumberedCanvas(Canvas):  # type: ignore[misc]
    """Writes running heads, ``n / m`` and contents once the number of pages is known."""

    footer, head = "", ""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._kept: list[dict[str, Any]] = []
        self.sections: list[tuple[str, int]] = []
        self.contents_at: tuple[int, float, float] | None = None

    def begin_section(self, title: str) -> None:
        """A section begins where the canvas is now."""
        key = f"section-{len(self.sections)}"
        self.sections.append((title, self.getPageNumber()))
        self.bookmarkHorizontal(key, 0, 14)
        self.addOutlineEntry(title, key, 0, closed=False)

    def _write_contents(self) -> None:
        _page, left, bottom = self.contents_at or (0, 0.0, 0.0)
        y = bottom + len(self.sections) * CONTENTS
        for n, (title, page) in enumerate(self.sections):
            y -= CONTENTS
            self.setFillColor(INK)
            taken = width_of(str(page), 8)
            text = shortened(title, WIDTH - taken - 30, 8)
            end = left + write(self, left, y, text, 8)
            write(self, left + WIDTH, y, str(page), 8, anchor=1.0)
            self.setStrokeColor(LINE)
            self.setLineWidth(0.6)
            self.setDash([0.6, 2.4])
            self.line(end + 5, y + 1.5, left + WIDTH - taken - 5, y + 1.5)
            self.setDash()
            place = (left, y - 2, left + WIDTH, y + 9)
            self.linkRect("", f"section-{n}", place, relative=0, thickness=0, F=PRINTED)

    def showPage(self) -> None:
        self._kept.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        wide, high = self._pagesize
        left = (wide - WIDTH) / 2
        told = self.sections, self.contents_at
        for number, state in enumerate(self._kept, 1):
            self.__dict__.update(state)
            self.sections, self.contents_at = told
            self.setFillColor(QUIET)
            page = _("page %(n)d of %(all)d") % {"n": number, "all": len(self._kept)}
            taken = write(self, left + WIDTH, FOOT, printable(page), SMALLEST, anchor=1.0)
            room = WIDTH - taken - 12
            write(self, left, FOOT, shortened(printable(self.footer), room, SMALLEST), SMALLEST)
            if self.contents_at is not None and number == self.contents_at[0]:
                self._write_contents()
            if number > 1:
                at = high - RUNNING
                head = shortened(printable(self.head), WIDTH, SMALLEST)
                write(self, left, at, head, SMALLEST)
                self.setStrokeColor(LINE)
                self.setLineWidth(0.4)
                self.line(left, at - 4, left + WIDTH, at - 4)
            super().showPage()
        super().save()


def build(
    story: list[Any],
    *,
    title: str,
    footer: str,
    paper: str = "A4",
    as_of: dt.datetime | None = None,
    subject: str = "",
    head: str = "",
) -> bytes:
    """The finished PDF: the same bytes for the same story.

    paper
        A key of `PAPERS`.
    as_of
        When the newest thing in it happened; the file says it was made then.
    head
        The running head, where it is not the title.
    """
    buffer = io.BytesIO()
    size = PAPERS[paper]
    margin = (size[0] - WIDTH) / 2 - PADDING
    document = SimpleDocTemplate(
        buffer,
        pagesize=size,
        leftMargin=margin,
        rightMargin=margin,
        topMargin=TOP - PADDING,
        bottomMargin=BOTTOM - PADDING,
        initialFontName=FONT,
        invariant=1,
    )
    language = get_language() or settings.LANGUAGE_CODE
    about = About(title, subject or title, language, as_of, mppcqa.__version__)

    def first(canvas: Any, _document: Any) -> None:
        describe(canvas, about)

    canvas = type("FootedCanvas", (NumberedCanvas,), {"footer": footer, "head": head or title})
    document.build(story, onFirstPage=first, canvasmaker=canvas)
    return with_line_ends(buffer.getvalue())
