"""A current-voltage curve made fit for analysis, and local derivatives of its logarithm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mppcqa.physics._arrays import Floats

LEAST_POINTS = 8
FLAT = 0.003
"""Points at the end within this fraction of the highest current stand at the supply's limit."""
WINDOWS = (1, 2, 3, 4, 6, 8, 12)
"""Half-widths in points of the local lines, the narrowest that noise allows is taken."""
STEADY = 0.04
"""Noise of the derivative, as a fraction of its peak, that a window must reach."""
LEAST_POWER = 4.0
"""Of the voltage, that a current at breakdown rises with."""
FIRST_POWER = 8.0
"""The same for a rise that others follow."""
FALLEN = 0.7
"""Part of its steepest to which a rise has fallen once it is over."""
GROWN = 0.35
"""Of the current's logarithm, that a first rise makes at least: in curves of several hundred points
some of the noise is as steep as a breakdown, but leads nowhere."""
FOLLOWED, FOLLOWED_V = 4.0, 1.5
"""Times as steep, and volts: a rise so much steeper so soon above the first is the breakdown, and
the first was carriers multiplied below it."""
FAR = 3.0
"""Times so many volts above, that are allowed for one steeper by so much again."""
SURE = 4.0
"""Of its noise, that this is more."""
FOOT = 0.3
"""Part of its steepest from which a rise counts for that."""


class IvError(ValueError):
    """A curve gives no value; the message says why."""


@dataclass(frozen=True)
class IvCurve:
    """Currents [A] at ascending bias [V], both positive in reverse, one a voltage."""

    bias_v: Floats
    current_a: Floats
    forward_v: Floats
    """Forward voltages, positive, ascending."""
    forward_a: Floats
    left_out: int
    """Points that were not finite."""
    limited: bool
    """Whether the supply's current limit was reached; those points are left out."""

    @property
    def points(self) -> int:
        """Reverse points."""
        return len(self.bias_v)


def clean_iv(bias_v: ArrayLike, current_a: ArrayLike, *, reverse: int = 0) -> IvCurve:
    """Curve from bias voltages [V] (n,) and currents [A] (n,) in any order and polarity.

    `reverse` is the sign of a reverse bias; 0 takes the side that reaches further, as an MPPC's
    breakdown lies at tens of volts and forward sweeps end at a few. The current's sign is turned
    so that the end of the reverse branch is positive. Points that are not finite are left out,
    repeated voltages averaged, and points at the supply's current limit dropped. Raises `IvError`
    where the arrays do not fit together.

    >>> curve = clean_iv([-3, -1, -2, -2], [-4e-6, -1e-9, -1e-8, -3e-8])
    >>> curve.bias_v.tolist(), curve.current_a.tolist()
    ([1.0, 2.0, 3.0], [1e-09, 2e-08, 4e-06])
    """
    bias, current = np.asarray(bias_v, float), np.asarray(current_a, float)
    if bias.ndim != 1 or bias.shape != current.shape:
        raise IvError(f"bias {bias.shape} and current {current.shape} must be lists of one length")
    good = np.isfinite(bias) & np.isfinite(current)
    left_out = int((~good).sum())
    bias, current = bias[good], current[good]
    if not len(bias):
        raise IvError("no point is finite" if left_out else "there are no points")
    if reverse == 0:
        reverse = 1 if bias.max() >= -bias.min() else -1
    bias = bias * reverse
    if current[np.argmax(bias)] < 0:
        current = -current
    rising, at = np.unique(bias, return_inverse=True)
    means = np.bincount(at, current) / np.bincount(at)
    backward, forward = rising >= 0, rising < 0
    v, i, limited = _below_limit(rising[backward], means[backward])
    fv, fi, _ = _below_limit(-rising[forward][::-1], -means[forward][::-1])
    return IvCurve(v, i, fv, fi, left_out, limited)


def _below_limit(v: Floats, i: Floats) -> tuple[Floats, Floats, bool]:
    """The curve without the flat end that a current limit makes."""
    if len(v) < 3 or i.max() <= 0:
        return v, i, False
    flat = i >= (1 - FLAT) * i.max()
    last = len(v) - int(np.argmin(flat[::-1]))
    if flat.all() or len(v) - last < 2:
        return v, i, False
    return v[:last], i[:last], True


