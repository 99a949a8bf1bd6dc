"""Calibrations of instruments as analyses take them: values, where and until when they hold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Point = tuple[float | None, float, float | None]
"""Where, value, standard uncertainty; of one factor there is no "where"."""

RESPONSIVITY, GEOMETRY, DRIFT = "responsivity", "geometry factor", "drift"
UNITS: dict[str, dict[str, float]] = {
    RESPONSIVITY: dict.fromkeys(("A/W", "mA/mW", "uA/uW", "µA/µW"), 1.0) | {"mA/W": 1e-3},
    GEOMETRY: {"": 1.0, "1": 1.0, "%": 0.01},
    DRIFT: {"1/year": 1.0, "1/a": 1.0, "%/year": 0.01, "%/a": 0.01},
}
"""What analyses know, with the units that they take and what one of each is in the first."""
AGAINST: dict[str, dict[str, dict[str, float]]] = {
    RESPONSIVITY: {one: {"nm": 1.0, "um": 1e3, "µm": 1e3} for one in ("wavelength", "light")},
    GEOMETRY: {"": {"": 1.0}, "slot": {"": 1.0}},
    DRIFT: {"": {"": 1.0}},
}
"""What their values may depend on, with its units in the same way."""
COUNTED = ("slot",)
"""What has nothing between its numbers: slot 1 is not halfway from slot 0 to slot 2."""


class NotCalibrated(ValueError):
    """No calibration says the value; the message says why, for the person who reads the result."""


def value_at(
    points: Sequence[Point], at: float | None = None, against: str = ""
) -> tuple[float, float | None]:
    """Value and standard uncertainty, on the straight line between the points beside `at`.

    Against what is counted (`COUNTED`) there is no line: it is that of a point or none.

    Neighbours share most of their uncertainty (one reference, one geometry), so it goes along the
    line as well, and is not made smaller between them. `ValueError` outside of the points: a table
    is not continued.

    >>> value_at([(405.0, 0.20, 0.004), (470.0, 0.25, 0.006)], 437.5)
    (0.225, 0.005)
    """
    if len(points) == 1 and points[0][0] is None:
        return points[0][1], points[0][2]
    if at is None:
        raise ValueError("there are values against something: say at which")
    rows = sorted((x, value, error) for x, value, error in points if x is not None)
    if _bare(against) in COUNTED:
        rows = [row for row in rows if row[0] == at]
    if not rows or not rows[0][0] <= at <= rows[-1][0]:
        raise ValueError(f"there is no value at {at:g}")
    for low, high in pairwise(rows):
        if low[0] <= at <= high[0]:
            part = (at - low[0]) / (high[0] - low[0])
            errors = low[2], high[2]
            error = None
            if errors[0] is not None and errors[1] is not None:
                error = errors[0] + part * (errors[1] - errors[0])
            return low[1] + part * (high[1] - low[1]), error
    return rows[0][1], rows[0][2]


def known_as(quantity: str) -> str:
    """The quantity of `UNITS` that is meant by what a person typed; empty for any other."""
    bare = _bare(quantity)
    return bare if bare in UNITS else ""


def _bare(text: str) -> str:
    """What a person typed, however it is spaced and written."""
    return " ".join(text.split()).lower()


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """What one calibration of an instrument says of one quantity."""

    instrument: str
    quantity: str
    unit: str
    points: tuple[Point, ...]
    done_on: dt.date
    valid_until: dt.date | None = None
    """The last day on which it holds; None for no end."""
    against: str = ""
    against_unit: str = ""

    @property
    def of(self) -> str:
        """Whose it is and of when: values that name the same have the same uncertainty."""
        return f"{self.instrument}, {self.done_on}"

    def refuse_on(self, day: dt.date) -> None:
        """`NotCalibrated` where it does not hold on a day."""
        if day < self.done_on:
            raise NotCalibrated(
                f"the {self.quantity} of {self.instrument} was calibrated on {self.done_on}, after "
                f"the measurement of {day}"
            )
        if self.valid_until is not None and day > self.valid_until:
            raise NotCalibrated(
                f"the calibration of {self.instrument} ({self.quantity}, {self.done_on}) ended on "
                f"{self.valid_until}, before the measurement of {day}"
            )

    def at(self, at: float | None = None) -> tuple[float, float]:
        """Value and standard uncertainty in the first unit of `UNITS`, `at` likewise.

        `NotCalibrated` where the table does not reach or has no such slot, the unit is not known,
        no uncertainty is given (nothing follows from a value of unknown uncertainty), or the value
        is not above zero and is no drift.
        """
        known = known_as(self.quantity)
        scale = UNITS[known].get(self.unit.strip()) if known else None
        depends = AGAINST.get(known, {}).get(_bare(self.against))
        step = None if depends is None else depends.get(self.against_unit.strip())
        if scale is None or step is None:
            raise NotCalibrated(
                f"the {self.quantity} of {self.of} is in {self.unit or 'no unit'} against "
                f"{self.against or 'nothing'} {self.against_unit}: {allowed(self.quantity)}"
            )
        try:
            value, error = value_at(self.points, None if at is None else at / step, self.against)
        except ValueError:
            asked = f"{self.against} {'' if at is None else f'{at / step:g}'} {self.against_unit}"
            raise NotCalibrated(
                f"the {self.quantity} of {self.of} is known for {self._reach}, not at "
                f"{asked.strip()}"
            ) from None
        if error is None:
            raise NotCalibrated(f"the {self.quantity} of {self.of} has no uncertainty")
        if known != DRIFT and not value > 0:
            raise NotCalibrated(
                f"the {self.quantity} of {self.of} is {value:g} there: it must be above zero"
            )
        return value * scale, error * scale

    @property
    def _reach(self) -> str:
        """Where it is known, in words."""
        rows = sorted(point[0] for point in self.points if point[0] is not None)
        if not rows:
            return "nowhere"
        if _bare(self.against) in COUNTED:
            return f"{self.against} {', '.join(f'{one:g}' for one in rows)}"
        return f"{rows[0]:g} to {rows[-1]:g} {self.against_unit}"


def allowed(quantity: str) -> str:
    """Units that a quantity which analyses know may have, in words."""
    known = known_as(quantity)
    units = ", ".join(one or "no unit" for one in UNITS.get(known, ()))
    against = ", ".join(
        f"{name} ({', '.join(unit or 'no unit' for unit in of)})" if name else "nothing"
        for name, of in AGAINST.get(known, {}).items()
    )
    return f"{units} against {against} are understood"


def holding(rows: Sequence[Calibrated], quantity: str, instrument: str, day: dt.date) -> Calibrated:
    """The calibration of a quantity that holds on a day, of an instrument or, where that is empty,
    of the one that has any. `NotCalibrated` where none does, or several instruments have one."""
    some = [one for one in rows if known_as(one.quantity) == quantity]
    mine = [one for one in some if instrument in ("", one.instrument)]
    if not mine:
        whose = f" of {instrument}" if instrument else ""
        raise NotCalibrated(
            f"no instrument of the run has a calibration of its {quantity}"
            if not whose
            else f"the run had no calibration of the {quantity}{whose}"
        )
    names = sorted({one.instrument for one in mine})
    if len(names) > 1:
        raise NotCalibrated(
            f"{' and '.join(names)} have a {quantity}: meta/reference of the run file must say "
            "whose counts"
        )
    # Of those made before the measurement the latest counts; others say why there is none.
    latest = max(mine, key=lambda one: (one.done_on <= day, one.done_on))
    latest.refuse_on(day)
    return latest
