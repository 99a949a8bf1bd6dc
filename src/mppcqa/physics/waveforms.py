"""Waveforms: which can be used, their baseline and noise, and the shape of one photoelectron."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mppcqa.physics._arrays import Floats

Samples = NDArray[Any]

OK, NOT_FINITE, CONSTANT, SATURATED, TOO_SHORT = range(5)
WAVEFORM_MESSAGES = {
    OK: "good",
    NOT_FINITE: "samples are not finite",
    CONSTANT: "every sample is the same: is the channel connected?",
    SATURATED: "the digitizer's range was exceeded",
    TOO_SHORT: "too few samples to hold a pulse",
}
LEAST_SAMPLES = 32
FLAT_TOP = 5
"""Equal samples in a row at the highest value ever seen that say: saturated."""
LOOKED_AT = 1_000_000
"""Samples that the template is taken from, spread over the batch."""
FOR_LEVELS = 250_000
"""Samples that baseline and noise are taken from: they are known to thousandths of the noise."""
MOST_PULSES = 2000
LEAST_PULSES = 5
CLEAR_SIGNAL = 10.0
"""Height of one photoelectron over the noise from which no samples need be averaged."""


class WaveformError(ValueError):
    """The waveforms as a whole can't be analysed; the message says why."""


@dataclass(frozen=True)
class Baseline:
    """Level and noise of a batch of waveforms, in the unit of the samples."""

    level: float
    level_error: float
    noise: float


@dataclass(frozen=True)
class PulseTemplate:
    """Average pulse of one photoelectron, in the unit of the samples, baseline taken off."""

    shape: Floats
    """(n,) samples; the pulse begins (passes half of its peak) at `start`."""
    start: float
    """Position in samples."""
    sampling_s: float
    """Distance of the shape's samples: a multiple of the waveforms' where noise had to be averaged
    out."""
    amplitude: float
    """Height of the peak."""
    rise_s: float
    """From 10 to 90 % of the peak."""
    decay_s: float
    """Time constant of the fall, from 80 to 20 % of the peak."""
    polarity: int
    pulses: int
    """Isolated pulses that it is the average of."""


def waveform_status(
    waveforms: ArrayLike, *, full_scale: tuple[float, float] | None = None
) -> NDArray[np.int64]:
    """Status (n,) of each of n waveforms (n, samples); `WAVEFORM_MESSAGES` says it in words.

    Saturated is what reaches `full_scale` (lowest and highest code of the digitizer) or, where
    that is not known, stays on the batch's highest or lowest value for several samples.
    """
    samples = as_waveforms(waveforms)
    status = np.zeros(len(samples), np.int64)
    if samples.shape[1] < LEAST_SAMPLES:
        return np.full(len(samples), TOO_SHORT)
    if not len(samples):
        return status
    if samples.dtype.kind == "f":
        # A sum is not finite if a sample is not, and costs a single pass without a mask.
        with np.errstate(invalid="ignore", over="ignore"):
            status[~np.isfinite(samples.sum(axis=1, dtype=np.float64))] = NOT_FINITE
    good = status == OK
    low, high = samples.min(axis=1), samples.max(axis=1)
    status[good & (low == high)] = CONSTANT
    good = status == OK
    if full_scale is not None:
        status[good & ((low <= full_scale[0]) | (high >= full_scale[1]))] = SATURATED
        return status
    if good.any():
        for rail, reached in ((low[good].min(), low), (high[good].max(), high)):
            for i in np.flatnonzero(good & (reached == rail)):
                if _longest_run(samples[i] == rail) >= FLAT_TOP:
                    status[i] = SATURATED
    return status


def as_waveforms(waveforms: ArrayLike) -> Samples:
    """The waveforms as a numeric array (n, samples)."""
    samples = np.asarray(waveforms)
    if samples.ndim == 1:
        samples = samples[None, :]
    if samples.ndim != 2 or samples.dtype.kind not in "iuf":
        raise WaveformError(
            f"waveforms must be numbers (waveforms, samples), not {samples.dtype} {samples.shape}"
        )
    return samples


def measure_baseline(waveforms: ArrayLike) -> Baseline:
    """Level and noise of good waveforms (n, samples), whatever pulses stand on them.

    The level is the median of the samples near it, the noise the spread of those below it, where
    no pulse (all pulses up) and no tail contributes. Raises `WaveformError` where there is none.

    >>> import numpy as np
    >>> baseline = measure_baseline(np.random.default_rng(0).normal(50, 2, (10, 1000)))
    >>> round(baseline.level), round(baseline.noise)
    (50, 2)
    """
    values = _some(as_waveforms(waveforms))
    values = values[np.isfinite(values)]
    if values.size < LEAST_SAMPLES or values.min() == values.max():
        raise WaveformError("no samples to take a baseline from")
    level = float(np.median(values))
    step = _step(values)
    noise = 0.0
    for _ in range(20):
        below = level - values[values <= level]
        # Quantised data: the spread can't be told below a third of a step.
        noise = max(1.4826 * float(np.median(below)), 0.3 * step)
        near = values[np.abs(values - level) < 2 * noise]
        if not near.size:
            break
        # The mean of a few quantised levels is finer than their median.
        new = float(near.mean())
        if abs(new - level) < 1e-3 * noise:
            break
        level = new
    below = values[values <= level] - level
    noise = max(float(np.sqrt(np.mean(below[below > -6 * noise] ** 2))), 0.3 * step)
    return Baseline(level, noise / max(values.size, 1) ** 0.5, noise)


