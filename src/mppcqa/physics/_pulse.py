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
NODES = 24
"""Gauss-Legendre nodes a stretch of time."""
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

    def __post_init__(self) -> None:
        times = (self.decay_per_gate, *self.delays, self.recovery)
        if not all(np.isfinite(t) and 0 < t <= 20 for t in times):
            raise ValueError(f"times of the pulse must lie between 0 and 20 gates, not {times}")
        if not 0 <= self.rise_per_gate < self.decay_per_gate:
            raise ValueError("the rise time must be at least 0 and shorter than the decay time")
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
        decay = self.decay_per_gate
        ends = [-16.0, -10.0, -6.0, -3.0, -1.5, -0.7, -0.3, 0.0]
        early = [end * decay for end in ends if end * decay > -self.history_per_gate]
        begin = max(-self.history_per_gate, ends[0] * decay)
        bounds = [begin, *[x for x in early if x > begin], *_inner(self)]
        time, weight = _gauss(bounds)
        full = self.collected(np.array([1.0]))[0]
        seen = (self.collected(1 - time) - self.collected(-time)) / full
        return seen, weight

    def afterpulse_fractions(self) -> tuple[Floats, Floats]:
        """Fractions seen of afterpulses of light, and their probabilities (sum below one)."""
        time, weight = _gauss([0.0, *_inner(self)])
        density = np.zeros_like(time)
        for delay, share in zip(self.delays, self.afterpulse_shares, strict=True):
            density += share / sum(self.afterpulse_shares) * np.exp(-time / delay) / delay
        full = self.collected(np.array([1.0]))[0]
        height = 1 - np.exp(-time / self.recovery)
        return height * self.collected(1 - time) / full, weight * density

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


@njit(cache=True, nogil=True, error_model="numpy")
def _fill(fractions, weights, first_row, last_row, out):  # type: ignore[no-untyped-def]
    """Rows of the matrix: what each frequency of the transform adds to the average at row's."""
    for j in range(first_row, last_row):
        for k in range(fractions.size):
            x = j * fractions[k]
            first = int(np.floor(x)) - STENCIL // 2 + 1
            wave = np.sin(np.pi * (x - first)) / np.pi
            for a in range(STENCIL):
                d = x - first - a
                y = 1 - (2 * d / STENCIL) ** 2
                at = first + a + BEFORE
                if y <= 0 or at >= out.shape[1]:
                    continue
                value = weights[k] * np.exp(SHARPNESS * (np.sqrt(y) - 1))
                if abs(d) > 1e-9:
                    value *= (wave if a % 2 == 0 else -wave) / d
                out[j, at] += np.float32(value)


def _matrix(fractions: Floats, weights: Floats, size: int) -> NDArray[np.float32]:
    width = -(-(size + BEFORE) // BLOCK) * BLOCK
    out = np.zeros((size, width), np.float32)
    cuts = np.linspace(0, size, cores() + 1).astype(int)
    on_all_cores(lambda rows: _fill(fractions, weights, *rows, out), list(pairwise(cuts)))
    return out


@lru_cache(maxsize=8)
def ray_matrices(
    shape: PulseShape, size: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], Floats]:
    """Averages along the frequency axis of dark counts and of afterpulses, and their number.

    Row j averages to frequency j; column `BEFORE` + m is the transform at frequency m, which at
    negative ones is the conjugate. A transform that is one at no frequency and zero at high ones
    goes in, so row sums are the whole weight. Single precision is far more than the interpolation
    has. The third array is that of `PulseShape.dark_afterpulses`.
    """
    dark = _matrix(*shape.dark_fractions(), size)
    after = _matrix(*shape.afterpulse_fractions(), size)
    return dark, after, shape.dark_afterpulses()
