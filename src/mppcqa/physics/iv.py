"""Breakdown voltage and quenching resistance from current-voltage curves.

Four ways to a breakdown voltage, none of which is the true one: they differ by tenths of a volt,
and dark from light curves, so the method belongs to the value. All assume no form of the curve
below breakdown.

- ``relative_derivative``: where d ln I / dV peaks (Nagy et al., NIM A 849 (2017) 55; Klanner,
  NIM A 926 (2019) 36). The usual choice, best with weak light.
- ``second_derivative``: where d2 ln I / dV2 passes zero, from a straight line through it.
- ``inverse_derivative``: above breakdown (d ln I / dV)^-1 = (V - V_br) / n; where that line
  meets zero (Nagy et al.).
- ``square_root``: above breakdown I = a (V - V_br)^2; where the line of sqrt(I) meets zero.

Where leakage is a good part of the current at the steepest point, as in the dark, it is taken off
first (`iv_leakage`); the derivative of what is left has no top but a pole, and the first three
methods are then the line of its inverse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from mppcqa.physics._arrays import Floats
from mppcqa.physics.iv_calibration import (
    DISAGREED,
    ROOT_LOW,
    disagreement,
    step_correction,
    step_error,
)
from mppcqa.physics.iv_curve import IvCurve, IvError, breakdown_index, clean_iv, log_derivative
from mppcqa.physics.iv_leakage import (
    EXTRAPOLATED_V,
    LEAKY,
    MOST_LEAKY,
    OUTGROWN,
    Rise,
    find_rise,
    lines_above,
)

RANGE_V = 2.0
"""Volts above the steepest point that the lines above breakdown may use."""
RANGES = (0.6, 0.5, 0.7)
"""Fractions of the derivative's peak that bound the fits: the first gives the value, all of them
how far it moves with the choice."""
TOP_ABOVE = 0.6
"""Of the inverse of the steepest point's d ln I / dV, that a method's value is known no better than
as the pixels' breakdown. Of a current b + a (V - V_br)^2 the top lies one such length above V_br,
and none where their breakdowns scatter by more; a Monte Carlo of pixels gave 0.6 +- 0.4."""
LARGEST_ERROR_V = 0.5
"""A breakdown voltage less certain than this is none."""


@dataclass(frozen=True)
class IvBreakdown:
    """A breakdown voltage with its standard uncertainty and the method it was had by."""

    voltage_v: float
    error_v: float
    """Both parts together."""
    method: str
    statistical_v: float = 0.0
    """From the noise of the points."""
    systematic_v: float = 0.0
    """How far the value moves with the range of the fit, the steps of the curve and the leakage,
    how far the method may lie off the breakdown of the pixels, and how the methods disagree."""
    method_error_v: float = 0.0
    """What a value by the same method is compared with: noise, range, steps and leakage alone."""
    leakage_subtracted: bool = False
    others: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Values and uncertainties [V] by the other methods that give one."""

    @property
    def shared_v(self) -> float:
        """What all channels and temperatures of one device share: of the method, not the curve."""
        return float(np.sqrt(max(self.error_v**2 - self.method_error_v**2, 0.0)))

    @property
    def method_spread_v(self) -> float:
        """Standard deviation over all methods: what a value by one says of another's."""
        values = [self.voltage_v, *(value for value, _ in self.others.values())]
        return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")


def breakdown_from_iv(
    bias_v: ArrayLike,
    current_a: ArrayLike,
    *,
    method: str = "relative_derivative",
    reverse: int = 0,
) -> IvBreakdown:
    """Breakdown voltage of one curve: bias [V] (n,) and current [A] (n,), in any order.

    `method` is one of `IV_METHODS`, see the module; `reverse` as in `clean_iv`. The value is what
    the method gives with fine steps (`iv_calibration`); its uncertainty that of the breakdown of
    the pixels: noise, range of the fit, steps, leakage, what the method is known to be off by, and
    how the methods disagree. Those by the others stand beside it. Raises `IvError` where the curve
    shows no breakdown, or ends before it is passed.

    >>> import numpy as np
    >>> from mppcqa.physics import simulate_iv
    >>> bias = np.arange(60, 73, 0.1)
    >>> current, truth = simulate_iv(np.random.default_rng(0), bias, light_rate_hz=1e9)
    >>> found = breakdown_from_iv(bias, current)
    >>> bool(abs(found.voltage_v - truth.breakdown_voltage_v) < 0.2)
    True
    """
    return breakdown_of_curve(clean_iv(bias_v, current_a, reverse=reverse), method)