def log_derivative(curve: IvCurve) -> tuple[Floats, Floats, Floats]:
    """Positions [V], d ln I / dV [1/V] and its noise, from local straight lines.

    The lines are as short as the noise allows; the noise is taken from how the points scatter
    about local parabolas, so that curvature does not count as noise.
    """
    good = curve.current_a > 0
    v, log_i = curve.bias_v[good], np.log(curve.current_a[good])
    if len(v) < LEAST_POINTS:
        raise IvError(f"{len(v)} points with a positive reverse current: {LEAST_POINTS} are needed")
    noise = scatter(v, log_i)
    for half in WINDOWS:
        if 2 * half + 1 > len(v) // 2:
            break
        at, slope, error = local_lines(v, log_i, noise, half)
        candidate = breakdown_index(at, slope, error)
        if candidate is not None and error[candidate] < STEADY * slope[candidate]:
            break
    return at, slope, error


def breakdown_index(v: Floats, slope: Floats, error: Floats) -> int | None:
    """Point where the first significant rise is steepest; None where nothing rises so.

    Judged by d ln I / d ln V, which is 1 for leakage through a resistance however small the
    voltage, and tens to hundreds at breakdown. A rise is over once that has fallen again by more
    than its noise: far above breakdown, where avalanches set off one another, a curve may end
    steeper than it began.
    """
    clear = (slope > 4 * error) & (v > 0)
    if not clear.any():
        return None
    power = np.where(clear, (slope - error) * v, 0.0)
    noise = error * np.maximum(v, 0.0)
    best = k = 0
    while k < len(v):
        if power[k] > power[best]:
            best = k
        elif power[best] > FIRST_POWER + 3 * noise[best] and (
            power[k] + 3 * noise[k] < FALLEN * power[best]
        ):
            later = np.arange(len(v)) > k
            steeper = np.flatnonzero(
                (later & (v < v[best] + FOLLOWED_V) & (power > FOLLOWED * power[best]))
                | (
                    later
                    & (v < v[best] + FAR * FOLLOWED_V)
                    & (power > FAR * FOLLOWED * power[best])
                )
            )
            if not len(steeper) and _grown(v, slope, error, best) > GROWN:
                return best
            if len(steeper):
                k = int(steeper[0])
            power[:k] = 0.0
            best = k
        k += 1
    sure = power[best] > LEAST_POWER and _grown(v, slope, error, best) > GROWN
    return best if sure else None


def _grown(v: Floats, slope: Floats, error: Floats, top: int) -> float:
    """By how much the current's logarithm surely grows about a top of its derivative."""
    first = last = top
    while first > 0 and slope[first - 1] > FOOT * slope[top]:
        first -= 1
    while last < len(v) - 1 and slope[last + 1] > FOOT * slope[top]:
        last += 1
    step = (v[-1] - v[0]) / max(len(v) - 1, 1)
    grown = np.trapezoid(slope[first : last + 1], v[first : last + 1]) + slope[top] * step
    return float(grown - SURE * error[top] * (v[last] - v[first] + step))


def scatter(v: Floats, y: Floats) -> Floats:
    """Noise of each point (n,): running median of the distances from neighbours' parabola."""
    # Second-order prediction of each point from two neighbours on each side (Lagrange).
    aside = [0, 1, 3, 4]
    x = np.lib.stride_tricks.sliding_window_view(v, 5)
    z = np.lib.stride_tricks.sliding_window_view(y, 5)
    share = np.ones((len(x), 4))
    for k, one in enumerate(aside):
        for other in aside:
            if other != one:
                share[:, k] *= (x[:, 2] - x[:, other]) / (x[:, one] - x[:, other])
    distance = np.abs(z[:, 2] - (share * z[:, aside]).sum(axis=1))
    inner = distance / np.sqrt(1 + (share**2).sum(axis=1))
    reach = min(10, len(inner))
    padded = np.pad(inner, (reach, reach), "reflect" if len(inner) > reach else "edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    noise = 1.4826 * np.median(windows, axis=1)
    return np.pad(np.maximum(noise, 1e-7), 2, "edge")


def local_lines(v: Floats, y: Floats, noise: Floats, half: int) -> tuple[Floats, Floats, Floats]:
    """Middle, slope and noise of straight lines through 2 half + 1 points each."""
    width = 2 * half + 1
    x = np.lib.stride_tricks.sliding_window_view(v, width)
    z = np.lib.stride_tricks.sliding_window_view(y, width)
    s = np.lib.stride_tricks.sliding_window_view(noise, width)
    middle = x.mean(axis=1)
    dx = x - middle[:, None]
    norm = (dx**2).sum(axis=1)
    slope = (dx * z).sum(axis=1) / norm
    return middle, slope, np.sqrt((dx**2 * s**2).sum(axis=1)) / norm
