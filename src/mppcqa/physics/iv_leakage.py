"""What leaks through a device below breakdown, taken off its current-voltage curve.

In the dark, surface leakage may be as large as the current of avalanches a volt above breakdown.
The logarithm's derivative then peaks where the current has outgrown the leakage, not where it
begins: on a measured unirradiated device in the dark 0.5 to 1.5 V too high, and higher the colder
it was. The current that is left once the leakage is taken off begins at breakdown, within some tens
of millivolts of the value that the same device shows with light.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mppcqa.physics._arrays import Floats
from mppcqa.physics.iv_curve import IvCurve, IvError, local_lines, scatter

LEAKY = 0.15
"""Part of the current at the steepest point from which leakage decides where that lies. Light makes
it 0.03: the current below breakdown is then multiplied light."""
MOST_LEAKY = 0.97
"""The same from which a curve that ends soon above its steepest point was cut short of the
breakdown: leakage alone then gave values some 3 V low. With volts to come it can be taken off."""
OUTGROWN = 3.0
"""Times the leakage at the steepest point by which the current has outgrown it at least, one to two
volts above. Leakage alone, with noise, in curves cut short stays below it, whatever line is drawn
through it; measured breakdowns in the dark are just above, noisy ones of little light have 47."""
OUTGROWN_V = 2.0
REACH_V = 10.0
"""Volts below the rise from which the leakage is read."""
CLEAR_V = 0.15
"""Volts that it is read to below the rise."""
BEGIN_V = 0.4
"""Volts above the rise where the lines begin."""
SPANS_V = (1.5, 1.0, 2.0)
"""Volts that the lines go through: the first gives the value, all of them how it moves."""
LEAST = 5
COARSE_V = 0.15
"""Steps from which on the lines go through `LEAST` points, however far they reach."""
RISES = 1.6
"""Times the leakage's own slope from which the current rises."""
HALF = (3, 1)
"""Half-width in points of the local lines of what is left, in fine and in coarse steps."""
EXTRAPOLATED_V = 0.06
"""Standard uncertainty of what a continued leakage leaves: the rms by which 14 dark curves of a
measured device at -30 to 20 degC lie off its curves with light, 0.03 to 0.13 V low."""


@dataclass(frozen=True)
class Rise:
    """A curve's leakage, and what is left of the current above it."""

    begin_v: float
    """Where the current leaves the leakage."""
    share: float
    """Part of the current at the steepest point that is leakage."""
    left: IvCurve
    """Current above the rise with the leakage taken off."""
    outgrown: float
    """Times the leakage at the steepest point that is left in the upper half of `OUTGROWN_V`."""


def find_rise(
    curve: IvCurve, v: Floats, slope: Floats, error: Floats, peak: int, degree: int = 2
) -> Rise | None:
    """Leakage of a curve below its steepest point `peak` of the derivative `slope` at `v`.

    None where too few points lie below. The logarithm of the leakage is a polynomial of `degree`
    and goes on as a straight line.
    """
    below = (v > v[peak] - REACH_V) & (v < v[peak] - 3.0)
    own = float(np.median(slope[below])) if below.sum() >= LEAST else 0.0
    at = peak
    while at > 0 and slope[at] > max(RISES * own, 0.05 * slope[peak]) + 2 * error[at]:
        at -= 1
    begin = float(v[at]) - CLEAR_V
    known = (curve.bias_v > begin - REACH_V) & (curve.bias_v < begin) & (curve.current_a > 0)
    if known.sum() < LEAST + degree:
        return None
    x, y = curve.bias_v[known] - begin, np.log(curve.current_a[known])
    powers = np.polyfit(x, y, degree)
    beyond = np.polyval(powers, 0.0) + np.polyval(np.polyder(powers), 0.0) * (curve.bias_v - begin)
    leakage = np.exp(np.minimum(beyond, 300.0))
    share = float(np.interp(v[peak], curve.bias_v, leakage / np.abs(curve.current_a).clip(1e-300)))
    above = curve.bias_v > begin
    left = replace(curve, bias_v=curve.bias_v[above], current_a=(curve.current_a - leakage)[above])
    near = np.flatnonzero((curve.bias_v > v[peak]) & (curve.bias_v <= v[peak] + OUTGROWN_V))
    upper = near[len(near) // 2 :]
    # Held against the leakage there: a line through noise says nothing two volts farther on.
    there = float(np.interp(v[peak], curve.bias_v, leakage))
    grown = float(np.median(curve.current_a[upper])) if len(upper) else 0.0
    outgrown = grown / max(there, 1e-300) - 1
    return Rise(begin, share, left, outgrown)


def lines_above(rise: Rise, method: str) -> tuple[Floats, Floats]:
    """Where the line of a method meets zero, over each of `SPANS_V`, with its noise.

    ``square_root`` takes the root of what is left; all others the inverse of its logarithm's
    derivative, whose zero is where that derivative peaks. Raises `IvError`.
    """
    curve = rise.left
    good = curve.current_a > 0
    v, i = curve.bias_v[good], curve.current_a[good]
    if len(v) < LEAST:
        raise IvError("too few points above the leakage")
    step = float(np.median(np.diff(v)))
    coarse = step > COARSE_V
    half = HALF[coarse]
    if len(v) < 2 * half + LEAST:
        raise IvError("too few points above the leakage")
    if method == "square_root":
        x, y, weight = v, np.sqrt(i), np.ones(len(v))
    else:
        x, slope, error = local_lines(v, np.log(i), scatter(v, np.log(i)), half)
        clear = slope > 2 * error
        x, y = x[clear], 1 / slope[clear]
        weight = slope[clear] ** 2 / error[clear]
    zeros, noises = [], []
    for span in SPANS_V:
        if coarse:
            span = max(span, (LEAST + 0.1) * step)
        near = (x > rise.begin_v + BEGIN_V) & (x < rise.begin_v + BEGIN_V + span)
        if near.sum() < LEAST:
            continue
        middle = float(x[near].mean())
        (b, a), covariance = np.polyfit(x[near] - middle, y[near], 1, w=weight[near], cov=True)
        if b <= 0:
            continue
        gradient = np.array([a / b**2, -1 / b])
        zeros.append(middle - a / b)
        noises.append(np.sqrt(gradient @ covariance @ gradient))
    if not zeros:
        raise IvError("what is left above the leakage makes no line")
    return np.array(zeros), np.array(noises)