def breakdown_of_curve(curve: IvCurve, method: str = "relative_derivative") -> IvBreakdown:
    """The same for a curve that `clean_iv` made."""
    if method not in _METHODS:
        raise IvError(f"no method {method!r}; there are {', '.join(_METHODS)}")
    v, slope, error = log_derivative(curve)
    peak = breakdown_index(v, slope, error)
    if peak is None:
        raise IvError("the current rises nowhere as at a breakdown")
    # The first or last line may be steeper for noise; the derivative must fall on both sides.
    if not _falls(slope, error, peak):
        side = "before" if peak > len(v) // 2 else "after"
        limit = " at the supply's current limit" if curve.limited and side == "before" else ""
        raise IvError(
            f"the curve {'ends' if side == 'before' else 'begins'}{limit} {side} its steepest "
            f"point is passed (near {v[peak]:.2f} V)"
        )
    rise = find_rise(curve, v, slope, error, peak)
    leaky = rise is not None and rise.share > LEAKY
    cut_short = rise is not None and rise.share > MOST_LEAKY and v[-1] - v[peak] < RANGE_V
    if cut_short or (leaky and rise is not None and rise.outgrown < OUTGROWN):
        raise IvError(f"the current rises nowhere above its leakage (see {v[peak]:.2f} V)")
    found: dict[str, IvBreakdown] = {}
    fault = IvError("")
    for name in _METHODS:
        try:
            if leaky and rise is not None:
                found[name] = _above_leakage(curve, rise, v, slope, error, peak, name)
            else:
                found[name] = _on_curve(curve, v, slope, peak, name)
        except IvError as reason:
            fault = reason if name == method else fault
    found = _held_together(found)
    if method not in found:
        raise fault
    if found[method].error_v > LARGEST_ERROR_V:
        raise IvError(f"the methods disagree by volts near {v[peak]:.2f} V")
    others = {name: (one.voltage_v, one.error_v) for name, one in found.items() if name != method}
    return replace(found[method], others=others)


def _held_together(found: dict[str, IvBreakdown]) -> dict[str, IvBreakdown]:
    """The same values, each of whose systematic part knows of the others."""
    top, root = found.get("relative_derivative"), found.get("square_root")
    if top is None or root is None:
        return found
    apart = disagreement(top.voltage_v, root.voltage_v)
    held = {}
    for name, one in found.items():
        # What another derivative says otherwise than the top is a question to it alone.
        own = 0.0 if name == "square_root" else DISAGREED * (one.voltage_v - top.voltage_v)
        held[name] = replace(
            one,
            systematic_v=float(np.sqrt(one.systematic_v**2 + apart**2 + own**2)),
            error_v=float(np.sqrt(one.error_v**2 + apart**2 + own**2)),
        )
    if apart > LARGEST_ERROR_V:
        raise IvError(
            f"the methods disagree: the current rises most steeply at {top.voltage_v:.2f} V, and "
            f"its root begins at {root.voltage_v:.2f} V"
        )
    return held


def _on_curve(curve: IvCurve, v: Floats, slope: Floats, peak: int, method: str) -> IvBreakdown:
    """A method's value on the curve as it is."""
    values = []
    for fraction in RANGES:
        try:
            values.append(_METHODS[method](curve, v, slope, peak, fraction))
        except (IvError, np.linalg.LinAlgError):
            continue
    if not values:
        raise IvError(f"too few points near {v[peak]:.2f} V for the method {method}")
    (value, noise), others = values[0], [other for other, _ in values]
    near = np.abs(curve.bias_v - v[peak]) < RANGE_V
    step = float(np.median(np.diff(curve.bias_v[near]))) if near.sum() > 2 else 0.0
    above = ROOT_LOW if method == "square_root" else TOP_ABOVE / slope[peak]
    own = float(np.sqrt(np.var(others) + step_error(step) ** 2))
    value -= step_correction(method, step)
    return _checked(value, noise, (own, above), method, v[peak], False)


def _above_leakage(
    curve: IvCurve, rise: Rise, v: Floats, slope: Floats, error: Floats, peak: int, method: str
) -> IvBreakdown:
    """A method's value on what is left once the leakage is taken off."""
    zeros, noises = lines_above(rise, method)
    straight = find_rise(curve, v, slope, error, peak, degree=1)
    moved = 0.0
    if straight is not None:
        try:
            moved = float(lines_above(straight, method)[0][0] - zeros[0])
        except IvError:
            moved = 0.0
    own = float(np.sqrt(np.var(zeros) + (moved / 2) ** 2))
    return _checked(zeros[0], noises[0], (own, EXTRAPOLATED_V), method, v[peak], True)


