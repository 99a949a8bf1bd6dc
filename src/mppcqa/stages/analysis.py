"""Steps that the analyses of charge spectra share."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
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
Charges = NDArray[Any]
Pair = tuple[NDArray[Any], NDArray[Any], Floats]
"""Spectra with light and in the dark (channels, bins), and their edges."""


@dataclass(frozen=True)
class Bias:
    """Measuring points of one bias and temperature: with light and in the dark, or one of them."""

    bias_v: float
    temperature_c: float
    dark: int | None
    light: int | None
    light_setting: float

    @property
    def first_point(self) -> int:
        """The point with light, else the dark one."""
        point = self.dark if self.light is None else self.light
        if point is None:
            raise ValueError(f"no point at {self.bias_v} V")
        return point


def biases(run: RunFile, from_v: float | None = None, to_v: float | None = None) -> Iterator[Bias]:
    """The run's points, the dark one and the lit one of each bias and temperature together.

    Those below `from_v` and above `to_v` are left out; ``None`` leaves out none.
    """
    rows = run.conditions
    keys = sorted(set(zip(rows["temperature_c"].tolist(), rows["bias_v"].tolist(), strict=True)))
    for temperature, bias in keys:
        if (from_v is not None and bias < from_v) or (to_v is not None and bias > to_v):
            continue
        here = (rows["temperature_c"] == temperature) & (rows["bias_v"] == bias)
        dark = rows["point"][here & (rows["light"] == 0)]
        lit = np.flatnonzero(here & (rows["light"] > 0))
        first_dark = int(dark[0]) if len(dark) else None
        if not len(lit):
            yield Bias(bias, temperature, first_dark, None, 0.0)
        for i in lit:
            point, setting = int(rows["point"][i]), float(rows["light"][i])
            yield Bias(bias, temperature, first_dark, point, setting)


def measured(run: RunFile, slot: int, points: list[Bias]) -> list[Bias]:
    """Those points at which there are events of the device in a slot."""
    return [one for one in points if run.event_count(one.first_point, slot)]


def pulse_of(run: RunFile) -> PulseShape:
    """The pulse in gates, as far as the file tells it."""
    gate_s, decay_s = run.meta.get("gate_s"), run.meta.get("decay_s")
    return PulseShape(decay_per_gate=decay_s / gate_s) if gate_s and decay_s else PulseShape()


def reference_photons(run: RunFile) -> tuple[float, float] | None:
    """Photons a pulse and channel at light setting 1, and their standard uncertainty.

    None where the file's ``meta/reference`` does not say them.
    """
    given = run.meta.get("reference", {})
    try:
        factor = float(given["position_factor"])
        return (
            float(given["photons_per_pulse"]) * factor,
            float(given["photons_per_pulse_uncertainty"]) * factor,
        )
    except (KeyError, TypeError, ValueError):
        return None


def _read_ahead(run: RunFile, points: list[Bias], slot: int) -> Iterator[list[Charges]]:
    """Charges with light and in the dark of each point, or of the one there is."""

    def read(bias: Bias) -> list[Charges]:
        both = [run.charges(p, slot) for p in (bias.light, bias.dark) if p is not None]
        return both or [run.charges(bias.first_point, slot)]

    with ThreadPoolExecutor(1) as reader:
        ahead: deque[Future[list[Charges]]] = deque()
        for bias in points:
            ahead.append(reader.submit(read, bias))
            if len(ahead) == 2:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def fit_points(
    run: RunFile,
    points: list[Bias],
    slot: int,
    pulse: PulseShape,
    seen: Callable[[Pair | None], None] = lambda pair: None,
) -> list[SpectrumFits]:
    """Fits of all channels of a device at each of its points, as few calls as there are kinds.

    While one point's charges are histogrammed the next one's are read: the charges of two points
    are held, and the histograms of all. `seen` gets the spectra of each point that has both.
    """
    kinds: dict[tuple[bool, bool], list[int]] = {}
    histograms: list[tuple[NDArray[Any], ...]] = []
    for i, charges in enumerate(_read_ahead(run, points, slot)):
        bias = points[i]
        kinds.setdefault((bias.light is not None, bias.dark is not None), []).append(i)
        if len(charges) == 2:
            light, dark, edges, _ = histogram_pairs(charges[0], charges[1])
            seen((light, dark, edges))
            histograms.append((edges, light, dark))
        else:
            seen(None)
            counts, edges, _ = histogram_charges(charges[0])
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


def spread_result(
    slot: int, quantity: str, values: Floats, errors: Floats, condition: Condition
) -> list[Result]:
    """Spread of values over the channels of a device; none where fewer than two have one."""
    if np.isfinite(values).sum() < 2:
        return []
    value, uncertainty = uniformity(values, errors)
    return [
        Result(
            slot=slot,
            channel=None,
            quantity=quantity,
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
        mine = measured(run, slot, points)
        fitted = list(zip(mine, fit_points(run, mine, slot, pulse), strict=True))
        breakdown: dict[float, float] = {}
        for temperature_c in sorted({bias.temperature_c for bias in mine}):
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
            condition = condition_of(bias, breakdown)
            problems += failed_fits(slot, fits, condition)
            gain, gain_error = fits.get("gain")
            crosstalk = fits.crosstalk_probability
            both = {"gain_adc": (gain, gain_error), "crosstalk_probability": crosstalk}
            for key, (values, errors) in {**both, **values_of(fits, bias)}.items():
                results += per_channel(slot, key, values, errors, condition, method)
            results += spread_result(slot, "gain_spread", gain, gain_error, condition)
    return AnalysisResult(results=results, problems=problems)


def condition_of(bias: Bias, breakdown: Mapping[float, float]) -> Condition:
    """Condition of a bias, given the device's breakdown voltage [V] by temperature.

    The overvoltage is above the median of the device's channels and rounded to 0.1 V, so that
    devices which work alike are compared at the same condition.
    """
    known = breakdown.get(bias.temperature_c)
    return Condition(
        bias_v=bias.bias_v,
        overvoltage_v=None if known is None else round(bias.bias_v - known, 1),
        temperature_c=bias.temperature_c,
        light=bias.light_setting,
    )
