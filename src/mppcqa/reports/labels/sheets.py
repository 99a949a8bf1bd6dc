"""Labels as PDF: sheets, and tape of one label a page."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import segno
from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from reportlab.lib.colors import black
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

import mppcqa
from mppcqa.charts.paper.lettering import FONT, write
from mppcqa.reports.archival import About, describe, with_line_ends
from mppcqa.reports.labels.fitting import Fitted
from mppcqa.reports.labels.sizes import PAPERS_MM, Sheet
from mppcqa.reports.qr import dark_runs


def sheets(labels: Sequence[Fitted], sheet: Sheet, start: int = 1) -> bytes:
    """PDF of sheets; `start` is the first free place of the first sheet, counted from 1."""
    wide, high = PAPERS_MM[sheet.paper]
    data = io.BytesIO()
    canvas = _canvas(data, wide, high)
    for number, label in enumerate(labels, start - 1):
        if number % sheet.number == 0 and number >= start:
            canvas.showPage()
        x, y = sheet.place(number % sheet.number)
        _draw(canvas, label, x, high - y)
    return _whole(canvas, data)


def tape(labels: Sequence[Fitted], width: float, height: float) -> bytes:
    """PDF of one label a page, which is as large as the label [mm]."""
    data = io.BytesIO()
    canvas = _canvas(data, width, height)
    for number, label in enumerate(labels):
        if number:
            canvas.showPage()
        _draw(canvas, label, 0, height)
    return _whole(canvas, data)


def _canvas(data: io.BytesIO, width: float, height: float) -> Any:
    canvas = Canvas(
        data,
        pagesize=(width * mm, height * mm),
        invariant=1,
        initialFontName=FONT,
        pageCompression=1,
    )
    # A viewer that fits the page to the paper moves every label.
    canvas.setViewerPreference("PrintScaling", "None")
    return canvas


def _whole(canvas: Any, data: io.BytesIO) -> bytes:
    title = _("Labels")
    language = get_language() or settings.LANGUAGE_CODE
    describe(canvas, About(title, title, language, None, mppcqa.__version__))
    canvas.save()
    return with_line_ends(data.getvalue())


def _draw(canvas: Any, fitted: Fitted, left: float, top: float) -> None:
    """Draw a label whose upper left corner is there [mm from below]."""
    code = segno.make(fitted.label.code, error=fitted.level, micro=False)
    canvas.saveState()
    canvas.translate((left + fitted.x) * mm, (top - fitted.y) * mm)
    canvas.scale(fitted.module * mm, -fitted.module * mm)
    path = canvas.beginPath()
    for row, runs in enumerate(dark_runs(code.matrix)):
        for first, length in runs:
            path.rect(first, row, length, 1)
    canvas.setFillColor(black)
    canvas.drawPath(path, stroke=0, fill=1)
    canvas.restoreState()
    for one in fitted.lines:
        write(canvas, (left + one.x) * mm, (top - one.y) * mm, one.text, one.size, font=one.font)
