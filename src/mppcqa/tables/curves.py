"""IV curves as a run file has them: whatever the supply's polarity, and without lost readings."""

from __future__ import annotations

import numpy as np

from mppcqa.tables.errors import TableError
from mppcqa.tables.measured import Curve, Floats
from mppcqa.tables.words import say as _

LEAST_POINTS = 3
LARGEST_A = 10.0
LARGEST_V = 3000.0


def curve_of(bias: Floats, current: Floats, spread: Floats, name: str) -> tuple[Curve, list[str]]:
    """A curve with reverse bias and its current positive, and what was done to it.

    Reverse is the direction of the larger voltages: silicon breaks down at tens of volts and
    conducts below one. A current counts as the bias does, whichever way the meter was wired.
    """
    notes = []
    good = np.isfinite(bias) & np.isfinite(current)
    if not good.all():
        notes.append(_("%d points without a reading are left out") % int((~good).sum()))
    bias, current, spread = bias[good], current[good], spread[good]
    if len(bias) < LEAST_POINTS:
        raise TableError(
            _("%(name)s: %(n)d points are no curve; is it the right mapping, was the file cut off?")
            % {"name": name, "n": len(bias)}
        )
    if np.ptp(bias) == 0:
        raise TableError(
            _("%(name)s: the bias is %(v)g V at each point: is the column mapped right?")
            % {"name": name, "v": bias[0]}
        )
    if np.abs(bias).max() > LARGEST_V or np.abs(current).max() > LARGEST_A:
        raise TableError(
            _("%(name)s: up to %(v)g V and %(i)g A are not possible; are units missing?")
            % {"name": name, "v": np.abs(bias).max(), "i": np.abs(current).max()}
        )
    if -bias.min() > bias.max():
        bias = -bias
        current = -current
        notes.append(_("the reverse bias was written as negative; its sign was turned"))
    # The sign of the current far from zero, where it is more than noise.
    far = np.abs(bias) >= np.quantile(np.abs(bias), 0.8)
    if np.median(np.sign(current[far]) * np.sign(bias[far])) < 0:
        current = -current
        notes.append(_("the current ran against the bias; its sign was turned"))
    return Curve(bias, current, np.abs(spread)), notes
