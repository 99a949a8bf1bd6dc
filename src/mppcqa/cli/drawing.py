"""A measured part drawn with letters, for a look in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from mppcqa.tables.measured import Measured

WIDE, HIGH = 64, 10
EIGHTHS = " ▁▂▃▄▅▆▇█"


def draw(part: Measured) -> str:
    """Lines of a spectrum, a first waveform, or a curve (its currents as logarithms)."""
    if part.charges is not None:
        values = part.charges[:, 0]
        values = values[np.isfinite(values)]
        counts, edges = np.histogram(values, WIDE)
        return _framed(counts.astype(float), f"{edges[0]:.4g}", f"{edges[-1]:.4g} charge")
    if part.waveforms is not None:
        samples = part.waveforms[0].astype(float)
        end = f"{len(samples) * part.sample_s * 1e9:.4g} ns"
        return _framed(_binned(np.arange(len(samples)), samples), "0", end)
    if part.staircase is not None:
        scan = part.staircase
        size = np.log10(np.maximum(scan.rate_hz, 1e-3))
        end = f"{scan.threshold.max():.4g} {scan.unit}; up to {scan.rate_hz.max():.2g} Hz"
        return _framed(_binned(scan.threshold, size), f"{scan.threshold.min():.4g}", end)
    if part.curve is None:
        return ""
    bias, current = part.curve.bias_v, part.curve.current_a
    size = np.log10(np.maximum(np.abs(current), 1e-15))
    end = f"{bias.max():.4g} V; |I| {np.abs(current).min():.2g} to {np.abs(current).max():.2g} A"
    return _framed(_binned(bias, size), f"{bias.min():.4g}", end)


def _binned(x: Any, y: Any) -> Any:
    """Means of y over even steps of x, NaN where there is none."""
    span = float(np.ptp(x)) or 1.0
    place = np.minimum(((x - x.min()) / span * WIDE).astype(int), WIDE - 1)
    number = np.bincount(place, minlength=WIDE)
    with np.errstate(invalid="ignore"):
        return np.bincount(place, y, WIDE) / np.where(number, number, np.nan)


def _framed(heights: Any, left: str, right: str) -> str:
    low, high = np.nanmin(heights), np.nanmax(heights)
    scaled = np.nan_to_num((heights - low) / ((high - low) or 1.0)) * HIGH * 8
    scaled = np.where(np.isfinite(heights), np.maximum(scaled, 1), 0).astype(int)
    lines = []
    for row in range(HIGH - 1, -1, -1):
        fill = np.clip(scaled - 8 * row, 0, 8)
        lines.append("  " + "".join(EIGHTHS[one] for one in fill).rstrip())
    lines.append("  " + left + right.rjust(max(1, WIDE - len(left))))
    return "\n".join(lines)
