"""Stage 2: what the dark waveforms of a device say."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from mppcqa import physics
from mppcqa.runfile import RunFile
from mppcqa.stages.analysis import Bias, SeenPulse
from mppcqa.stages.common import CROSSTALK, DARK_RATE
from mppcqa.stages.conditions import Condition
from mppcqa.stages.numbers import BELOW
from mppcqa.stages.protocol import AnalysisResult, Problem, Quantity, Result

AFTERPULSES = Quantity(
    key="afterpulse_probability",
    title="Afterpulse probability",
    symbol="p_ap",
    unit="",
    display_unit="%",
    display_scale=100,
    conditional=True,
    bounds=(0, 1),
)
WAVEFORM_RATE = replace(
    DARK_RATE,
    key="dark_rate_waveforms_hz",
    title="Dark count rate from waveforms",
    symbol="DCR_w",
    headline=False,
)
WAVEFORM_CROSSTALK = replace(
    CROSSTALK,
    key="crosstalk_waveforms",
    title="Crosstalk probability from waveforms",
    symbol="p_ct,w",
    headline=False,
)
QUANTITIES = (AFTERPULSES, WAVEFORM_RATE, WAVEFORM_CROSSTALK)
NONE_SEEN = 3.0
"""Mean of a Poisson distribution that gives none one time in twenty."""
METHOD = "pulses of dark waveforms"
RISE_OF_CONSTANT = 1.4
"""Rise time from 10 to 90 % of the peak in constants of the rise, of a pulse that is a difference
of two exponentials: 1.8 where that constant is 0.02 of the decay time, 1.4 at 0.08, 1.1 at 0.2."""


@dataclass(frozen=True)
class Measured:
    """One channel's dark waveforms at a point: what was found, or the fault."""

    bias: Bias
    channel: int
    counts: physics.DarkCounts | None
    template: physics.PulseTemplate | None
    fault: str = ""


def measure_waveforms(run: RunFile, slot: int, channels: int, points: list[Bias]) -> list[Measured]:
    """What the dark waveforms of each channel give at each dark point that has some."""
    done: list[Measured] = []
    if not run.has("waveform"):
        return done
    sign = run.meta.get("waveform", {}).get("signal_sign", 1)
    seen: set[int] = set()
    for bias in points:
        if bias.dark is None or bias.dark in seen:
            continue
        seen.add(bias.dark)
        for channel in range(channels):
            found = run.waveforms(bias.dark, slot, channel)
            if not len(found.adc):
                continue
            try:
                counts, pulses = physics.analyse_dark_waveforms(sign * found.adc, found.sampling_s)
            except physics.WaveformError as error:
                done.append(Measured(bias, channel, None, None, f"waveforms: {error}"))
            else:
                done.append(Measured(bias, channel, counts, pulses.template))
    return done


def seen_pulse(measured: list[Measured]) -> SeenPulse | None:
    """The device's pulse as its waveforms show it: medians over channels and points.

    None where no waveform shows one. What an oscilloscope sees differs from what a gate
    integrates where cables and amplifiers differ, so a run file's own word goes before it.
    """
    good = [(one.counts, one.template) for one in measured if one.counts and one.template]
    if not good:
        return None

    def median(values: list[float]) -> float | None:
        known = [value for value in values if math.isfinite(value) and value > 0]
        return float(np.median(known)) if known else None

    decay_s = median([template.decay_s for _, template in good])
    if decay_s is None:
        return None
    rise_s = median([template.rise_s for _, template in good])
    slow = [counts.afterpulse_times_s[0][0] for counts, _ in good if counts.afterpulse_times_s]
    return SeenPulse(
        decay_s,
        None if rise_s is None else min(rise_s / RISE_OF_CONSTANT, decay_s / 2),
        median([counts.recovery_s for counts, _ in good]),
        median(slow),
    )


def waveform_results(
    slot: int, measured: list[Measured], conditions: dict[Bias, Condition]
) -> AnalysisResult:
    """Dark rate, crosstalk and afterpulses of each channel at each point."""
    done = AnalysisResult(results=[])
    for one in measured:
        at, channel, counts = conditions[one.bias].but(light=0.0), one.channel, one.counts
        if counts is None:
            done.problems.append(Problem(slot=slot, channel=channel, what=one.fault, condition=at))
            continue
        for quantity, value, error in (
            ("dark_rate_waveforms_hz", counts.dark_rate_hz, counts.dark_rate_error_hz),
            ("crosstalk_waveforms", counts.crosstalk_probability, counts.crosstalk_error),
            ("afterpulse_probability", counts.afterpulse_probability, counts.afterpulse_error),
        ):
            what = ""
            limit = _upper_limit(value, error, counts.pulses)
            if not (math.isfinite(value) and math.isfinite(error)):
                what = f"waveforms: {quantity} could not be had from {counts.pulses} pulses"
            elif quantity != "dark_rate_waveforms_hz" and value >= 1:
                what = f"waveforms: {quantity} ended at its bound, with {counts.pulses} pulses"
            if what:
                done.problems.append(Problem(slot=slot, channel=channel, what=what, condition=at))
                continue
            done.results.append(
                Result(
                    slot=slot,
                    channel=channel,
                    quantity=quantity,
                    value=float(value) if limit is None else limit,
                    uncertainty=float(error) if limit is None else math.nan,
                    bound=0 if limit is None else BELOW,
                    condition=at,
                    method=METHOD,
                )
            )
    return done


def _upper_limit(value: float, error: float, pulses: int) -> float | None:
    """Upper limit at 95 % of what was not seen at all; None where it was.

    None seen of n pulses leaves 3/n; what was fitted and ended at none, twice its uncertainty.
    """
    if value > 0:
        return None
    return max(2 * error, NONE_SEEN / max(pulses, 1))
