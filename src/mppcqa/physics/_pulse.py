"""What fraction of its charge a gate sees of a pulse that comes at any time.

A dark count may come before the gate or be cut by its end; an afterpulse comes late and from a
pixel that has not recovered yet. Both leave a fraction f of a full avalanche, so their transform is
an average of B(f omega) over f. B is known on the evenly spaced frequencies of the spectrum, and f
scales frequency, so that average is one fixed matrix for all spectra of a pulse shape: it is made
once, by interpolation with a windowed sinc.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mppcqa.physics._arrays import Floats
from mppcqa.physics._avalanche import BEFORE, BLOCK, REACH
from mppcqa.physics._cores import cores, on_all_cores
from mppcqa.physics._kept import njit

STENCIL = 2 * (REACH - 1)
SHARPNESS = 10.0
"""Of the interpolation's window: 1e-4 and better for charges below 0.3 of the grid."""
FINE = 512
"""Parts of a step between frequencies that its weights are kept for."""
NODES = 16
"""Gauss-Legendre nodes a stretch of time."""
BEFORE_GATE = (-16.0, -10.0, -6.0, -3.0, -1.5, -0.7, -0.3, 0.0)
"""Decay times from the beginning of the gate on between which what it sees is smooth."""
DELAYS = 16.0
"""Longest delays before the gate from which dark counts leave afterpulses in it."""


