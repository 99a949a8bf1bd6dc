"""QR codes that lead to a device's page."""

from __future__ import annotations

import io
from collections.abc import Iterable
from functools import lru_cache

import segno
from reportlab.lib.colors import black, white
from reportlab.platypus import Flowable


@lru_cache(2000)
def qr_svg(text: str, scale: int = 3) -> str:
    """The QR code as an SVG element for a page.

    Of eight patterns that readers take alike, the one that is easiest to read in bad light takes
    six milliseconds to find: worth it on a label, not on a screen.
    """
    code = segno.make(text, error="m", micro=False, mask=0)
    # Without a size of its own it fills the place that the page gives it.
    return str(code.svg_inline(scale=scale, border=4, dark="#000", light="#fff", omitsize=True))


def qr_png(text: str, scale: int = 8) -> bytes:
    """The QR code as PNG with its quiet zone."""
    buffer = io.BytesIO()
    segno.make(text, error="m", micro=False).save(buffer, kind="png", scale=scale, border=4)
    return buffer.getvalue()


QUIET = 4
"""Blank modules around a symbol, as its standard asks for."""


class Symbol(Flowable):  # type: ignore[misc]
    """A QR code of a side [points] on paper, as vectors: it is as sharp as the printer."""

    def __init__(self, text: str, side: float) -> None:
        super().__init__()
        self.text = text
        self.width = self.height = side

    def wrap(self, _width: float, _height: float) -> tuple[float, float]:
        """Its size [points]."""
        return self.width, self.height

    def draw(self) -> None:
        """Draw its dark modules, as one path."""
        lines = _runs(self.text)
        number = len(lines) + 2 * QUIET
        module = self.width / number
        canvas = self.canv
        canvas.saveState()
        canvas.setFillColor(white)
        canvas.rect(0, 0, self.width, self.width, stroke=0, fill=1)
        canvas.translate(QUIET * module, (number - QUIET) * module)
        canvas.scale(module, -module)  # whole numbers from here on: short, and no gaps
        path = canvas.beginPath()
        for row, runs in enumerate(lines):
            for first, length in runs:
                path.rect(first, row, length, 1)
        canvas.setFillColor(black)
        canvas.drawPath(path, stroke=0, fill=1)
        canvas.restoreState()


@lru_cache(16)
def _runs(text: str) -> list[list[tuple[int, int]]]:
    return dark_runs(segno.make(text, error="m", micro=False).matrix)


def dark_runs(matrix: Iterable[Iterable[int]]) -> list[list[tuple[int, int]]]:
    """Dark modules of each row: where a run begins, and how long it is."""
    found = []
    for row in matrix:
        runs: list[tuple[int, int]] = []
        for column, dark in enumerate(row):
            if not dark:
                continue
            if runs and sum(runs[-1]) == column:
                runs[-1] = runs[-1][0], runs[-1][1] + 1
            else:
                runs.append((column, 1))
        found.append(runs)
    return found
