"""How much the light of a run varies, which the channels of a device tell together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mppcqa import physics
from mppcqa.runfile import RunFile

Floats = NDArray[np.float64]

ENOUGH = 50_000
"""Pulses that tell it; of more, each so manieth is taken."""
PIXELS_UNKNOWN = 5e-4, 2.5e-3
"""One over the number of pixels of a channel where the file does not say it, and how far off that
may be. The number of pixels that fired varies by so much less than the light, over its mean's
square."""
PIXELS_UNEVEN = 0.3
"""Of one over the number of pixels: light that falls on some of them more than on others."""


def varies(
    run: RunFile, slot: int, light: Any, dark: Any = None, pedestals: Floats | None = None
) -> Floats:
    """What is known of the light's variance in the charges of a point: value and uncertainty.

    Rows of charges (events, channels) are common triggers (docs/run-file.md), except where each
    channel triggers by itself.
    """
    nothing = np.array([0.0, physics.LIGHT_MAY_VARY])
    if run.meta.get("own_triggers"):
        return nothing
    found = physics.light_variance_of(
        light[:: len(light) // ENOUGH + 1],
        dark=None if dark is None else dark[:: len(dark) // ENOUGH + 1],
        pedestals=pedestals,
    )
    if found is None or found[1] > physics.LIGHT_MAY_VARY:
        return nothing
    row = next((one for one in run.slots if one["slot"] == slot), {})
    pixels = row.get("pixels", run.meta.get("pixels"))
    less, open_ = (1 / pixels, PIXELS_UNEVEN / pixels) if pixels else PIXELS_UNKNOWN
    return np.array([found[0] - less, np.hypot(found[1], open_)])