@dataclass(frozen=True)
class PulseShape:
    """The pulse of one avalanche, with times in gates. Light comes at the gate's start.

    decay_per_gate
        Decay time of the pulse.
    rise_per_gate
        Rise time; 0 for a pulse that starts at its peak.
    history_per_gate
        How long before the gate dark counts can still leave their tail in it: less than many decay
        times where the electronics or a simulation begin shortly before the gate.
    recovery_per_gate
        Time in which a pixel recharges; None takes the decay time, which it is where the pulse's
        tail is the recharge of the pixel.
    afterpulse_delays_per_gate, afterpulse_shares
        Time constants of the delay of afterpulses and their shares. None takes one constant of
        the decay time: the fast component that dominates inside a gate of a few decay times has
        about that length (Eckert et al., NIM A 620 (2010) 217). Gain, light and crosstalk depend
        little on it; the number of afterpulses does.
    baseline_per_gate
        Length of a window that ends where the gate begins, and whose mean is taken off; 0 for none.
    coupling_per_gate
        Time constant of AC coupling: each charge draws as much off again, in that time; 0 for none.
    known
        Whether anything tells these times; where nothing does, fits ask more and say less.
    """

    decay_per_gate: float = 0.1
    rise_per_gate: float = 0.0
    history_per_gate: float = 20.0
    recovery_per_gate: float | None = None
    afterpulse_delays_per_gate: tuple[float, ...] | None = None
    afterpulse_shares: tuple[float, ...] = (1.0,)
    known: bool = True
    baseline_per_gate: float = 0.0
    coupling_per_gate: float = 0.0

    def __post_init__(self) -> None:
        times = (self.decay_per_gate, *self.delays, self.recovery)
        if not all(np.isfinite(t) and 0 < t <= 20 for t in times):
            raise ValueError(f"times of the pulse must lie between 0 and 20 gates, not {times}")
        if not 0 <= self.rise_per_gate < self.decay_per_gate:
            raise ValueError("the rise time must be at least 0 and shorter than the decay time")
        if not (0 <= self.baseline_per_gate <= 20 and 0 <= self.coupling_per_gate <= 1000):
            raise ValueError("a baseline is at most 20 gates long, and coupling slower than 1,000")
        if len(self.delays) != len(self.afterpulse_shares):
            raise ValueError("each delay of afterpulses needs its share")

    @property
    def recovery(self) -> float:
        """Recovery time in gates."""
        return self.decay_per_gate if self.recovery_per_gate is None else self.recovery_per_gate

    @property
    def delays(self) -> tuple[float, ...]:
        """Time constants of afterpulses in gates."""
        if self.afterpulse_delays_per_gate is None:
            return (self.decay_per_gate,)
        return self.afterpulse_delays_per_gate

    def collected(self, time: Floats) -> Floats:
        """Fraction of a pulse's charge that has come at a time (gates) after its start."""
        t = np.maximum(time, 0.0)
        decay, rise = self.decay_per_gate, self.rise_per_gate
        late = decay * np.exp(-t / decay)
        if rise > 0:
            late = late - rise * np.exp(-t / rise)
        return np.where(time > 0, 1 - late / (decay - rise), 0.0)

    def dark_fractions(self) -> tuple[Floats, Floats]:
        """Fractions seen of dark counts, and their weights in gates of arrival time."""
        decay, window = self.decay_per_gate, self.baseline_per_gate
        early = {end * decay for end in BEFORE_GATE}
        if window:
            early |= {x * decay - window for x in (*BEFORE_GATE, 0.3, 0.7, 1.5, 3.0)}
        if self.coupling_per_gate:
            early |= {x * self.coupling_per_gate for x in (-6.0, -4.0, -2.5, -1.5, -0.8, -0.3)}
        begin = max(-self.history_per_gate, min(early))
        bounds = [begin, *sorted(x for x in early if begin < x <= 0), *_inner(self)]
        time, weight = _gauss(bounds)
        return self.seen(time), weight

    def seen(self, time: Floats) -> Floats:
        """Fraction that the gate sees of the charge of an avalanche at a time, of that of light.

        Below zero where it is in the baseline that is taken off, or draws it down.
        """
        return self._seen(time) / self._seen(np.zeros(1))

    def _seen(self, time: Floats) -> Floats:
        before = self.collected(-time)
        found = self.collected(1 - time) - before
        if window := self.baseline_per_gate:
            found = found - (before - self.collected(-window - time)) / window
        if constant := self.coupling_per_gate:
            early = np.exp(-np.maximum(-time, 0.0) / constant)
            found = found - (early - np.exp(-np.maximum(1 - time, 0.0) / constant))
        return found

    def afterpulse_fractions(self) -> tuple[Floats, Floats]:
        """Fractions seen of afterpulses of light, and their probabilities (sum below one)."""
        time, weight = _gauss([0.0, *_inner(self)])
        density = np.zeros_like(time)
        for delay, share in zip(self.delays, self.afterpulse_shares, strict=True):
            density += share / sum(self.afterpulse_shares) * np.exp(-time / delay) / delay
        height = 1 - np.exp(-time / self.recovery)
        return height * np.maximum(self.seen(time), 0.0), weight * density

    def dark_afterpulses(self) -> Floats:
        """How many afterpulses of dark counts the gate sees, beside those of light (2,).

        First, of avalanches from a decay time before the gate on: the charge of their afterpulses
        in their own, by that of light; less than one, because they have less of the gate before
        them. Second, what earlier dark counts leave in the gate beyond that, as if they were more
        dark counts: charge of afterpulses in that of dark counts, for one afterpulse an avalanche.
        """
        lengths = (self.decay_per_gate, self.recovery, *self.delays)
        marks = sorted({x * y for x in (0.3, 1.0, 3.0, 8.0) for y in lengths})
        begin = -min(self.history_per_gate, DELAYS * max(lengths))
        split = max(begin, -self.decay_per_gate)
        delay, chance = _gauss([0.0, *(x for x in marks if x < 1 - begin), 1 - begin])
        density = np.zeros_like(delay)
        for one, share in zip(self.delays, self.afterpulse_shares, strict=True):
            density += share / sum(self.afterpulse_shares) * np.exp(-delay / one) / one
        chance *= density * (1 - np.exp(-delay / self.recovery))

        def charges(time: Floats, weight: Floats) -> Floats:
            """Charge of avalanches at these times, and of an afterpulse of each."""
            at = time[:, None] + delay
            own = self.collected(1 - time) - self.collected(-time)
            after = (self.collected(1 - at) - self.collected(-at)) @ chance
            return np.array([weight @ own, weight @ after])

        of_light = charges(np.zeros(1), np.ones(1))
        near = charges(*_gauss([*sorted({split, 0.0}), *_inner(self)]))
        early = [begin, *(-x for x in reversed(marks) if begin < -x < split), split]
        far = charges(*_gauss(early)) if begin < split else np.zeros(2)
        share = near[1] / near[0]
        more = (far[1] - share * far[0]) / (near[0] + far[0])
        return np.array([share / (of_light[1] / of_light[0]), more])


