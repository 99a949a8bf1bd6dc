"""The lines and areas of a drawn chart, and where on its axes they lie, read from the PDF.

What a reader does with a ruler: the labels beside the grid say what a place on paper stands for.
"""

from __future__ import annotations

import ctypes
import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import log10

import pypdfium2
import pypdfium2.raw as raw

from tests.reports.pages import Text, open_pages

GRID = (0xD8, 0xDD, 0xE3)
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
Point = tuple[float, float]


@dataclass(frozen=True)
class Path:
    """One painted path [points]: its corners by piece, and how it is painted."""

    pieces: tuple[tuple[Point, ...], ...]
    line: tuple[int, int, int] | None
    fill: tuple[int, int, int] | None
    width: float
    dashed: bool

    @property
    def points(self) -> list[Point]:
        """All its corners."""
        return [one for piece in self.pieces for one in piece]

    @property
    def box(self) -> tuple[float, float, float, float]:
        """(left, bottom, right, top)."""
        xs, ys = zip(*self.points, strict=True)
        return min(xs), min(ys), max(xs), max(ys)


@dataclass(frozen=True)
class Drawing:
    """A page with one chart."""

    paths: tuple[Path, ...]
    texts: tuple[Text, ...]

    def lines(self, colour: Sequence[int]) -> list[Path]:
        """Paths whose lines have a colour and that have no fill."""
        return [one for one in self.paths if one.line == tuple(colour) and one.fill is None]

    def areas(self, colour: Sequence[int]) -> list[Path]:
        """Paths filled with a colour."""
        return [one for one in self.paths if one.fill == tuple(colour)]

    def text(self, words: str) -> Text:
        """The one text that says this."""
        (found,) = (one for one in self.texts if one.text.strip() == words)
        return found

    def grid(self) -> tuple[list[float], list[float]]:
        """Where upright lines stand and level ones lie."""
        pieces = [piece for one in self.lines(GRID) for piece in one.pieces]
        upright = sorted({round(a[0], 3) for a, b in pieces if abs(a[0] - b[0]) < 1e-3})
        level = sorted({round(a[1], 3) for a, b in pieces if abs(a[1] - b[1]) < 1e-3})
        return upright, level

    def x_of(self, *, log: bool = False, day: bool = False) -> Callable[[float], float]:
        """What a place from the left stands for, by the labels below the grid."""
        upright, _level = self.grid()
        bottom = min(y for one in self.lines(GRID) for _x, y in one.points)
        labels = [
            ((one.start + one.end) / 2, _value(one.text, day))
            for one in self.texts
            if -14 < one.baseline - bottom < -4 and _value(one.text, day) is not None
        ]
        return _scale(upright, labels, log)

    def y_of(self, *, log: bool = False) -> Callable[[float], float]:
        """What a height stands for, by the labels at the left of the grid."""
        _upright, level = self.grid()
        left = min(x for one in self.lines(GRID) for x, _y in one.points)
        labels = [
            (one.baseline + 0.36 * one.size, _value(one.text))
            for one in self.texts
            if 0 < left - one.end < 4 and _value(one.text) is not None
        ]
        return _scale(level, labels, log)


def drawing(data: bytes) -> Drawing:
    """The only page of a PDF."""
    document = pypdfium2.PdfDocument(data)
    try:
        objects = document[0].get_objects(filter=[raw.FPDF_PAGEOBJ_PATH], max_depth=6)
        paths = tuple(_path(one) for one in objects)
    finally:
        document.close()
    texts = _joined(open_pages(data)[0].texts)
    return Drawing(tuple(one for one in paths if one.pieces), texts)


def _joined(texts: Sequence[Text]) -> tuple[Text, ...]:
    """Texts, those put together again that go on in another font: ``10`` and ``⁶``."""
    found: list[Text] = []
    for one in texts:
        last = found[-1] if found else None
        if last and last.baseline == one.baseline and abs(one.start - last.end) < 0.05:
            found[-1] = replace(last, text=last.text + one.text, end=one.end, right=one.right)
        else:
            found.append(one)
    return tuple(found)


def _path(one: pypdfium2.PdfObject) -> Path:
    matrix = one.get_matrix()
    pieces: list[list[Point]] = []
    for n in range(raw.FPDFPath_CountSegments(one)):
        segment = raw.FPDFPath_GetPathSegment(one, n)
        x, y = ctypes.c_float(), ctypes.c_float()
        raw.FPDFPathSegment_GetPoint(segment, x, y)
        if raw.FPDFPathSegment_GetType(segment) == raw.FPDF_SEGMENT_MOVETO:
            pieces.append([])
        pieces[-1].append(matrix.on_point(x.value, y.value))
    fill, line, width = ctypes.c_int(), ctypes.c_int(), ctypes.c_float()
    raw.FPDFPath_GetDrawMode(one, fill, line)
    raw.FPDFPageObj_GetStrokeWidth(one, width)
    return Path(
        tuple(tuple(piece) for piece in pieces if piece),
        _colour(raw.FPDFPageObj_GetStrokeColor, one) if line.value else None,
        _colour(raw.FPDFPageObj_GetFillColor, one) if fill.value else None,
        width.value,
        raw.FPDFPageObj_GetDashCount(one) > 0,
    )


def _colour(read: Callable[..., int], one: pypdfium2.PdfObject) -> tuple[int, int, int]:
    found = [ctypes.c_uint() for _part in range(4)]
    read(one, *found)
    return found[0].value, found[1].value, found[2].value


def _value(text: str, day: bool = False) -> float | None:
    text = text.strip().replace("−", "-")
    if day:
        try:
            return float(dt.date.fromisoformat(text).toordinal())
        except ValueError:
            return None
    if power := re.fullmatch("10([⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+)", text):
        return 10.0 ** int(power[1].translate(RAISED))
    try:
        return float(text)
    except ValueError:
        return None


def _scale(
    grid: list[float], labels: list[tuple[float, float | None]], log: bool
) -> Callable[[float], float]:
    """From the two outermost labels that stand at a line of the grid."""
    at_lines = [
        (near, value)
        for place, value in labels
        if value is not None
        and grid
        and abs((near := min(grid, key=lambda one: abs(one - place))) - place) < 0.3
    ]
    assert len(at_lines) >= 2, labels
    at_lines.sort()
    told = [(place, log10(value) if log else value) for place, value in at_lines]
    (first, low), (last, high) = told[0], told[-1]
    slope = (high - low) / (last - first)
    for place, value in told:
        assert abs(low + slope * (place - first) - value) < 1e-3 * abs(high - low), told

    def value_at(place: float) -> float:
        value: float = low + slope * (place - first)
        return 10.0**value if log else value

    return value_at
