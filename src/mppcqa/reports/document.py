"""The look of our PDF documents: page, fonts, tables, page numbers."""

from __future__ import annotations

import io
import math
from typing import Any

import reportlab
from django.utils.translation import gettext as _
from reportlab import rl_config
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Image, Paragraph, SimpleDocTemplate, Table, TableStyle

MARGIN = 16 * mm
PADDING = 6  # of ReportLab's frames, inside the margin
WIDTH = A4[0] - 2 * (MARGIN + PADDING)
INK, QUIET = colors.HexColor("#1d2733"), colors.HexColor("#66707d")
LINE, STRIPE = colors.HexColor("#ccd2da"), colors.HexColor("#f5f7f9")
OUTCOMES = {
    "pass": colors.HexColor("#009e73"),
    "warning": colors.HexColor("#b87900"),
    "fail": colors.HexColor("#c0392b"),
    "incomplete": QUIET,
}


def _register_fonts() -> tuple[str, str]:
    """Vera, which ReportLab brings along: it has the Greek letters and signs that Helvetica's
    standard encoding lacks."""
    folder = f"{next(iter(reportlab.__path__))}/fonts"
    pdfmetrics.registerFont(TTFont("Vera", f"{folder}/Vera.ttf"))
    pdfmetrics.registerFont(TTFont("VeraBd", f"{folder}/VeraBd.ttf"))
    pdfmetrics.registerFontFamily("Vera", normal="Vera", bold="VeraBd")
    return "Vera", "VeraBd"


# As printable text, pictures are a quarter larger and take half a second a report to write.
rl_config.useA85 = 0
FONT, BOLD = _register_fonts()
BODY = ParagraphStyle("body", fontName=FONT, fontSize=8, leading=11, textColor=INK)
SMALL = ParagraphStyle("small", parent=BODY, fontSize=6.5, leading=9, textColor=QUIET)
HEAD = ParagraphStyle("head", parent=BODY, fontName=BOLD, fontSize=7, leading=8.5)
TITLE = ParagraphStyle("title", parent=BODY, fontName=BOLD, fontSize=17, leading=21)
HEADING = ParagraphStyle(
    "heading", parent=BODY, fontName=BOLD, fontSize=11, leading=14, spaceBefore=9, spaceAfter=4
)


def escape(text: object) -> str:
    """Text of people and programs inside a paragraph, where markup has a meaning."""
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def paragraph(text: object, style: ParagraphStyle = BODY) -> Paragraph:
    """A paragraph of plain text."""
    return Paragraph(escape(text), style)


def picture(png: bytes, width: float, height: float = math.inf) -> Image:
    """A PNG as large as fits into a width and height in points, its shape kept."""
    w, h = ImageReader(io.BytesIO(png)).getSize()
    scale = min(width / w, height / h)
    return Image(io.BytesIO(png), width=w * scale, height=h * scale)


def table(rows: list[list[Any]], widths: list[float] | None = None) -> Table:
    """A table whose first row is its head, repeated on every page."""
    made = Table(rows, colWidths=widths, repeatRows=1, hAlign="LEFT")
    made.setStyle(
        TableStyle(
            [
                ("FONT", (0, 0), (-1, -1), FONT, 7),
                ("FONT", (0, 0), (-1, 0), BOLD, 7),
                ("TEXTCOLOR", (0, 0), (-1, -1), INK),
                ("LINEBELOW", (0, 0), (-1, 0), 0.8, INK),
                ("LINEBELOW", (0, 1), (-1, -1), 0.25, LINE),
                ("ROWBACKGROUNDS", (0, 1), (-1, -1), [colors.white, STRIPE]),
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                ("TOPPADDING", (0, 0), (-1, -1), 1.5),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
            ]
        )
    )
    return made


class NumberedCanvas(Canvas):  # type: ignore[misc]
    """Writes ``n / m`` and the document's name on each page once their number is known."""

    footer = ""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._kept: list[dict[str, Any]] = []

    def showPage(self) -> None:
        self._kept.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        for number, state in enumerate(self._kept, 1):
            self.__dict__.update(state)
            self.setFont(FONT, 6.5)
            self.setFillColor(QUIET)
            self.drawString(MARGIN + PADDING, 10 * mm, self.footer)
            page = _("page %(n)d of %(all)d") % {"n": number, "all": len(self._kept)}
            self.drawRightString(A4[0] - MARGIN - PADDING, 10 * mm, page)
            super().showPage()
        super().save()


def build(story: list[Any], *, title: str, footer: str) -> bytes:
    """The finished PDF."""
    buffer = io.BytesIO()
    document = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        title=title,
        author="mppcqa",
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=15 * mm,
        bottomMargin=18 * mm,
    )
    canvas = type("FootedCanvas", (NumberedCanvas,), {"footer": footer})
    document.build(story, canvasmaker=canvas)
    return buffer.getvalue()