def _inner(shape: PulseShape) -> list[float]:
    """Ends of stretches inside the gate, closer where the fraction changes quickly."""
    steps = [1 - x * shape.decay_per_gate for x in (8.0, 5.0, 3.0, 1.5, 0.7, 0.3, 0.1)]
    early = [x * shape.decay_per_gate for x in (0.15, 0.5, 1.2, 2.5, 5.0)]
    return [*sorted({x for x in (*steps, *early) if 0 < x < 1}), 1.0]


def _gauss(bounds: list[float]) -> tuple[Floats, Floats]:
    x, w = np.polynomial.legendre.leggauss(NODES)
    low, high = np.array(bounds[:-1])[:, None], np.array(bounds[1:])[:, None]
    time = low + (high - low) * (x + 1) / 2
    return time.ravel(), ((high - low) * w / 2 * np.ones_like(time)).ravel()


def _kernel() -> Floats:
    """Interpolation's weights (`FINE` + 1, `STENCIL`) at each part of a step past a frequency."""
    away = np.arange(FINE + 1)[:, None] / FINE + STENCIL // 2 - 1 - np.arange(STENCIL)
    inside = np.maximum(1 - (2 * away / STENCIL) ** 2, 0.0)
    window = np.where(inside > 0, np.exp(SHARPNESS * (np.sqrt(inside) - 1)), 0.0)
    found: Floats = window * np.sinc(away)
    return found


KERNEL = _kernel()


@njit(cache=True, nogil=True, error_model="numpy")
def _fill(fractions, weights, kernel, first_row, last_row, out):  # type: ignore[no-untyped-def]
    """Rows of the matrix: what each frequency of the transform adds to the average at row's."""
    for j in range(first_row, last_row):
        for k in range(fractions.size):
            x = j * fractions[k]
            whole = int(np.floor(x))
            first = whole - STENCIL // 2 + 1 + BEFORE
            place = (x - whole) * FINE
            near = int(place)
            u = weights[k] * (place - near)
            v = weights[k] - u
            low, high = kernel[near], kernel[near + 1]
            for a in range(min(STENCIL, out.shape[1] - first)):
                out[j, first + a] += v * low[a] + u * high[a]


def _matrix(fractions: Floats, weights: Floats, size: int) -> NDArray[np.float32]:
    width = -(-(size + BEFORE) // BLOCK) * BLOCK
    out = np.zeros((size, width))
    cuts = np.linspace(0, size, cores() + 1).astype(int)
    on_all_cores(lambda rows: _fill(fractions, weights, KERNEL, *rows, out), list(pairwise(cuts)))
    return out.astype(np.float32)


Matrix = NDArray[np.float32]


@lru_cache(maxsize=12)
def ray_matrices(shape: PulseShape, size: int) -> tuple[Matrix, Matrix, Floats, float, Matrix]:
    """Averages along the frequency axis of dark counts and of afterpulses, and their number.

    Row j averages to frequency j; column `BEFORE` + m is the transform at frequency m, which at
    negative ones is the conjugate. A transform that is one at no frequency and zero at high ones
    goes in, so row sums are the whole weight. Single precision is far more than the interpolation
    has. The third array is that of `PulseShape.dark_afterpulses`. Then comes the largest
    fraction of a charge, and the average of dark counts over fractions below zero, without rows
    where there are none.
    """
    fractions, weights = shape.dark_fractions()
    below = fractions < 0
    dark = _matrix(fractions[~below], weights[~below], size)
    draws = shape.baseline_per_gate or shape.coupling_per_gate
    drawn = _matrix(-fractions[below], weights[below], size) if draws else _NONE
    fraction, chance = shape.afterpulse_fractions()
    after = _matrix(fraction, chance, size)
    largest = max(1.0, float(np.abs(fractions).max()), float(fraction.max()))
    return dark, after, shape.dark_afterpulses(), largest, drawn


_NONE = np.zeros((0, 0), np.float32)
