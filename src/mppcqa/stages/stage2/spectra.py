"""Stage 2: what the charge spectra of a device say."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mppcqa import physics
from mppcqa.runfile import RunFile
from mppcqa.stages.analysis import (
    OF_LIGHT,
    Bias,
    Floats,
    Pair,
    SeenPulse,
    Values,
    breakdown_results,
    condition_of,
    failed_fits,
    fit_points,
    measured,
    of_every_fit,
    pulse_of,
    spread_result,
)
from mppcqa.stages.common import (
    BREAKDOWN_AT,
    CROSSTALK,
    DARK_RATE,
    FIT_MISFIT,
    GAIN,
    GAIN_SPREAD,
    MEAN_LIGHT,
    PDE,
)
from mppcqa.stages.conditions import Condition
from mppcqa.stages.fits import dark_rate_of, fit_records, per_channel
from mppcqa.stages.fitting import AS_USUAL, Fitting
from mppcqa.stages.photons import Counted, pde_of
from mppcqa.stages.protocol import AnalysisResult, Quantity

NOISE_FACTOR = Quantity(
    key="excess_noise_factor",
    title="Excess noise factor",
    symbol="F",
    unit="",
    conditional=True,
    bounds=(0, None),
)
PDE_SPREAD = replace(
    GAIN_SPREAD, key="pde_spread", title="PDE spread over the channels", symbol="σ_PDE/PDE"
)
QUANTITIES = (PDE, GAIN, DARK_RATE, CROSSTALK, MEAN_LIGHT, NOISE_FACTOR, BREAKDOWN_AT)
LAST = (GAIN_SPREAD, PDE_SPREAD, FIT_MISFIT)


@dataclass(frozen=True)
class Fitted:
    """Fits of all channels of a device at one bias, temperature and light."""

    bias: Bias
    fits: physics.SpectrumFits
    spectra: Pair | None
    """Spectra with light and in the dark and their edges, for the excess noise."""


def fit_spectra_of(
    run: RunFile,
    slot: int,
    points: list[Bias],
    seen: SeenPulse | None = None,
    how: Fitting = AS_USUAL,
) -> list[Fitted]:
    """Fits of a device at all points that have events of it; `seen` is from its waveforms."""
    spectra: list[Pair | None] = []
    here = measured(run, slot, points)
    fits = fit_points(run, here, slot, pulse_of(run, seen), seen=spectra.append, how=how)
    return [Fitted(*one) for one in zip(here, fits, spectra, strict=True)]


def analyse_device(
    run: RunFile,
    slot: int,
    fitted: list[Fitted],
    reference: Counted | None,
    breakdown: dict[float, float],
) -> AnalysisResult:
    """Values of a device at each bias, and its uniformity.

    `breakdown` is the device's breakdown voltage [V] by temperature, for the overvoltages.
    """
    done = AnalysisResult(results=[])
    gate_s = run.meta.get("gate_s")
    dark_done: set[Condition] = set()
    for one in fitted:
        bias, fits = one.bias, one.fits
        base = condition_of(bias, breakdown)
        done.problems.extend(failed_fits(slot, fits, base))
        done.fits.extend(fit_records(slot, fits, base))
        method = _method(bias)
        gain, gain_error = fits.get("gain")
        values = of_every_fit(fits)
        if bias.light is not None:
            values["mean_light_pe"] = fits.parts("mean_light_pe")
            values |= _light_values(one, reference, slot)
        for key, (value, error, *shared) in values.items():
            done.results.extend(per_channel(slot, key, value, error, base, method, *shared))
        if bias.dark is not None and gate_s and bias.at.without(*OF_LIGHT) not in dark_done:
            dark_done.add(bias.at.without(*OF_LIGHT))
            rate, rate_error, *parts = dark_rate_of(fits, gate_s)
            dark = base.without(*OF_LIGHT).but(light=0.0)
            done.results.extend(
                per_channel(slot, "dark_rate_hz", rate, rate_error, dark, method, *parts)
            )
        done.results.extend(spread_result(slot, "gain_spread", gain, gain_error, base))
        if "pde" in values:
            # The photons are common to all channels, so the light tells the spread of the PDE.
            light = fits.get("mean_light_pe")
            done.results.extend(spread_result(slot, "pde_spread", *light, base))
    return done


def _method(bias: Bias) -> str:
    if bias.light is None:
        return "fit of the dark spectrum"
    if bias.dark is None:
        return "fit of the light spectrum"
    return "joint fit of light and dark spectrum"


def _light_values(
    one: Fitted, reference: Counted | None, slot: int
) -> dict[str, tuple[Floats, ...]]:
    """PDE, where the reference detector says the photons, and the excess noise factor."""
    found = pde_of(reference, one.fits, one.bias, slot)
    light, light_error, _ = one.fits.parts("mean_light_pe")
    if one.spectra is not None:
        found["excess_noise_factor"] = physics.excess_noise_factor(*one.spectra, light, light_error)
    return found


def values_of(
    reference: Counted | None,
    gate_s: float | None,
    fits: physics.SpectrumFits,
    bias: Bias,
    slot: int,
) -> Values:
    """What fits at a point mean besides gain and crosstalk: light, PDE and dark rate."""
    found: Values = {}
    if bias.light is not None:
        found["mean_light_pe"] = fits.parts("mean_light_pe")
        found |= pde_of(reference, fits, bias, slot)
    if bias.dark is not None and gate_s:
        found["dark_rate_hz"] = dark_rate_of(fits, gate_s)
    return found


def breakdowns(slot: int, fitted: list[Fitted], done: AnalysisResult) -> dict[float, float]:
    """Breakdown voltages from the gains into `done`; the device's median [V] by temperature."""
    if not fitted:
        return {}
    gains = np.array([one.fits.parts("gain")[:2] for one in fitted])  # See `analyse_spectra`.
    found, missing, medians = breakdown_results(
        slot, [one.bias for one in fitted], gains[:, 0], gains[:, 1]
    )
    done.results.extend(found)
    done.problems.extend(missing)
    return medians
