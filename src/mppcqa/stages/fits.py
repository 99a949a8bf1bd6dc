"""What fits of charge spectra say: values or limits of each channel, and of themselves."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mppcqa import physics
from mppcqa.stages.conditions import Condition
from mppcqa.stages.numbers import BELOW
from mppcqa.stages.protocol import Fit, Result

Floats = NDArray[np.float64]
FREE_TITLES = {
    "dark_pedestal_shift": "pedestal that moved between the runs",
    "log_dark_rate_ratio": "dark run of another temperature",
    "light_variance": "light that varies",
    "burst_fraction": "noise in bursts",
    "burst_width": "width of bursts",
}
DRAWN_TITLES = {
    "baseline_per_gate": "baseline taken before the gate",
    "coupling_per_gate": "AC coupling",
}
"""What draws a spectrum's events down, as its run file told or as the spectrum shows."""
"""What a fit of spectra may free: English, translated where it is shown."""
LIGHT_BY_ZERO = "Light by the fit, and by the pedestal alone"


def fit_records(slot: int, fits: physics.SpectrumFits, condition: Condition) -> list[Fit]:
    """A record of each channel's fit, those that gave nothing too."""
    light = fits.get("mean_light_pe")
    titles = list(FREE_TITLES.values())
    p_values, freed, seen = fits.p_value, fits.freed, fits.seen
    found = []
    for channel in range(len(fits.status)):
        other = float(fits.light_p0[channel]), float(fits.light_p0_error[channel])
        own = float(light[0][channel]), float(light[1][channel])
        whole = all(map(math.isfinite, (*own, *other)))
        good = not fits.message(channel)
        found.append(
            Fit(
                slot=slot,
                channel=channel,
                condition=condition,
                chi2=float(fits.chi2[channel]),
                ndf=int(fits.ndf[channel]),
                p_value=float(p_values[channel]) if good else math.nan,
                events=float(fits.events[channel]),
                left_out=float(fits.left_out[channel]),
                free=tuple(t for t, is_free in zip(titles, freed[channel], strict=True) if is_free),
                seen=(
                    *(t for t, is_seen in zip(titles, seen[channel], strict=True) if is_seen),
                    *(t for name, t in DRAWN_TITLES.items() if getattr(fits, name)[channel] > 0),
                ),
                second_ways={LIGHT_BY_ZERO: (*own, *other)} if whole else {},
                fault=fits.message(channel),
            )
        )
    return found


def per_channel(
    slot: int,
    quantity: str,
    values: Floats,
    errors: Floats,
    condition: Condition,
    method: str,
    systematic: Floats | None = None,
    below: Floats | None = None,
) -> list[Result]:
    """A result for each channel that has a number.

    Of what ended at its lower bound `below` is the upper limit at 95 %, NaN of the others.
    """
    shared = np.zeros(len(values)) if systematic is None else systematic
    limits = np.full(len(values), np.nan) if below is None else below
    results = []
    for channel, row in enumerate(zip(values, errors, shared, limits, strict=True)):
        value, error, common, limit = map(float, row)
        if not (np.isfinite(value) and np.isfinite(error)):
            continue
        limited = np.isfinite(limit)
        results.append(
            Result(
                slot=slot,
                channel=channel,
                quantity=quantity,
                value=limit if limited else value,
                uncertainty=math.nan if limited else error,
                condition=condition,
                method=method,
                systematic=0.0 if limited else common,
                bound=BELOW if limited else 0,
            )
        )
    return results


def dark_rate_of(fits: physics.SpectrumFits, gate_s: float) -> tuple[Floats, ...]:
    """Dark rate [Hz] with both parts of its uncertainty, and the limit where none was seen."""
    value, statistical, systematic = fits.parts("dark_counts_per_gate")
    limit = fits.upper_limit("dark_counts_per_gate")
    return value / gate_s, statistical / gate_s, systematic / gate_s, limit / gate_s
