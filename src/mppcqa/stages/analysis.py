"""Steps that the analyses of charge spectra share."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mppcqa import physics
from mppcqa.runfile import RunFile, RunFileError
from mppcqa.stages.conditions import Condition
from mppcqa.stages.fits import fit_records, per_channel
from mppcqa.stages.fitting import AS_USUAL, Fitting
from mppcqa.stages.light import varies
from mppcqa.stages.protocol import AnalysisResult, Fit, Problem, Result

Floats = NDArray[np.float64]
Charges = NDArray[Any]
Pair = tuple[NDArray[Any], NDArray[Any], Floats]
"""Spectra with light and in the dark (channels, bins), and their edges."""


@dataclass(frozen=True)
class Bias:
    """Measuring points that differ in light alone: with light and in the dark, or one of them."""

    at: Condition
    """Their condition without the light."""
    dark: int | None
    light: int | None
    light_setting: float

    @property
    def bias_v(self) -> float:
        return self.at["bias_v"]

    @property
    def temperature_c(self) -> float:
        return self.at["temperature_c"]

    @property
    def first_point(self) -> int:
        """The point with light, else the dark one."""
        point = self.dark if self.light is None else self.light
        if point is None:
            raise ValueError(f"no point at {self.at.text}")
        return point


OF_LIGHT = ("wavelength_nm",)
"""Axes that say nothing of a point without light."""


def biases(run: RunFile, from_v: float | None = None, to_v: float | None = None) -> Iterator[Bias]:
    """The run's points, the dark one and the lit one of each bias and temperature together.

    Those below `from_v` and above `to_v` are left out; ``None`` leaves out none. So are points
    without a bias, and those without a temperature.
    """
    groups: dict[Condition, dict[float, int]] = {}
    dark_of: dict[Condition, int] = {}
    for number, values in run.points().items():
        at = Condition(values)
        if "bias_v" in at and "temperature_c" in at:
            light, at = at.get("light", 0.0), at.without("light", "overvoltage_v")
            if not light:
                # In the dark there is no wavelength, whatever the lamp was set to.
                dark_of.setdefault(at.without(*OF_LIGHT), number)
            groups.setdefault(at, {}).setdefault(light, number)
    lit = {at.without(*OF_LIGHT) for at, lights in groups.items() if any(lights)}
    for at in sorted(groups, key=lambda one: (one["temperature_c"], one["bias_v"], one)):
        bias, lights = at["bias_v"], groups[at]
        if (from_v is not None and bias < from_v) or (to_v is not None and bias > to_v):
            continue
        dark = lights.pop(0.0, dark_of.get(at.without(*OF_LIGHT)) if lights else None)
        if not lights and at.without(*OF_LIGHT) not in lit:
            yield Bias(at, dark, None, 0.0)
        for setting, number in lights.items():
            yield Bias(at, dark, number, setting)


def measured(run: RunFile, slot: int, points: list[Bias]) -> list[Bias]:
    """Those points at which there are events of the device in a slot."""
    return [one for one in points if run.event_count(one.first_point, slot)]


@dataclass(frozen=True)
class SeenPulse:
    """What waveforms of a device show of its pulse, in seconds; None where they do not tell."""

    decay_s: float
    rise_s: float | None = None
    recovery_s: float | None = None
    afterpulses_s: float | None = None
    """Time constant of its afterpulses."""


def pulse_of(run: RunFile, seen: SeenPulse | None = None) -> physics.PulseShape:
    """The pulse in gates: what the file says of it, and, where it does not, what waveforms show.

    `UNKNOWN_PULSE` where neither tells; `RunFileError` where the file says what no pulse can be.
    """
    meta = run.meta
    gate_s = meta.get("gate_s")
    decay_s = meta.get("decay_s") or (seen.decay_s if seen else None)
    if not gate_s or not decay_s:
        return physics.UNKNOWN_PULSE
    rise_s, recovery_s = meta.get("rise_s"), meta.get("recovery_s")
    history_s, delays_s = meta.get("history_s"), meta.get("afterpulse_times_s")
    if seen is not None:
        rise_s = seen.rise_s if rise_s is None and not meta.get("decay_s") else rise_s
        recovery_s = recovery_s or seen.recovery_s
        delays_s = delays_s or ([seen.afterpulses_s] if seen.afterpulses_s else None)
    given: dict[str, Any] = {"decay_per_gate": decay_s / gate_s}
    if rise_s:
        given["rise_per_gate"] = rise_s / gate_s
    if recovery_s:
        given["recovery_per_gate"] = recovery_s / gate_s
    if history_s is not None:
        given["history_per_gate"] = history_s / gate_s
    for name in ("baseline", "coupling"):
        if meta.get(f"{name}_s"):
            given[f"{name}_per_gate"] = meta[f"{name}_s"] / gate_s
    if delays_s:
        given["afterpulse_delays_per_gate"] = tuple(one / gate_s for one in delays_s)
        shares = meta.get("afterpulse_shares")
        given["afterpulse_shares"] = tuple(shares or [1.0] * len(delays_s))
    try:
        return physics.PulseShape(**given)
    except ValueError as fault:
        raise RunFileError(f"{run.path.name}: meta tells of no possible pulse: {fault}") from fault


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
    pulse: physics.PulseShape,
    seen: Callable[[Pair | None], None] = lambda pair: None,
    how: Fitting = AS_USUAL,
) -> list[physics.SpectrumFits]:
    """Fits of all channels of a device at each of its points, as few calls as there are kinds.

    While one point's charges are histogrammed the next one's are read: the charges of two points
    are held, and the histograms of all. `seen` gets the spectra of each point that has both.
    """
    kinds: dict[tuple[bool, bool], list[int]] = {}
    histograms: list[tuple[NDArray[Any], ...]] = []
    known: dict[int, Floats] = {}
    for i, charges in enumerate(_read_ahead(run, points, slot)):
        bias = points[i]
        kinds.setdefault((bias.light is not None, bias.dark is not None), []).append(i)
        if len(charges) == 2:
            light, dark, edges, _ = physics.histogram_pairs(charges[0], charges[1], how.bins)
            seen((light, dark, edges))
            histograms.append((edges, light, dark))
            known[i] = varies(run, slot, charges[0], charges[1])
        else:
            seen(None)
            counts, edges, _ = physics.histogram_charges(charges[0], how.bins)
            histograms.append((edges, counts))
    fitted: dict[int, physics.SpectrumFits] = {}
    for (lit, unlit), numbers in kinds.items():
        some = {i: histograms[i] for i in numbers}
        fitted |= fit_alike(some, lit, pulse, known, how)
        if lit and not unlit:
            # Without a dark run only the fits say where no charge is.
            alone = [points[i] for i in numbers]
            for i, charges in zip(numbers, _read_ahead(run, alone, slot), strict=True):
                pedestals = fitted[i].get("pedestal")[0]
                known[i] = varies(run, slot, charges[0], pedestals=pedestals)
            fitted |= fit_alike(some, lit, pulse, known, how)
    return [fitted[i] for i in range(len(points))]


def fit_alike(
    histograms: Mapping[int, tuple[NDArray[Any], ...]],
    lit: bool,
    pulse: physics.PulseShape,
    known: Mapping[int, Floats],
    how: Fitting = AS_USUAL,
) -> dict[int, physics.SpectrumFits]:
    """Fits of points whose histograms are of the same spectra, in one call.

    Each has edges, counts and, of a pair, those in the dark. `known` is what their light varies by,
    see `varies`, where it was looked for.
    """
    channels = [len(some[1]) for some in histograms.values()]
    edges, counts, *darks = (
        np.concatenate(column) for column in zip(*histograms.values(), strict=True)
    )
    nothing = np.array([0.0, physics.LIGHT_MAY_VARY])
    simple = how.simple and lit
    variance = np.repeat([known.get(i, nothing) for i in histograms], channels, axis=0)
    fits = physics.fit_spectra(
        counts,
        edges,
        dark_counts=darks[0] if darks and not simple else None,
        light=lit,
        pulse=pulse,
        light_variance=(variance[:, 0], variance[:, 1]),
        model="simple" if simple else "full",
        held=how.held,
        between=how.between,
    )
    ends = np.cumsum(channels)
    return {
        i: fits.part(end - n, end) for i, n, end in zip(histograms, channels, ends, strict=True)
    }


def failed_fits(slot: int, fits: physics.SpectrumFits, condition: Condition) -> list[Problem]:
    """A problem for each channel whose fit gave no number."""
    return [
        Problem(slot=slot, channel=int(i), what=fits.message(int(i)), condition=condition)
        for i in np.flatnonzero(fits.status)
    ]


SAME_TEMPERATURE_C = 1.0
"""Points whose temperatures follow one another more closely may make one line of gains."""


def temperature_groups(points: Iterable[Bias]) -> list[list[int]]:
    """Numbers of the points that make a line of gains each, by temperature.

    A temperature with two biases or more has a line of its own. Where a temperature has but one,
    as when it was read at each point and drifts, points of temperatures close to one another are
    taken together.
    """
    biases_at: dict[float, set[float]] = {}
    at: dict[float, list[int]] = {}
    for number, one in enumerate(points):
        biases_at.setdefault(one.temperature_c, set()).add(one.bias_v)
        at.setdefault(one.temperature_c, []).append(number)
    groups: list[list[int]] = []
    before, before_lone = -np.inf, False
    for temperature_c in sorted(at):
        near = temperature_c - before < SAME_TEMPERATURE_C
        lone = len(biases_at[temperature_c]) < 2
        if near and groups and (lone or before_lone):
            groups[-1] += at[temperature_c]
        else:
            groups.append(list(at[temperature_c]))
        before, before_lone = temperature_c, lone
    return groups


def breakdown_results(
    slot: int, points: Sequence[Bias], gain: Floats, error: Floats
) -> tuple[list[Result], list[Problem], dict[float, float]]:
    """Breakdown voltages of a device's channels from gains (points, channels).

    Returns results, what could not be had and why, and the device's median [V] at each
    temperature of the points.
    """
    results, problems = [], []
    medians: dict[float, float] = {}
    for group in temperature_groups(points):
        bias_v = np.array([points[i].bias_v for i in group])
        temperature_c = np.array([points[i].temperature_c for i in group])
        mean_c = round(float(temperature_c.mean()), 1) if np.ptp(temperature_c) else None
        condition = Condition(temperature_c=points[group[0]].temperature_c)
        if mean_c is not None:
            condition = Condition(temperature_c=mean_c)
        if len(set(bias_v.tolist())) < 2:
            what = f"no breakdown voltage: all spectra are of one bias ({bias_v[0]:g} V)"
            problems.append(Problem(slot=slot, channel=None, what=what, condition=condition))
            continue
        found: list[physics.GainBreakdown] = []
        for channel in range(gain.shape[1]):
            try:
                one = physics.breakdown_over_temperatures(
                    bias_v, temperature_c, gain[group, channel], error[group, channel]
                )
            except physics.LineError as fault:
                what = f"no breakdown voltage: {fault}"
                problems.append(Problem(slot=slot, channel=channel, what=what, condition=condition))
                continue
            found.append(one)
            results.append(
                Result(
                    slot=slot,
                    channel=channel,
                    quantity="breakdown_voltage_v",
                    value=one.voltage_v if mean_c is None else one.at(mean_c),
                    uncertainty=one.statistical_v,
                    systematic=one.systematic_v,
                    condition=condition,
                    method="gain against bias"
                    if mean_c is None
                    else f"gain against bias, {np.ptp(temperature_c):.1f} degC of drift corrected",
                )
            )
        for one_c in set(temperature_c.tolist()) if found else ():
            medians[one_c] = float(np.median([one.at(one_c) for one in found]))
    return results, problems, medians


def spread_result(
    slot: int, quantity: str, values: Floats, errors: Floats, condition: Condition
) -> list[Result]:
    """Spread of values over the channels of a device; none where fewer than two have one."""
    if np.isfinite(values).sum() < 2:
        return []
    value, uncertainty = physics.uniformity(values, errors)
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


Values = dict[str, tuple[Floats, ...]]


def of_every_fit(fits: physics.SpectrumFits) -> Values:
    """What every fit of spectra gives: values, both parts of the uncertainties where there are two,
    and upper limits of what ended at its bound."""
    return {
        "gain_adc": fits.parts("gain"),
        "crosstalk_probability": (
            *fits.crosstalk_parts,
            -np.expm1(-fits.upper_limit("crosstalk_children")),
        ),
        "fit_chi2_ndf": fits.chi2_per_freedom,
    }


def analyse_spectra(
    run: RunFile,
    points: list[Bias],
    values_of: Callable[[physics.SpectrumFits, Bias, int], Values],
    method: str,
    how: Fitting = AS_USUAL,
) -> AnalysisResult:
    """Values of every device at every point, and breakdown voltages from the gains.

    `values_of` turns the fits of a device at a point, in a slot, into values, statistical and,
    where there are any, systematic uncertainties and upper limits (channels,) by quantity; the gain
    is always among the results.
    """
    results: list[Result] = []
    problems: list[Problem] = []
    records: list[Fit] = []
    pulse = pulse_of(run)
    for slot in (row["slot"] for row in run.slots):
        mine = measured(run, slot, points)
        fitted = list(zip(mine, fit_points(run, mine, slot, pulse, how=how), strict=True))
        if not mine:
            continue
        # What is systematic makes all gains of a channel larger or smaller by one factor, which
        # leaves the bias of no gain where it is.
        gains = np.array([fits.parts("gain")[:2] for _, fits in fitted])
        found, missing, breakdown = breakdown_results(slot, mine, gains[:, 0], gains[:, 1])
        results += found
        problems += missing
        for bias, fits in fitted:
            condition = condition_of(bias, breakdown)
            problems += failed_fits(slot, fits, condition)
            records += fit_records(slot, fits, condition)
            gain, gain_error = fits.get("gain")
            found_here = {**of_every_fit(fits), **values_of(fits, bias, slot)}
            for key, (values, errors, *shared) in found_here.items():
                results += per_channel(slot, key, values, errors, condition, method, *shared)
            results += spread_result(slot, "gain_spread", gain, gain_error, condition)
    return AnalysisResult(results=results, problems=problems, fits=records)


def condition_of(bias: Bias, breakdown: Mapping[float, float]) -> Condition:
    """Condition of a bias, given the device's breakdown voltage [V] by temperature.

    The overvoltage is above the median of the device's channels and rounded to 0.1 V, so that
    devices which work alike are compared at the same condition.
    """
    known = breakdown.get(bias.temperature_c)
    return bias.at.but(
        overvoltage_v=None if known is None else round(bias.bias_v - known, 1),
        light=bias.light_setting,
    )