def pulse_template(waveforms: ArrayLike, sampling_s: float, *, polarity: int = 0) -> PulseTemplate:
    """Average pulse of one photoelectron in good waveforms (n, samples).

    Takes pulses that begin in quiet and have the height of the lowest peak of the heights, and
    the median over them at each sample, which later pulses don't move. `polarity` 0 finds out
    whether the pulses go up or down. Raises `WaveformError` where no pulse is found.
    """
    samples = as_waveforms(waveforms)
    if not sampling_s > 0:
        raise WaveformError(f"the sampling interval must be positive, not {sampling_s} s")
    some = samples[:: max(1, samples.size // LOOKED_AT)].astype(np.float32)
    if polarity == 0:
        polarity = _polarity(some)
    some, begin, length, group = _find_quiet_beginnings(some * polarity)
    if len(begin) < LEAST_PULSES:
        raise WaveformError(
            f"no pulses: {len(begin)} isolated ones stand out of the noise by five times, whatever "
            f"number of samples is averaged; {LEAST_PULSES} are needed for a template"
        )
    rows, columns = begin.T
    window = columns[:, None] + np.arange(-length, 6 * length)
    pulses = some[rows[:, None], window]
    heights = pulses[:, length : 2 * length].max(axis=1)
    one = np.abs(heights - lowest_peak(heights)) < 0.3 * lowest_peak(heights)
    pulses = pulses[one]
    first = np.median(pulses, axis=0)
    shape, start = _aligned(pulses, length, float(first.max()))
    template = _describe(shape, start, group * sampling_s, polarity, len(pulses))
    if template.decay_s < 0.4 * template.sampling_s:
        raise WaveformError(
            "no pulses: what stands out of the noise lasts less than a sample; these are spikes"
        )
    return template


def lowest_peak(heights: Floats) -> float:
    """The lowest well populated peak of a distribution of pulse heights: one photoelectron."""
    ordered = np.sort(heights)
    if len(ordered) < 20:
        return float(np.median(ordered))
    # Densest tenth of a decade, but the lowest one that holds at least half of the densest.
    low = np.unique(np.geomspace(ordered[0], ordered[-1] + 1e-9, 400))
    inside = np.searchsorted(ordered, low * 1.2) - np.searchsorted(ordered, low)
    good = np.flatnonzero(inside >= 0.5 * inside.max())
    best = good[0]
    for i in good:
        if low[i] > low[good[0]] * 1.4:
            break
        if inside[i] > inside[best]:
            best = i
    value = 1.1 * low[best]
    for _ in range(10):
        near = ordered[np.abs(ordered - value) < 0.25 * value]
        if not len(near):
            break
        value = float(np.median(near))
    return float(value)


def _find_quiet_beginnings(
    samples: Samples,
) -> tuple[Samples, NDArray[np.int64], int, int]:
    """Samples less their baseline, beginnings and usual length of pulses, samples averaged.

    Where pulses do not stand out clearly, the noise may reach beyond their bandwidth: samples are
    averaged in groups as long as that lifts the pulses above it.
    """
    best = None
    best_signal = 0.0
    group = 1
    while samples.shape[1] // group >= LEAST_SAMPLES:
        part = grouped(samples, group)
        baseline = measure_baseline(part)
        part = part - np.float32(baseline.level)
        begin, length = _quiet_beginnings(part, baseline.noise)
        signal = 0.0
        if len(begin) >= LEAST_PULSES:
            window = begin[:, 1][:, None] + np.arange(length)
            heights = part[begin[:, 0][:, None], window].max(axis=1)
            signal = lowest_peak(heights) / baseline.noise
        if best is None or signal > best_signal:
            best, best_signal = (part, begin, length, group), signal
        if signal > CLEAR_SIGNAL:
            break
        group *= 2
    if best is None:
        raise WaveformError("waveforms are too short to hold a pulse")
    return best


def grouped(samples: Samples, group: int) -> Samples:
    """Samples (n, samples) averaged in groups; those that fill no group are left out."""
    if group == 1:
        return samples
    width = samples.shape[1] // group
    parts = samples[:, : width * group].reshape(len(samples), width, group)
    means: Samples = parts.mean(axis=2, dtype=np.float32)
    return means


def _quiet_beginnings(samples: Samples, noise: float) -> tuple[NDArray[np.int64], int]:
    """Row and column (n, 2) where a pulse begins after quiet; and the pulses' usual length."""
    width = samples.shape[1]
    above = samples > 5 * noise
    rising = above[:, 1:] & ~above[:, :-1]
    if not rising.any():
        return np.zeros((0, 2), np.int64), 0
    edges = np.diff(above.ravel().astype(np.int8))
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    stops = stops[np.searchsorted(stops, starts[0]) :] if len(starts) else stops
    runs = np.sort(stops - starts[: len(stops)])
    # Weighted by length: where a tail falls through the threshold, noise makes many short runs.
    share = np.cumsum(runs)
    if not len(runs) or share[-1] <= 0:
        return np.zeros((0, 2), np.int64), 0
    usual = runs[np.searchsorted(share, 0.5 * share[-1])]
    length = int(np.clip(usual, 3, max(width // 10, 3)))
    row, column = np.nonzero(rising)
    column = column + 1
    inside = (column >= 2 * length) & (column < width - 6 * length)
    row, column = row[inside], column[inside]
    if not len(row):
        return np.zeros((0, 2), np.int64), length
    quiet = np.zeros(len(row), bool)
    for part in range(0, len(row), 20_000):
        r, c = row[part : part + 20_000], column[part : part + 20_000]
        before = samples[r[:, None], c[:, None] + np.arange(-2 * length, -1)]
        quiet[part : part + 20_000] = np.abs(before).max(axis=1) < 5 * noise
    found = np.stack([row[quiet], column[quiet]], axis=1)
    return found[:: max(1, len(found) // MOST_PULSES)], length


def _aligned(pulses: Samples, length: int, height: float) -> tuple[Floats, float]:
    """Median pulse after each was moved so that it passes half its height at the same place."""
    width = pulses.shape[1]
    moved = np.empty_like(pulses)
    grid = np.arange(width)
    kept = 0
    for pulse in pulses:
        reached = np.flatnonzero(pulse[length - 2 :] > height / 2)
        if not len(reached):
            continue
        at = reached[0] + length - 2
        low, high = pulse[at - 1], pulse[at]
        crossing = at - (high - height / 2) / max(high - low, 1e-9)
        moved[kept] = np.interp(grid + crossing - length, grid, pulse)
        kept += 1
    if kept == 0:
        raise WaveformError("no pulse of one photoelectron stands alone")
    return np.median(moved[:kept], axis=0).astype(float), float(length)


def _describe(
    shape: Floats, start: float, sampling_s: float, polarity: int, pulses: int
) -> PulseTemplate:
    begin = int(start)
    peak = begin + int(np.argmax(shape[begin : begin + max(3, (len(shape) - begin) // 2)]))
    height = float(shape[peak])
    rise = _crossing(shape, peak, 0.9 * height, -1) - _crossing(shape, peak, 0.1 * height, -1)
    high, low = (_crossing(shape, peak, part * height, 1) for part in (0.8, 0.2))
    at = np.arange(int(np.ceil(high)), int(low) + 1)
    at = at[(at < len(shape))]
    if len(at) >= 3 and (shape[at] > 0).all():
        slope = np.polyfit(at, np.log(shape[at]), 1)[0]
        decay = -1 / slope if slope < 0 else low - high
    else:
        decay = max((low - high) / np.log(4), 0.3)
    return PulseTemplate(
        shape,
        start,
        sampling_s,
        height,
        max(float(rise), 0.1) * sampling_s,
        float(decay) * sampling_s,
        polarity,
        pulses,
    )


def _crossing(shape: Floats, peak: int, level: float, step: int) -> float:
    """Position nearest to the peak, left or right, where the shape falls to `level`."""
    at = peak
    while 0 < at < len(shape) - 1 and shape[at + step] > level:
        at += step
    if not 0 < at < len(shape) - 1:
        return float(at)
    high, low = shape[at], shape[at + step]
    return float(at + step * (high - level) / max(high - low, 1e-12))


def _some(samples: Samples) -> Floats:
    every = max(1, samples.size // FOR_LEVELS)
    return samples.ravel()[::every].astype(float)


def _step(values: Floats) -> float:
    """Step of the digitizer: the commonest distance between neighbouring values."""
    levels = np.unique(values[:: max(1, values.size // 50_000)])
    return float(np.median(np.diff(levels))) if 1 < len(levels) < 5000 else 0.0


def _polarity(samples: Samples) -> int:
    """+1 where the rarest samples lie above the median, -1 where they lie below."""
    values = _some(samples)
    low, middle, high = np.percentile(values, [0.05, 50, 99.95])
    if high - middle == middle - low:
        return 1 if values.mean() >= middle else -1
    return 1 if high - middle > middle - low else -1


def _longest_run(flags: NDArray[np.bool_]) -> int:
    edges = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    return int((np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)).max(initial=0))