def _checked(
    value: float,
    noise: float,
    systematics: tuple[float, float],
    method: str,
    peak_v: float,
    leaky: bool,
) -> IvBreakdown:
    """The value with its noise and systematics, the method's own and that to the pixels."""
    systematic = float(np.hypot(*systematics))
    uncertainty = float(np.hypot(noise, systematic))
    if not (uncertainty < LARGEST_ERROR_V and abs(value - peak_v) < RANGE_V):
        raise IvError(
            f"too much noise for the method {method}: {value:.2f} +- {uncertainty:.2f} V, while "
            f"the current rises most steeply at {peak_v:.2f} V"
        )
    own = float(np.hypot(noise, systematics[0]))
    return IvBreakdown(float(value), uncertainty, method, float(noise), systematic, own, leaky)


def _falls(slope: Floats, error: Floats, peak: int) -> bool:
    low, high = slope[:peak], slope[peak + 1 :]
    margin = 2 * error[peak]
    top = slope[peak]
    return bool(
        len(low)
        and len(high)
        and low.min() < top - margin
        and high.min() < min(0.9 * top, top - margin)
    )


def _relative_derivative(
    curve: IvCurve, v: Floats, slope: Floats, peak: int, fraction: float
) -> tuple[float, float]:
    """Top of the polynomial through ln I whose derivative is above `fraction` of its peak."""
    low, high = _around(v, slope, peak, fraction)
    x, y = _log_points(curve, low, high, 6)
    centre = v[peak]
    degree = 4 if len(x) >= 7 else 3
    coefficients, covariance = _polynomial(x - centre, y, degree)
    tops = np.roots(np.polyder(coefficients, 2))
    tops = tops[np.abs(tops.imag) < 1e-9].real
    falling = np.polyval(np.polyder(coefficients, 3), tops) < 0
    inside = falling & (tops > x[0] - centre) & (tops < x[-1] - centre)
    if not inside.any():
        raise IvError("no top")
    tops = tops[inside]
    top = float(tops[np.argmin(np.abs(tops))])
    # d top / d c: the second derivative stays zero, so each power moves the top by -p2 / p3.
    powers = np.arange(degree, -1, -1)
    second = np.where(powers >= 2, powers * (powers - 1) * top ** np.maximum(powers - 2, 0), 0.0)
    gradient = -second / np.polyval(np.polyder(coefficients, 3), top)
    return centre + top, float(np.sqrt(gradient @ covariance @ gradient))


def _second_derivative(
    curve: IvCurve, v: Floats, slope: Floats, peak: int, fraction: float
) -> tuple[float, float]:
    """Zero of the straight line through the second derivative about its fall."""
    del curve
    bend = np.gradient(slope, v)
    low, high = _around(v, slope, peak, 0.5 * fraction)
    near = np.flatnonzero((v >= low) & (v <= high))
    before, after = near[near <= peak], near[near >= peak]
    if not len(before) or not len(after):
        raise IvError("no fall")
    top, bottom = before[np.argmax(bend[before])], after[np.argmin(bend[after])]
    at = np.arange(top, bottom + 1)
    at = at[(bend[at] <= fraction * bend[top] + 1e-12) & (bend[at] >= fraction * bend[bottom])]
    if len(at) < 3:
        at = np.arange(max(peak - 2, 0), min(peak + 3, len(v)))
    (b, a), covariance = _polynomial(v[at] - v[peak], bend[at], 1)
    if b >= 0:
        raise IvError("no fall")
    return _zero(a, b, covariance, v[peak])


def _inverse_derivative(
    curve: IvCurve, v: Floats, slope: Floats, peak: int, fraction: float
) -> tuple[float, float]:
    """Zero of the line of 1 / (d ln I / dV) above breakdown."""
    del curve
    _, begin = _around(v, slope, peak, fraction + 0.1)
    at = np.flatnonzero((v >= begin) & (v <= v[peak] + RANGE_V * (fraction + 0.4)) & (slope > 0))
    if len(at) < 4:
        raise IvError("too few points")
    (b, a), covariance = _polynomial(v[at] - v[peak], 1 / slope[at], 1)
    if b <= 0:
        raise IvError("no rise")
    return _zero(a, b, covariance, v[peak])


