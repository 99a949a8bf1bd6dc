"""Values at a reference temperature, and the bias that a device is to be run at."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mppcqa.physics._arrays import Floats
from mppcqa.physics.lines import LineError, fit_line


def at_temperature(
    value: ArrayLike,
    error: ArrayLike,
    measured_c: ArrayLike,
    wanted_c: float,
    *,
    slope_per_c: float,
    slope_error_per_c: float = 0.0,
) -> tuple[Floats, Floats]:
    """Values (n,) carried from the temperature of their measurement to another one.

    value + slope (wanted - measured); the slope is a temperature coefficient (56 mV/degC for the
    breakdown voltage of the GlueX arrays), and its uncertainty, which all values share, is in the
    result's.

    >>> value, error = at_temperature(70.0, 0.01, 25.0, 20.0, slope_per_c=0.056)
    >>> float(value), float(error)
    (69.72, 0.01)
    """
    step = wanted_c - np.asarray(measured_c, float)
    moved = np.asarray(value, float) + slope_per_c * step
    return moved, np.hypot(np.asarray(error, float), slope_error_per_c * step)


def bias_for_overvoltage(
    overvoltage_v: float,
    breakdown_v: ArrayLike,
    breakdown_error_v: ArrayLike,
    *,
    measured_c: ArrayLike = 20.0,
    reference_c: float = 20.0,
    slope_v_per_c: float = 0.056,
    slope_error_v_per_c: float = 0.0,
) -> tuple[Floats, Floats]:
    """Bias [V] (n,) that gives an overvoltage at a reference temperature, with uncertainty."""
    if not overvoltage_v > 0:
        raise ValueError(f"an operating overvoltage must be positive, not {overvoltage_v} V")
    breakdown, error = at_temperature(
        breakdown_v,
        breakdown_error_v,
        measured_c,
        reference_c,
        slope_per_c=slope_v_per_c,
        slope_error_per_c=slope_error_v_per_c,
    )
    return breakdown + overvoltage_v, error


def bias_for_target(
    bias_v: ArrayLike,
    value: ArrayLike,
    error: ArrayLike,
    target: float,
    *,
    curved: bool = False,
    temperature_step_c: float = 0.0,
    breakdown_v_per_c: float = 0.056,
    breakdown_error_v_per_c: float = 0.0,
) -> tuple[float, float]:
    """Bias [V] at which a value of a scan (n,) reaches a target, with standard uncertainty.

    Through the points goes a straight line (gain) or, if `curved`, a parabola (PDE, crosstalk),
    weighted by `error` (n,), with the full covariance, scaled up where the points scatter more
    than their errors say. To run at another temperature, `temperature_step_c` (reference less
    measured) moves the bias with the breakdown voltage: gain and PDE follow the overvoltage.

    Raises `LineError` with too few points, or where the target lies outside the scanned range by
    more than a tenth of it: a value read off an extrapolation is none.

    >>> bias, error = bias_for_target([71, 72, 73], [30, 60, 90], [0.3, 0.3, 0.3], 45.0)
    >>> round(bias, 6)
    71.5
    """
    x, y, e = (np.asarray(part, float) for part in (bias_v, value, error))
    good = np.isfinite(x) & np.isfinite(y) & np.isfinite(e) & (e > 0)
    x, y, e = x[good], y[good], e[good]
    if curved:
        found, uncertainty = _on_parabola(x, y, e, target)
    else:
        found, uncertainty = fit_line(x, y, e).where(target)
    slack = 0.1 * float(np.ptp(x))
    if not x.min() - slack <= found <= x.max() + slack:
        raise LineError(
            f"{target:g} is reached at {found:.2f} V, outside the scan from {x.min():.2f} V to "
            f"{x.max():.2f} V"
        )
    moved = breakdown_v_per_c * temperature_step_c
    shared = breakdown_error_v_per_c * temperature_step_c
    return float(found + moved), float(np.hypot(uncertainty, shared))


def _on_parabola(x: Floats, y: Floats, e: Floats, target: float) -> tuple[float, float]:
    if len(np.unique(x)) < 3:
        raise LineError(f"{len(np.unique(x))} bias voltages: a curved scan needs three")
    middle = float(np.average(x, weights=e**-2))
    design = np.vander(x - middle, 3) / e[:, None]
    covariance = np.linalg.inv(design.T @ design)
    powers = covariance @ design.T @ (y / e)
    residuals = y / e - design @ powers
    freedom = len(x) - 3
    if freedom > 0:
        covariance = covariance * max(float(residuals @ residuals) / freedom, 1.0)
    roots = np.roots(powers - np.array([0.0, 0.0, target]))
    roots = roots[np.abs(roots.imag) < 1e-9].real
    if not len(roots):
        raise LineError(f"the scan never reaches {target:g}")
    # Of two crossings the one that the scan contains, or is nearest to.
    span = np.clip(roots, x.min() - middle, x.max() - middle)
    root = float(roots[np.argmin(np.abs(roots - span))])
    slope = float(np.polyval(np.polyder(powers), root))
    if slope == 0:
        raise LineError(f"the scan only touches {target:g}")
    gradient = -np.array([root**2, root, 1.0]) / slope
    return middle + root, float(np.sqrt(gradient @ covariance @ gradient))
