"""Steps that the analyses of charge spectra share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mppcqa.physics import (
    LineError,
    PulseShape,
    SpectrumFits,
    breakdown_from_gain,
    fit_spectra,
    histogram_charges,
    histogram_pairs,
    uniformity,
)
from mppcqa.runfile import RunFile
from mppcqa.stages.protocol import AnalysisResult, Condition, Problem, Result

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Bias:
    """Measuring points of one bias and temperature: with light and in the dark, or one of them."""

    bias_v: float
    temperature_c: float
    dark: int | None
    light: int | None
    light_setting: float


def biases(run: RunFile) -> Iterator[Bias]:
    """The run's points, the dark one and the lit one of each bias and temperature together."""
    rows = run.conditions
    keys = sorted(set(zip(rows["temperature_c"].tolist(), rows["bias_v"].tolist(), strict=True)))
    for temperature, bias in keys:
        here = (rows["temperature_c"] == temperature) & (rows["bias_v"] == bias)
        dark = rows["point"][here & (rows["light"] == 0)]
        lit = np.flatnonzero(here & (rows["light"] > 0))
        first_dark = int(dark[0]) if len(dark) else None
        if not len(lit):
            yield Bias(bias, temperature, first_dark, None, 0.0)
        for i in lit:
            point, setting = int(rows["point"][i]), float(rows["light"][i])
            yield Bias(bias, temperature, first_dark, point, setting)


def pulse_of(run: RunFile) -> PulseShape:
    """The pulse in gates, as far as the file tells it."""
    gate_s, decay_s = run.meta.get("gate_s"), run.meta.get("decay_s")
    return PulseShape(decay_per_gate=decay_s / gate_s) if gate_s and decay_s else PulseShape()


def fit_device(run: RunFile, bias: Bias, slot: int, pulse: PulseShape) -> SpectrumFits:
    """Fits of all channels of a device at one bias: light and dark together where both are."""
    return fit_points(run, [bias], slot, pulse)[0]


def fit_points(
    run: RunFile, points: list[Bias], slot: int, pulse: PulseShape
) -> list[SpectrumFits]:
    """Fits of all channels of a device at each of its points, as few calls as there are kinds.

    The charges of one point at a time are held, and the histograms of all.
    """
    kinds: dict[tuple[bool, bool], list[int]] = {}
    histograms: list[tuple[NDArray[Any], ...]] = []
    for i, bias in enumerate(points):
        kinds.setdefault((bias.light is not None, bias.dark is not None), []).append(i)
        if bias.light is not None and bias.dark is not None:
            charges = run.charges(bias.light, slot), run.charges(bias.dark, slot)
            light, dark, edges, _ = histogram_pairs(*charges)
            histograms.append((edges, light, dark))
            continue
        only = bias.dark if bias.dark is not None else bias.light
        if only is None:
            raise ValueError(f"no point at {bias.bias_v} V")
        counts, edges, _ = histogram_charges(run.charges(only, slot))
        histograms.append((edges, counts))
    fitted: dict[int, SpectrumFits] = {}
    for (lit, unlit), numbers in kinds.items():
        columns = zip(*(histograms[i] for i in numbers), strict=True)
        edges, counts, *darks = (np.concatenate(column) for column in columns)
        dark_counts = darks[0] if lit and unlit else None
        fits = fit_spectra(counts, edges, dark_counts=dark_counts, light=lit, pulse=pulse)
        start = 0
        for i in numbers:
            fitted[i] = fits.part(start, start + len(histograms[i][1]))
            start += len(histograms[i][1])
    return [fitted[i] for i in range(len(points))]


def per_channel(
    slot: int, quantity: str, values: Floats, errors: Floats, condition: Condition, method: str
) -> list[Result]:
    """A result for each channel that has a number."""
    return [
        Result(
            slot=slot,
            channel=channel,
            quantity=quantity,
            value=float(value),
            uncertainty=float(error),
            condition=condition,
            method=method,
        )
        for channel, (value, error) in enumerate(zip(values, errors, strict=True))
        if np.isfinite(value) and np.isfinite(error)
    ]