def _square_root(
    curve: IvCurve, v: Floats, slope: Floats, peak: int, fraction: float
) -> tuple[float, float]:
    """Zero of the line of sqrt(I) above breakdown."""
    del slope
    high = v[peak] + RANGE_V * (fraction + 0.4)
    x, log_i = _log_points(curve, v[peak] + 0.1 * (fraction - 0.6), high, 4)
    (b, a), covariance = _polynomial(x - v[peak], np.exp(0.5 * log_i), 1)
    if b <= 0:
        raise IvError("no rise")
    return _zero(a, b, covariance, v[peak])


_Find = Callable[[IvCurve, Floats, Floats, int, float], tuple[float, float]]
_METHODS: dict[str, _Find] = {
    "relative_derivative": _relative_derivative,
    "second_derivative": _second_derivative,
    "inverse_derivative": _inverse_derivative,
    "square_root": _square_root,
}
IV_METHODS = tuple(_METHODS)


def quenching_resistance(
    bias_v: ArrayLike, current_a: ArrayLike, pixels: int, *, reverse: int = 0
) -> tuple[float, float]:
    """Quenching resistance of a pixel [ohm] with its standard uncertainty, from forward points.

    V = V0 + I R + b ln I through the upper part of the forward branch, R_q = pixels x R: the
    logarithm is the diode in series, whose n k T / I would pass for resistance in a straight
    line. `bias_v` and `current_a` (n,) may hold the reverse branch too. Raises `IvError`.
    """
    if pixels < 1:
        raise IvError(f"{pixels} pixels")
    curve = clean_iv(bias_v, current_a, reverse=reverse)
    v, i = curve.forward_v, curve.forward_a
    if len(v) and i[-1] < 0:
        i = -i
    upper = i > 0.1 * i.max() if len(v) else np.zeros(0, bool)
    v, i = v[upper], i[upper]
    if len(v) < 4:
        raise IvError(f"{len(v)} forward points with current: four are needed for a resistance")
    for columns in ((np.ones_like(i), i, np.log(i)), (np.ones_like(i), i)):
        if len(v) < len(columns) + 1:
            continue
        solution, covariance = _least_squares(np.stack(columns, axis=1), v)
        if len(columns) == 2 or (solution[2] > 0 and solution[1] > 0):
            break
    value, error = float(solution[1]), float(np.sqrt(covariance[1, 1]))
    if not (value > 0 and error < 0.5 * value):
        raise IvError(f"the forward branch is no straight line: {value:.3g} +- {error:.3g} ohm")
    return value * pixels, error * pixels


def _around(v: Floats, slope: Floats, peak: int, fraction: float) -> tuple[float, float]:
    """Voltages where the derivative falls to `fraction` of its peak, left and right."""
    low = high = peak
    while low > 0 and slope[low - 1] > fraction * slope[peak]:
        low -= 1
    while high < len(v) - 1 and slope[high + 1] > fraction * slope[peak]:
        high += 1
    return float(v[low]), float(v[high])


def _log_points(curve: IvCurve, low: float, high: float, least: int) -> tuple[Floats, Floats]:
    """Points (V, ln I) between two voltages, one more on each side, at least `least`."""
    good = curve.current_a > 0
    v, i = curve.bias_v[good], curve.current_a[good]
    first, last = np.searchsorted(v, low) - 1, np.searchsorted(v, high, "right") + 1
    while last - first < least and (first > 0 or last < len(v)):
        first, last = first - 1, last + 1
    x = slice(max(first, 0), min(last, len(v)))
    if len(v[x]) < least:
        raise IvError("too few points")
    return v[x], np.log(i[x])


def _polynomial(x: Floats, y: Floats, degree: int) -> tuple[Floats, Floats]:
    """Least squares, highest power first, with covariance from the residuals."""
    return _least_squares(np.vander(x, degree + 1), y)


def _least_squares(design: Floats, y: Floats) -> tuple[Floats, Floats]:
    size = np.linalg.norm(design, axis=0)
    inverse = np.linalg.pinv(design / size)
    solution = inverse @ y
    residuals = y - design / size @ solution
    freedom = max(len(y) - design.shape[1], 1)
    covariance = inverse @ inverse.T * float(residuals @ residuals) / freedom
    return solution / size, covariance / np.outer(size, size)


def _zero(a: float, b: float, covariance: Floats, centre: float) -> tuple[float, float]:
    """Where a + b x passes zero; covariance of (b, a)."""
    x = -a / b
    gradient = np.array([-x / b, -1 / b])
    return float(centre + x), float(np.sqrt(gradient @ covariance @ gradient))
