"""The check of pages finds each fault that it is there for."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from reportlab.pdfgen.canvas import Canvas

from mppcqa.charts.paper.lettering import FONT
from tests.reports.pages import MARGIN, faults


def _page(draw: Callable[[Canvas], None]) -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, initialFontName=FONT)
    canvas.setFont(FONT, 8)
    draw(canvas)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _written(*texts: tuple[float, float, str], size: float = 8, font: str = FONT) -> bytes:
    def draw(canvas: Canvas) -> None:
        canvas.setFont(font, size)
        for x, y, text in texts:
            canvas.drawString(x, y, text)

    return _page(draw)


def _in_cell(x: float) -> bytes:
    def draw(canvas: Canvas) -> None:
        canvas.setFillColorRGB(0.9, 0.9, 0.9)
        canvas.rect(100, 98, 60, 12, stroke=0, fill=1)
        canvas.setFillColorRGB(0, 0, 0)
        canvas.drawString(x, 101, "in a cell")

    return _page(draw)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (_written((100, 100, "first"), (110, 101, "second")), "over"),
        (_written((100, 100, "first"), (116.6, 100, "second")), "touches"),
        (_written((580, 100, "beyond the edge")), "outside the page"),
        (_written((5, 100, "at the edge")), "outside the page"),
        (_written((100, 100, "small"), size=6), "6.0 points high"),
        (_written((100, 100, "浜松")), "no glyph"),
        (_written((100, 100, "Hamamatsu 浜松")), "no glyph"),
        (_written((100, 100, "plain"), font="Helvetica"), "not in the file"),
        (_in_cell(135), "leaves its cell"),
    ],
)
def test_a_fault_is_found(data: bytes, said: str) -> None:
    assert any(said in one for one in faults(data, margin=MARGIN))


def test_a_page_without_faults_has_none() -> None:
    assert faults(_written((100, 100, "first"), (100, 110, "second ± µ")), margin=MARGIN) == []
    assert faults(_in_cell(110), margin=MARGIN) == []
