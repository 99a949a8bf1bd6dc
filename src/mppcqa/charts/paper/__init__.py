"""Charts on paper: vectors drawn with ReportLab from the descriptions that pages are drawn from.

`figure(plot, width)` is a flowable for a story; without a width it takes the part of the whole
line that it needs to be read. All type is 7 points or more and in embedded fonts; what colours
tell apart, dashes, marks, names and places tell apart in grey as well.
"""

from __future__ import annotations

from typing import Any

from reportlab.platypus import Flowable

from mppcqa.charts.counted import Boxes, Cloud, Counted, Course, Ranked, Shares, StateMap
from mppcqa.charts.paper import bars, boxes, cells, cloud, course, curves, shares, states
from mppcqa.charts.paper.frame import BESIDE
from mppcqa.charts.plots import Bars, CellMap, Curves, Plot

__all__ = ["BESIDE", "Figure", "figure"]


class Figure(Flowable):  # type: ignore[misc]
    """A drawn chart of a width and height that are known from the start."""

    def __init__(self, drawing: Any) -> None:
        super().__init__()
        self.drawing = drawing
        self.width, self.height = drawing.width, drawing.height

    def wrap(self, _width: float, _height: float) -> tuple[float, float]:
        """Its size [points]."""
        return self.width, self.height

    def draw(self) -> None:
        """Draw it where the page has it."""
        self.canv.saveState()
        self.drawing.draw(self.canv)
        self.canv.restoreState()


def figure(plot: Plot | Counted, width: float | None = None, *, whole: float = 500.0) -> Figure:
    """A description drawn for print.

    width
        In points; without it the chart takes a third, a half or all of `whole`, with `BESIDE`
        of room beside it.
    """
    if isinstance(plot, Curves):
        return Figure(curves.lay_out(plot, width, whole))
    if isinstance(plot, CellMap):
        return Figure(cells.lay_out(plot, width, whole))
    if isinstance(plot, Bars):
        return Figure(bars.lay_out(plot, width, whole))
    if isinstance(plot, Shares):
        return Figure(shares.lay_out_pie(plot, width, whole))
    if isinstance(plot, Ranked):
        return Figure(shares.lay_out_bars(plot, width, whole))
    if isinstance(plot, StateMap):
        return Figure(states.lay_out(plot, width, whole))
    if isinstance(plot, Course):
        return Figure(course.lay_out(plot, width, whole))
    if isinstance(plot, Boxes):
        return Figure(boxes.lay_out(plot, width, whole))
    if isinstance(plot, Cloud):
        return Figure(cloud.lay_out(plot, width, whole))
    raise TypeError(f"{type(plot).__name__} has no drawing for paper")
