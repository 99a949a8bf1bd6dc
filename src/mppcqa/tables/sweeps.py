"""Scans that stand below one another in one table: repeated, turned back, or of several channels.

Readings at one bias are averaged by the analysis. That is right for a scan that was repeated, and
wrong where a column that nobody understood tells channels or temperatures apart.
"""

from __future__ import annotations

import numpy as np

from mppcqa.tables.measured import Floats
from mppcqa.tables.words import say as _

LEAST_SHARED = 3
"""Values that two scans have in common by chance: a line that was written twice, a turn at zero."""
SHARED = 0.2
HYSTERESIS = 0.3
"""Relative difference of readings up and down that is still one device's."""
LARGEST_DRIFT_C = 3.0
TOLD_DRIFT_C = 0.5


def several_scans(scanned: Floats, measured: Floats) -> tuple[str, bool]:
    """What is to say of a scan (n,) that comes back to its values, and whether it must be asked.

    Empty where it does not. Readings one after another at one value are no scans of their own.
    Scans that begin anew are asked whatever they hold; one that turns back is where its readings
    differ by more than a device's hysteresis does.

    >>> several_scans(np.tile([1.0, 2, 3, 4], 2), np.arange(8.0))[1]
    True
    >>> several_scans(np.repeat([1.0, 2, 3, 4], 2), np.arange(8.0))
    ('', False)
    """
    moved = np.flatnonzero(np.concatenate([[True], np.diff(scanned) != 0]))
    values, which, visits = np.unique(scanned[moved], return_inverse=True, return_counts=True)
    shared = visits > 1
    if shared.sum() < max(LEAST_SHARED, SHARED * len(values)):
        return "", False
    means = np.add.reduceat(measured, moved) / np.diff([*moved, len(measured)])
    low, high = np.full(len(values), np.inf), np.full(len(values), -np.inf)
    np.minimum.at(low, which, means)
    np.maximum.at(high, which, means)
    size = np.maximum(np.abs(low), np.abs(high))
    strong = shared & (size >= np.median(size[shared])) & (size > 0)
    apart = float(np.median((high - low)[strong] / size[strong])) if strong.any() else 0.0
    steps = np.sign(np.diff(scanned[moved]))
    anew = min((steps > 0).sum(), (steps < 0).sum()) < 0.2 * len(steps)
    ends = values if not anew else values[shared]
    words = {"n": int(visits.max()), "low": ends[0], "high": ends[-1], "apart": 100 * apart}
    if anew or apart > HYSTERESIS:
        return (
            _(
                "%(n)d scans from %(low)g to %(high)g stand below one another, %(apart).0f %% "
                "apart: name the column that tells them apart (channel, serial, temperature), or "
                "save each as a file; said to be one, their readings are averaged"
            )
            % words,
            True,
        )
    return (
        _(
            "the scan from %(low)g to %(high)g turns back; its readings, %(apart).0f %% apart, "
            "are averaged"
        )
        % words,
        False,
    )


def temperature_drift(readings: Floats) -> tuple[str, bool]:
    """What is to say of temperatures (n,) [°C] of one condition, and whether it must be asked."""
    there = readings[np.isfinite(readings)]
    if not len(there) or np.ptp(there) < TOLD_DRIFT_C:
        return "", False
    text = _("the temperature ran from %(low).1f to %(high).1f °C; its mean, %(mean).1f °C, counts")
    words = {"low": there.min(), "high": there.max(), "mean": there.mean()}
    return text % words, bool(np.ptp(there) > LARGEST_DRIFT_C)


def events_shared(events: Floats) -> tuple[str, bool]:
    """What is to ask where rows (n,) of one event follow one another and no channel is known."""
    there = events[np.isfinite(events)]
    if len(there) < 2 or (np.diff(there) == 0).sum() < SHARED * len(there):
        return "", False
    text = _("rows of one event follow one another: which column says the channel of each?")
    return text, True