def failed_fits(slot: int, fits: SpectrumFits, condition: Condition) -> list[Problem]:
    """A problem for each channel whose fit gave no number."""
    return [
        Problem(slot=slot, channel=int(i), what=fits.message(int(i)), condition=condition)
        for i in np.flatnonzero(fits.status)
    ]


def breakdown_results(
    slot: int, bias_v: Floats, gain: Floats, error: Floats, temperature_c: float
) -> tuple[list[Result], list[Problem]]:
    """Breakdown voltage of each channel from gains (biases, channels)."""
    results, problems = [], []
    condition = Condition(temperature_c=temperature_c)
    for channel in range(gain.shape[1]):
        try:
            line = breakdown_from_gain(bias_v, gain[:, channel], error[:, channel])
        except LineError as fault:
            what = f"no breakdown voltage: {fault}"
            problems.append(Problem(slot=slot, channel=channel, what=what, condition=condition))
            continue
        value, uncertainty = line.crossing()
        results.append(
            Result(
                slot=slot,
                channel=channel,
                quantity="breakdown_voltage_v",
                value=value,
                uncertainty=uncertainty,
                condition=condition,
                method="gain against bias",
            )
        )
    return results, problems


def spread_result(slot: int, gain: Floats, error: Floats, condition: Condition) -> list[Result]:
    """Gain spread over the channels of a device; none where fewer than two have a gain."""
    if np.isfinite(gain).sum() < 2:
        return []
    value, uncertainty = uniformity(gain, error)
    return [
        Result(
            slot=slot,
            channel=None,
            quantity="gain_spread",
            value=value,
            uncertainty=uncertainty,
            condition=condition,
            method="standard deviation over mean",
        )
    ]


Values = dict[str, tuple[Floats, Floats]]


def analyse_spectra(
    run: RunFile, points: list[Bias], values_of: Callable[[SpectrumFits, Bias], Values], method: str
) -> AnalysisResult:
    """Values of every device at every point, and breakdown voltages from the gains.

    `values_of` turns the fits of a device at a point into values and uncertainties (channels,)
    by quantity; the gain is always among the results.
    """
    results: list[Result] = []
    problems: list[Problem] = []
    pulse = pulse_of(run)
    for slot in (row["slot"] for row in run.slots):
        fitted = list(zip(points, fit_points(run, points, slot, pulse), strict=True))
        breakdown: dict[float, float] = {}
        for temperature_c in sorted({bias.temperature_c for bias in points}):
            here = [
                (b.bias_v, *f.get("gain")) for b, f in fitted if b.temperature_c == temperature_c
            ]
            bias_v, gain, gain_error = (np.array(column) for column in zip(*here, strict=True))
            found, missing = breakdown_results(slot, bias_v, gain, gain_error, temperature_c)
            results += found
            problems += missing
            if found:
                breakdown[temperature_c] = float(np.median([result.value for result in found]))
        for bias, fits in fitted:
            condition = Condition(
                bias_v=bias.bias_v,
                overvoltage_v=_overvoltage(bias, breakdown.get(bias.temperature_c)),
                temperature_c=bias.temperature_c,
                light=bias.light_setting,
            )
            problems += failed_fits(slot, fits, condition)
            gain, gain_error = fits.get("gain")
            crosstalk = fits.crosstalk_probability
            both = {"gain_adc": (gain, gain_error), "crosstalk_probability": crosstalk}
            for key, (values, errors) in {**both, **values_of(fits, bias)}.items():
                results += per_channel(slot, key, values, errors, condition, method)
            results += spread_result(slot, gain, gain_error, condition)
    return AnalysisResult(results=results, problems=problems)


def _overvoltage(bias: Bias, breakdown_v: float | None) -> float | None:
    """Bias above the median breakdown voltage of the device's channels, to 0.1 V.

    Rounded, so that devices which work alike are compared at the same condition.
    """
    return None if breakdown_v is None else round(bias.bias_v - breakdown_v, 1)
