"""The time between a waveform's samples."""

from __future__ import annotations

import numpy as np

from mppcqa.tables.errors import TableError
from mppcqa.tables.measured import Floats
from mppcqa.tables.words import say as _


def sample_interval(times: Floats, name: str) -> float:
    """Seconds between samples of waveforms (n, samples); `TableError` where they are uneven."""
    if times.shape[1] < 2:
        raise TableError(_("%s: a waveform has two samples at least") % name)
    steps = np.diff(times, axis=1)
    interval = float(np.median(steps))
    # Times are rounded to some digits: a lost sample shows as a step of twice the interval.
    uneven = ~(np.abs(steps - interval) <= 0.5 * interval)
    if not interval > 0 or uneven.any():
        where = np.argwhere(uneven)
        place = int(where[0][1]) + 2 if len(where) else 2
        raise TableError(
            _("%(name)s: the samples are not evenly spaced in time at sample %(place)d")
            % {"name": name, "place": place}
        )
    return float((times[0, -1] - times[0, 0]) / (times.shape[1] - 1))
