"""Pulses in dark waveforms: when, how high, and what the finder can and can't tell apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mppcqa.physics._arrays import Floats
from mppcqa.physics._cores import on_all_cores, stretches
from mppcqa.physics._edges import FINE, find_edges
from mppcqa.physics.waveforms import (
    FOR_LEVELS,
    LEAST_SAMPLES,
    LOOKED_AT,
    OK,
    WAVEFORM_MESSAGES,
    PulseTemplate,
    Samples,
    WaveformError,
    as_waveforms,
    grouped,
    lowest_peak,
    pulse_template,
    waveform_status,
)

MOST_WINDOW = 12
"""Longest window of the finder in samples; finer sampled waveforms are averaged in groups."""
LEAST_SIGNAL = 8.5
"""Height of one photoelectron over the noise of the finder below which nothing is trusted: half
of it is crossed by Gaussian noise at some kHz then."""


@dataclass(frozen=True)
class Pulses:
    """Pulses above half a photoelectron in n waveforms, and what was looked at.

    All times are in seconds after the first sample.
    """

    waveform: NDArray[np.int64]
    """(pulses,) number of the waveform, ascending; within one, times ascend."""
    time_s: Floats
    """(pulses,) when half of the height was passed."""
    amplitude_pe: Floats
    """(pulses,) height in photoelectrons."""
    status: NDArray[np.int64]
    """(n,) 0 where a waveform was used; see `WAVEFORM_MESSAGES`."""
    begin_s: float
    """Pulses are found from here ..."""
    end_s: float
    """... to here."""
    dead_s: float
    """Time after a pulse in which another one is not told from it."""
    pile_up_s: float
    """Time after a pulse in which another one lifts it from 1 to above 1.5 photoelectrons."""
    noise_pe: float
    """Noise of the amplitudes."""
    template: PulseTemplate

    @property
    def used(self) -> int:
        """Waveforms that were used."""
        return int((self.status == OK).sum())

    @property
    def live_s(self) -> float:
        """Time searched, dead time after pulses not yet taken off."""
        return self.used * (self.end_s - self.begin_s)

    def message(self, waveform: int) -> str:
        """Status of a waveform in words."""
        return WAVEFORM_MESSAGES[int(self.status[waveform])]


def find_pulses(
    waveforms: ArrayLike,
    sampling_s: float,
    *,
    template: PulseTemplate | None = None,
    full_scale: tuple[float, float] | None = None,
    polarity: int = 0,
) -> Pulses:
    """Pulses of half a photoelectron and more in waveforms (n, samples), overlapping ones apart.

    The fall of earlier pulses is taken out by a single-pole deconvolution, so that neither they
    nor a drift of the baseline moves threshold or amplitude. Shape and height of a
    photoelectron come from the data, or from `template` of earlier ones; what the finder does to
    two pulses that are close is measured on pairs made of the template. Waveforms that can't be
    used get a status. Raises `WaveformError` where none is left, or no pulse stands out.

    >>> import numpy as np
    >>> from mppcqa.physics import simulate_waveforms
    >>> adc, truth = simulate_waveforms(
    ...     np.random.default_rng(2), 200, 1000, sampling_s=2e-9, dark_rate_hz=5e5)
    >>> pulses = find_pulses(adc, 2e-9)
    >>> bool(abs(len(pulses.time_s) / truth.count(0) - 1) < 0.05)
    True
    """
    samples = as_waveforms(waveforms)
    status = waveform_status(samples, full_scale=full_scale)
    good = status == OK
    if not good.any():
        words = WAVEFORM_MESSAGES[int(status[0])] if len(status) else "there are none"
        raise WaveformError(f"no waveform can be used: {words}")
    if template is None:
        template = pulse_template(
            samples if good.all() else samples[good], sampling_s, polarity=polarity
        )
    usable = samples if good.all() else samples[good]
    finder, amplitude, middle, noise = _calibrate(usable, sampling_s, template)
    samples = grouped(samples, finder.group)
    waveform, time, height = finder.search(samples, good, middle, noise, threshold=amplitude / 2)
    dead, pile_up = finder.pairs()
    dt = finder.sampling_s
    w = finder.window
    return Pulses(
        waveform,
        time * dt,
        height / amplitude,
        status,
        begin_s=w * dt,
        end_s=(samples.shape[1] - w - 1) * dt,
        dead_s=dead * dt,
        pile_up_s=pile_up * dt,
        noise_pe=noise / amplitude,
        template=template,
    )


def _calibrate(
    samples: Samples, sampling_s: float, template: PulseTemplate
) -> tuple[_Finder, float, float, float]:
    """Finder, height of one photoelectron, and middle and noise of the difference signal.

    Samples are averaged in larger groups where the noise would cross the threshold by itself.
    """
    samples = samples[:: max(1, samples.size // LOOKED_AT)]
    fault = "no pulse stands out of the noise"
    for more in (1, 2, 4):
        finder = _Finder(template, sampling_s, more)
        some = grouped(samples, finder.group)
        if some.shape[1] < LEAST_SAMPLES:
            break
        middle, noise = finder.noise(some)
        first = finder.search(some, np.ones(len(some), bool), middle, noise, threshold=None)
        if not len(first[1]):
            continue
        amplitude = _one_photoelectron(*first, apart=4 * template.decay_s / finder.sampling_s)
        if amplitude >= LEAST_SIGNAL * noise:
            return finder, amplitude, middle, noise
        fault = (
            f"one photoelectron is {amplitude / noise:.1f} times the noise; {LEAST_SIGNAL:.0f} "
            "are needed so that noise is not counted"
        )
    raise WaveformError(fault)


class _Finder:
    """Window, decay and plateau of the edge finder for pulses of one template."""

    def __init__(self, template: PulseTemplate, sampling_s: float, more: int) -> None:
        ratio = template.sampling_s / sampling_s
        if not sampling_s > 0 or abs(ratio - round(ratio)) > 1e-3 or ratio < 0.9:
            raise WaveformError(
                f"the template's samples are {template.sampling_s:.3g} s apart, the waveforms' "
                f"{sampling_s:.3g} s: that is no multiple"
            )
        shape, start = template.shape, template.start
        peak = float(np.argmax(shape) - start)
        more *= max(1, round((peak + 1) / MOST_WINDOW))
        self.group = round(ratio) * more
        self.sampling_s = sampling_s * self.group
        self.sign = template.polarity
        self.window = max(2, int(np.ceil(peak / more)) + 1)
        self.q = float(np.exp(-self.window * self.sampling_s / template.decay_s))
        self._time = (np.arange(len(shape)) - start) / more
        self._middle = (more - 1) / 2 / more
        self._shape = shape
        grid = np.arange((3 * self.window + 4) * FINE) / FINE
        plateau = self._pulse(grid) - self.q * self._pulse(grid - self.window)
        self.scale = float(plateau[: self.window * FINE].max())
        self.table = np.where(grid > self.window / 2, plateau / self.scale, 0.0)

    def _pulse(self, time: Floats) -> Floats:
        """Template at times in grouped samples after half its rise."""
        at = time + self._middle
        inside = np.clip(at, self._time[0], self._time[-1])
        value: Floats = np.interp(inside, self._time, self._shape)
        return np.where(at < self._time[0] * 0.5, 0.0, value)

    def noise(self, samples: Samples) -> tuple[float, float]:
        """Middle and spread of the difference signal."""
        some = samples[:: max(1, samples.size // FOR_LEVELS)].astype(np.float32)
        d = self.sign * (some[:, self.window :] - np.float32(self.q) * some[:, : -self.window])
        middle = float(np.median(d))
        spread = 1.4826 * float(np.median(np.abs(d - middle)))
        return middle, max(spread, 1e-3 * self.scale)

    def search(
        self,
        samples: Samples,
        good: NDArray[np.bool_],
        middle: float,
        noise: float,
        *,
        threshold: float | None,
    ) -> tuple[NDArray[np.int64], Floats, Floats]:
        """Waveform, time [samples] and height of each edge; at 5 times the noise by default."""
        cut = max(5 * noise, 0.3 * self.scale) if threshold is None else threshold
        n, width = samples.shape
        most = max(1, width // (self.window + 1))
        times = np.empty((n, most), np.float32 if width < 1 << 16 else np.float64)
        heights = np.empty((n, most), np.float32)
        counts = np.zeros(n, np.int64)
        found = times, heights, counts
        finder = self.window, np.float32(self.q), np.float32(self.sign), middle, noise, cut
        on_all_cores(
            lambda part: find_edges(*part, samples, good, *finder, self.table, *found),
            stretches(n),
        )
        there = np.arange(most) < counts[:, None]
        waveform = np.repeat(np.arange(n), counts)
        return waveform, times[there].astype(float), heights[there].astype(float)

    def pairs(self) -> tuple[float, float]:
        """Dead time and pile-up time in samples, from pairs of pulses made of the template."""
        steps = 4
        distances = np.arange(1, 4 * self.window * steps) / steps
        phases = np.arange(4) / 4
        delay, phase = (grid.ravel() for grid in np.meshgrid(distances, phases))
        begin = 3 * self.window + 8
        time = np.arange(begin + 12 * self.window + 40) - begin
        first = time[None, :] - phase[:, None]
        trace = (self._pulse(first) + self._pulse(first - delay[:, None])) / self.scale
        finder_input = (self.sign * trace).astype(np.float32)
        found = self.search(finder_input, np.ones(len(trace), bool), 0.0, 0.02, threshold=0.5)
        number = np.bincount(found[0], minlength=len(trace))
        opening = np.flatnonzero(np.diff(found[0], prepend=-1))
        lifted = np.zeros(len(trace), bool)
        lifted[found[0][opening]] = found[2][opening] > 1.5
        cell = 1 / steps / len(phases)
        # Distances below the first step are lost and piled up for certain.
        return (
            float((number < 2).sum() * cell + 1 / steps / 2),
            float(lifted.sum() * cell + 1 / steps / 2),
        )


def _one_photoelectron(
    waveform: NDArray[np.int64], time: Floats, height: Floats, *, apart: float
) -> float:
    """Height of one photoelectron from pulses that no other one precedes closely."""
    gap = np.diff(time, prepend=-np.inf)
    gap[np.diff(waveform, prepend=-1) > 0] = np.inf
    alone = height[gap > apart]
    return lowest_peak(alone if len(alone) >= 20 else height)
