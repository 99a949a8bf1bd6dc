"""One channel at one point: its spectrum, and the curve that the fit draws through it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mppcqa.physics import (
    PulseShape,
    SpectrumFits,
    expected_counts,
    histogram_charges,
    histogram_pairs,
)
from mppcqa.runfile import WHOLE_DEVICE, Curve, Histogram, IVCurve, RunFile, charge_histograms
from mppcqa.stages.analysis import Bias, biases, fit_alike, of_every_fit, pulse_of
from mppcqa.stages.fitting import AS_USUAL, Fitting, SpectraOf
from mppcqa.stages.light import varies

NEAR_C = 0.5
"""An IV curve this near in temperature belongs to a point."""


MOST_CHARGES = 20_000_000
"""Of all channels at a point, that are read for one spectrum."""


class TooMany(ValueError):
    """A point has more charges than are read while somebody waits; the message says how many."""


@dataclass(frozen=True)
class CellFit:
    """Spectra of one channel at a point with what the fit says of them."""

    bias: Bias
    fits: SpectrumFits
    """Of one spectrum, or pair."""
    edges: Any
    """(bins + 1,) in ADC."""
    counts: dict[str, Any]
    """``light``, ``dark`` -> counts (bins,)."""
    expected: dict[str, Any]
    """The same from the fit, NaN outside of the bins that it had; empty where it failed."""
    not_finite: int
    values: dict[str, tuple[float, ...]]
    """Quantity -> value, statistical and, where there are any, systematic uncertainty and limit."""


def fit_cell(
    run: RunFile,
    slot: int,
    column: int,
    point: int,
    how: Fitting = AS_USUAL,
    read: SpectraOf | None = None,
) -> CellFit | None:
    """Spectra (light and dark) and the fit of one channel at a point; None without events.

    The fit is the one that the stages' analyses make, and its values are the same. `read` is how
    the stage reads spectra; without it pulse and values are what every stage has. Raises `TooMany`.
    """
    bias = next((one for one in biases(run) if point in (one.light, one.dark)), None)
    if bias is None:
        return None
    charges = _charges(run, slot, column, bias)
    if not charges:
        return None
    pulse = pulse_of(run) if read is None else read.pulse
    lit, pair = "light" in charges, len(charges) == 2
    mine = slice(column, column + 1)
    if pair:
        light, dark, edges, bad = histogram_pairs(
            charges["light"][:, mine], charges["dark"][:, mine], how.bins
        )
        known = {0: varies(run, slot, charges["light"], charges["dark"])}
        fits = fit_alike({0: (edges, light, dark)}, True, pulse, known, how)[0]
        counts = {"light": light[0], "dark": dark[0]}
    else:
        (name, only), known = next(iter(charges.items())), {}
        if lit:
            # Where no charge is, which says how much light varies, is told by all channels' fits.
            every, every_edges, _ = histogram_charges(only, how.bins)
            first = fit_alike({0: (every_edges, every)}, True, pulse, {}, how)[0]
            known = {0: varies(run, slot, only, pedestals=first.get("pedestal")[0])}
        some, edges, bad = histogram_charges(only[:, mine], how.bins)
        fits = fit_alike({0: (edges, some)}, lit, pulse, known, how)[0]
        counts = {name: some[0]}
    simple = how.simple and lit
    values = {} if fits.status[0] else of_every_fit(fits)
    if values and read is not None:
        values |= read.values(fits, bias)
    return CellFit(
        bias=bias,
        fits=fits,
        edges=edges[0],
        counts=counts,
        expected={
            name: _expected(fits, edges[0], part, how, light=name == "light", pulse=pulse)
            for name, part in counts.items()
            if not fits.status[0] and not (simple and name == "dark")
        },
        not_finite=int(bad[0]),
        values={key: tuple(float(part[0]) for part in parts) for key, parts in values.items()},
    )


def _expected(
    fits: SpectrumFits, edges: Any, counts: Any, how: Fitting, *, light: bool, pulse: PulseShape
) -> Any:
    """The fit's curve through the bins that it had, of as many events as they hold."""
    share = expected_counts(fits, 0, edges, 1.0, light=light, pulse=pulse)
    low, high = how.between
    inside = (edges[:-1] >= low) & (edges[1:] <= high)
    scale = counts[inside].sum() / share[inside].sum() if not inside.all() else counts.sum()
    return np.where(inside, scale * share, np.nan)


def curves_near(run: RunFile, slot: int, column: int, point: int) -> list[IVCurve]:
    """A channel's IV curves near a point's temperature, and those of the whole device."""
    temperature_c = run.points()[point].get("temperature_c", math.nan)
    curves = (*run.iv_curves(slot, column), *run.iv_curves(slot, WHOLE_DEVICE))
    return [one for one in curves if abs(one.temperature_c - temperature_c) < NEAR_C]


def quicklook_histograms(run: RunFile, slot: int | None, point: int | None) -> Iterator[Histogram]:
    """Spectra of a selection for ROOT; those of one device with the curves of their fits."""
    slots = None if slot is None else [slot]
    points = None if point is None else [point]
    for one in charge_histograms(run, points=points, slots=slots):
        if slot is None:
            yield one
            continue
        place = re.fullmatch(r"charge/point-(-?\d+)/slot-\d+/ch-(\d+)", one.name)
        number, column = (int(text) for text in place.groups()) if place else (0, 0)
        yield _with_fit(run, one, slot, number, column)


def _with_fit(run: RunFile, one: Histogram, slot: int, point: int, column: int) -> Histogram:
    found = fit_cell(run, slot, column, point)
    name = "light" if run.points()[point].get("light") else "dark"
    if found is None or name not in found.expected:
        return one
    # Counts of the fit's bins as those of the histogram's own width.
    own = float(np.diff(np.asarray(one.edges)).mean())
    scale = own / float(np.diff(found.edges).mean())
    curve = Curve(
        name="fit",
        title=f"fit, chi2/ndf {found.fits.chi2[0]:.1f}/{found.fits.ndf[0]}",
        x=(found.edges[:-1] + found.edges[1:]) / 2,
        y=found.expected[name] * scale,
    )
    return replace(one, curves=(curve,))


def _charges(run: RunFile, slot: int, column: int, bias: Bias) -> dict[str, Any]:
    """All channels' charges (events, channels) with light and in the dark, where there are any of
    the column."""
    points = {"light": bias.light, "dark": bias.dark}
    there = {name: point for name, point in points.items() if point is not None}
    channels = next((row["channels"] for row in run.slots if row["slot"] == slot), 1)
    number = channels * sum(run.event_count(point, slot) for point in there.values())
    if number > MOST_CHARGES:
        raise TooMany(
            f"the point has {number} charges, and at most {MOST_CHARGES} are read for one spectrum"
        )
    found = {name: run.charges(point, slot) for name, point in there.items()}
    return {
        name: part
        for name, part in found.items()
        if len(part) and 0 <= column < part.shape[1] and np.isfinite(part[:, column]).any()
    }
