"""Stage 2: what the charge spectra of a device say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mppcqa.physics import SpectrumFits, detection_efficiency
from mppcqa.runfile import RunFile
from mppcqa.stages.analysis import (
    Bias,
    Charges,
    Floats,
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
    charges: dict[str, Floats]
    """Means and variances (channels,) of the charges, for the excess noise."""


def fit_spectra_of(run: RunFile, slot: int, points: list[Bias]) -> list[Fitted]:
    """Fits of a device at all points that have events of it."""
    moments: list[dict[str, Floats]] = []
    here = measured(run, slot, points)
    fits = fit_points(
        run,
        here,
        slot,
        pulse_of(run),
        seen=lambda light, dark: moments.append(_moments(light, dark)),
    )
    return [Fitted(*one) for one in zip(here, fits, moments, strict=True)]


def _moments(lit: Charges | None, dark: Charges | None) -> dict[str, Floats]:
    if lit is None or dark is None:
        return {}
    found: dict[str, Floats] = {"n": np.full(lit.shape[1], float(len(lit)))}
    with np.errstate(all="ignore"):
        for name, part in (("lit", lit), ("dark", dark)):
            found[f"mean_{name}"] = np.nanmean(part, axis=0, dtype=float)
            found[f"var_{name}"] = np.nanvar(part, axis=0, dtype=float)
    return found


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
    if one.charges:
        found["excess_noise_factor"] = excess_noise(light, light_error, one.charges)
    return found


def excess_noise(
    light: Floats, light_error: Floats, of: dict[str, Floats]
) -> tuple[Floats, Floats]:
    """Excess noise factor (channels,): variance over Poisson's for the same mean light.

    F = mu var(q) / mean(q)^2, mean and variance of the light alone, that is less the dark's
    (Vinogradov, NIM A 695 (2012) 247). The uncertainty adds those of mean, variance and light as
    if they were independent, which overstates it a little.
    """
    with np.errstate(all="ignore"):
        mean = of["mean_lit"] - of["mean_dark"]
        variance = of["var_lit"] - of["var_dark"]
        value = light * variance / mean**2
        relative = (
            2 * of["var_lit"] ** 2 / of["n"] / variance**2
            + 4 * of["var_lit"] / of["n"] / mean**2
            + (light_error / light) ** 2
        )
        good = (mean > 0) & (variance > 0)
        return np.where(good, value, np.nan), np.where(good, value * np.sqrt(relative), np.nan)


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
