"""One channel at one point: its spectrum, and the curve that the fit draws through it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from mppcqa.physics import expected_counts, fit_spectra, histogram_charges
from mppcqa.physics.spectra import PARAMETERS
from mppcqa.runfile import WHOLE_DEVICE, Curve, Histogram, IVCurve, RunFile, charge_histograms
from mppcqa.stages.analysis import Bias, biases, pulse_of
from mppcqa.stages.fits import fit_records

FIT_TITLES = {
    "pedestal": ("Pedestal", "ADC"),
    "gain": ("Gain", "ADC/p.e."),
    "pedestal_width": ("Width of the pedestal", "ADC"),
    "pe_width": ("Width of a photoelectron", "ADC"),
    "mean_light_pe": ("Mean light", "p.e."),
    "crosstalk_children": ("Crosstalk per avalanche", ""),
    "dark_counts_per_gate": ("Dark counts per gate", ""),
    "afterpulses": ("Afterpulses per avalanche", ""),
}
"""What a spectrum's fit yields: English title, translated where it is shown, and unit."""
NEAR_C = 0.5
"""An IV curve this near in temperature belongs to a point."""


def fit_cell(run: RunFile, slot: int, column: int, point: int) -> dict[str, Any] | None:
    """Spectra (light and dark) and the fit of one channel at a point; None without events.

    The fit is the one that the stages' analyses make, of this channel alone.
    """
    bias = next((one for one in biases(run) if point in (one.light, one.dark)), None)
    if bias is None:
        return None
    charges = _charges(run, slot, column, bias)
    if not charges:
        return None
    joined = np.concatenate(list(charges.values()))
    _, edges, bad = histogram_charges(joined[:, None])
    counts = {name: np.histogram(part, edges[0])[0] for name, part in charges.items()}
    pulse = pulse_of(run)
    lit = "light" in counts
    fits = fit_spectra(
        counts["light" if lit else "dark"][None],
        edges,
        dark_counts=counts["dark"][None] if len(counts) == 2 else None,
        light=lit,
        pulse=pulse,
    )
    found: dict[str, Any] = {
        "centres": (edges[0][:-1] + edges[0][1:]) / 2,
        "counts": counts,
        "chi2": float(fits.chi2[0]),
        "ndf": int(fits.ndf[0]),
        "fault": fits.message(0),
        "not_finite": int(bad[0]),
        "record": fit_records(slot, fits, bias.at)[0],
    }
    if not found["fault"]:
        found["values"] = [
            (*FIT_TITLES[name], *(float(numbers[0]) for numbers in fits.get(name)[:2]))
            for name in PARAMETERS
        ]
        found["expected"] = {
            name: expected_counts(fits, 0, edges[0], part.sum(), light=name == "light", pulse=pulse)
            for name, part in counts.items()
        }
    return found


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
    if found is None or name not in found.get("expected", {}):
        return one
    # Counts of the fit's bins as those of the histogram's own width.
    own = float(np.diff(np.asarray(one.edges)).mean())
    scale = own / float(np.diff(found["centres"]).mean())
    curve = Curve(
        name="fit",
        title=f"fit, chi2/ndf {found['chi2']:.1f}/{found['ndf']}",
        x=found["centres"],
        y=found["expected"][name] * scale,
    )
    return replace(one, curves=(curve,))


def _charges(run: RunFile, slot: int, column: int, bias: Bias) -> dict[str, Any]:
    found = {}
    for name, point in (("light", bias.light), ("dark", bias.dark)):
        if point is None:
            continue
        values = run.charges(point, slot)
        if len(values) and column < values.shape[1]:
            one = values[:, column]
            found[name] = one[np.isfinite(one)].astype(float)
    return {name: part for name, part in found.items() if len(part)}
