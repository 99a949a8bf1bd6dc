"""Sheets of labels: those that are sold, as data, and any other, checked to fit its paper."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from mppcqa.refused import Fault

PAPERS_MM = {"A4": (210.0, 297.0), "letter": (215.9, 279.4)}
"""Width and height [mm]."""
ROUNDING = 0.11
"""What makers' sizes, given to a tenth, may be over [mm]."""


@dataclass(frozen=True)
class Sheet:
    """Where the labels of a sheet lie [mm]: rows from above, columns from the left."""

    paper: str
    rows: int
    columns: int
    width: float
    height: float
    left: float
    top: float
    gap_x: float = 0.0
    """Between two labels beside each other."""
    gap_y: float = 0.0

    @property
    def number(self) -> int:
        """Labels of a sheet."""
        return self.rows * self.columns

    def place(self, number: int) -> tuple[float, float]:
        """Left and upper edge of a label [mm], counted from 0, line by line."""
        row, column = divmod(number, self.columns)
        return (
            self.left + column * (self.width + self.gap_x),
            self.top + row * (self.height + self.gap_y),
        )

    def faults(self) -> Iterator[Fault]:
        """What leaves the paper, at the fields that say so."""
        wide, high = PAPERS_MM[self.paper]
        x, y = self.place(self.number - 1)
        said = _("The labels need %(need).1f mm, and the paper has %(there).1f mm.")
        if x + self.width > wide + ROUNDING:
            yield Fault(said % {"need": x + self.width, "there": wide}, field="columns")
        if y + self.height > high + ROUNDING:
            yield Fault(said % {"need": y + self.height, "there": high}, field="rows")


SHEETS = {
    "L7651": Sheet("A4", 13, 5, 38.1, 21.2, 4.67, 10.7, 2.54),
    "L6009": Sheet("A4", 12, 4, 45.7, 21.2, 9.76, 21.3, 2.56),
    "L7160": Sheet("A4", 7, 3, 63.5, 38.1, 7.21, 15.15, 2.54),
    "L7163": Sheet("A4", 7, 2, 99.1, 38.1, 4.65, 15.15, 2.5),
    "L7173": Sheet("A4", 5, 2, 99.1, 57.0, 4.65, 6.0, 2.5),
    "5167": Sheet("letter", 20, 4, 44.45, 12.7, 7.14, 12.7, 7.94),
    "5160": Sheet("letter", 10, 3, 66.675, 25.4, 4.7625, 12.7, 3.175),
    "5163": Sheet("letter", 5, 2, 101.6, 50.8, 3.97, 12.7, 4.7625),
}
"""Avery's numbers; many makers sell the same sizes."""
