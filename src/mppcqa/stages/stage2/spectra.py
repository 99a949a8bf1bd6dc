"""Stage 2: what the charge spectra of a device say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mppcqa.physics import SpectrumFits, detection_efficiency, excess_noise_factor
from mppcqa.runfile import RunFile
from mppcqa.stages.analysis import (
    Bias,
    Floats,
    Pair,
    breakdown_results,
    condition_of,
    failed_fits,
    fit_points,
    measured,
    per_channel,
    pulse_of,
    spread_result,
)
from mppcqa.stages.protocol import AnalysisResult, Condition


@dataclass(frozen=True)
class Fitted:
    """Fits of all channels of a device at one bias, temperature and light."""

    bias: Bias
    fits: SpectrumFits
    spectra: Pair | None
    """Spectra with light and in the dark and their edges, for the excess noise."""


def fit_spectra_of(run: RunFile, slot: int, points: list[Bias]) -> list[Fitted]:
    """Fits of a device at all points that have events of it."""
    spectra: list[Pair | None] = []
    here = measured(run, slot, points)
    fits = fit_points(run, here, slot, pulse_of(run), seen=spectra.append)
    return [Fitted(*one) for one in zip(here, fits, spectra, strict=True)]


def analyse_device(
    run: RunFile,
    slot: int,
    fitted: list[Fitted],
    reference: tuple[float, float] | None,
    breakdown: dict[float, float],
) -> AnalysisResult:
    """Values of a device at each bias, and its uniformity.

    `breakdown` is the device's breakdown voltage [V] by temperature, for the overvoltages.
    """
    done = AnalysisResult(results=[])
    gate_s = run.meta.get("gate_s")
    dark_done: set[tuple[float, float]] = set()
    for one in fitted:
        bias, fits = one.bias, one.fits
        base = condition_of(bias, breakdown)
        done.problems.extend(failed_fits(slot, fits, base))
        method = _method(bias)
        gain, gain_error = fits.get("gain")
        values: dict[str, tuple[Floats, Floats]] = {
            "gain_adc": (gain, gain_error),
            "crosstalk_probability": fits.crosstalk_probability,
        }
        if bias.light is not None:
            values["mean_light_pe"] = fits.get("mean_light_pe")
            values |= _light_values(one, reference)
        for key, (value, error) in values.items():
            done.results.extend(per_channel(slot, key, value, error, base, method))
        if bias.dark is not None and gate_s and (bias.bias_v, bias.temperature_c) not in dark_done:
            dark_done.add((bias.bias_v, bias.temperature_c))
            counts, error = fits.get("dark_counts_per_gate")
            dark = Condition(base.bias_v, base.overvoltage_v, base.temperature_c, 0.0)
            rate, rate_error = counts / gate_s, error / gate_s
            done.results.extend(per_channel(slot, "dark_rate_hz", rate, rate_error, dark, method))
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
    one: Fitted, reference: tuple[float, float] | None
) -> dict[str, tuple[Floats, Floats]]:
    """PDE, where the reference detector says the photons, and the excess noise factor."""
    found: dict[str, tuple[Floats, Floats]] = {}
    light, light_error = one.fits.get("mean_light_pe")
    if reference is not None:
        photons, error = (part * one.bias.light_setting for part in reference)
        pde, pde_error, _ = detection_efficiency(light, light_error, photons, error)
        found["pde"] = (pde, pde_error)
    if one.spectra is not None:
        found["excess_noise_factor"] = excess_noise_factor(*one.spectra, light, light_error)
    return found


def breakdowns(
    slot: int, fitted: list[Fitted], done: AnalysisResult
) -> Iterator[tuple[float, float]]:
    """Breakdown voltages from the gains into `done`; yields temperature and device's median."""
    for temperature_c in sorted({one.bias.temperature_c for one in fitted}):
        here = [one for one in fitted if one.bias.temperature_c == temperature_c]
        bias_v = np.array([one.bias.bias_v for one in here])
        if len(set(bias_v.tolist())) < 2:
            continue
        gain = np.array([one.fits.get("gain")[0] for one in here])
        error = np.array([one.fits.get("gain")[1] for one in here])
        found, missing = breakdown_results(slot, bias_v, gain, error, temperature_c)
        done.results.extend(found)
        done.problems.extend(missing)
        if found:
            yield temperature_c, float(np.median([result.value for result in found]))
