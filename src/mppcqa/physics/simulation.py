"""Simulated charges, with everything that the analysis must cope with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mppcqa.physics._arrays import Floats
from mppcqa.physics._kept import njit
from mppcqa.physics._pulse import PulseShape

HISTORY_IN_DECAYS = 12.0
"""Decay times before the gate from which a dark count still counts: it leaves 6e-6 of itself."""


@dataclass(frozen=True)
class ChargeTruth:
    """Avalanches (events,) that made each charge, counted by their cause."""

    light: NDArray[np.int32]
    """Photoelectrons."""
    crosstalk: NDArray[np.int32]
    """Children of whatever avalanche, and theirs."""
    dark: NDArray[np.int32]
    """Dark counts in the gate and before it."""
    afterpulses: NDArray[np.int32]
    """Those inside the gate."""


def simulate_charges(
    rng: np.random.Generator,
    n_events: int,
    *,
    mean_light_pe: float,
    gain: float,
    pedestal: float = 0.0,
    pedestal_width: float | None = None,
    pe_width: float | None = None,
    crosstalk_probability: float = 0.0,
    dark_counts_per_gate: float = 0.0,
    afterpulses: float = 0.0,
    pulse: PulseShape | None = None,
    _truth: NDArray[np.int32] | None = None,
) -> Floats:
    """Charges (n_events,) that a gate integrates, in the unit of `gain`.

    Light comes at the gate's start; dark counts come at any time, before the gate too, and each
    leaves the fraction of its pulse that falls inside. Every avalanche has a Poisson number of
    crosstalk children, and those have theirs (Vinogradov, NIM A 695 (2012) 247), and a Poisson
    number of mean `afterpulses` of afterpulses, later and from a pixel that recovers (`PulseShape`,
    by default one that decays in a tenth of the gate). Widths default to 0.12 (pedestal) and 0.08
    (a photoelectron) of the gain. ValueError where avalanches would multiply without end.

    >>> import numpy as np
    >>> q = simulate_charges(np.random.default_rng(0), 1000, mean_light_pe=2.0, gain=10.0)
    >>> q.shape
    (1000,)
    """
    if not 0 <= crosstalk_probability < 0.6:
        raise ValueError(
            f"crosstalk probability {crosstalk_probability} is outside 0 to 0.6: avalanches would "
            "multiply without end"
        )
    numbers = (mean_light_pe, dark_counts_per_gate, afterpulses)
    if not all(np.isfinite(x) and x >= 0 for x in numbers):
        raise ValueError(f"light, dark counts and afterpulses must be at least 0, not {numbers}")
    shape = PulseShape() if pulse is None else pulse
    charge = np.empty(n_events)
    _fill(
        rng,
        charge,
        np.empty((0, 4), np.int32) if _truth is None else _truth,
        mean_light_pe,
        gain,
        pedestal,
        0.12 * gain if pedestal_width is None else pedestal_width,
        0.08 * gain if pe_width is None else pe_width,
        -np.log1p(-crosstalk_probability),
        dark_counts_per_gate,
        afterpulses,
        min(HISTORY_IN_DECAYS * shape.decay_per_gate, shape.history_per_gate),
        shape.decay_per_gate,
        shape.rise_per_gate,
        shape.recovery,
        np.array(shape.delays),
        np.cumsum(shape.afterpulse_shares) / np.sum(shape.afterpulse_shares),
    )
    return charge


def simulate_charges_with_truth(
    rng: np.random.Generator, n_events: int, **parameters: Any
) -> tuple[Floats, ChargeTruth]:
    """What `simulate_charges` gives from the same generator, and the avalanches behind it.

    >>> import numpy as np
    >>> charges, truth = simulate_charges_with_truth(
    ...     np.random.default_rng(0), 1000, mean_light_pe=2.0, gain=10.0, pedestal_width=0.1)
    >>> bool((np.rint(charges[truth.light == 0] / 10) == 0).all())
    True
    """
    happened = np.zeros((n_events, 4), np.int32)
    charges = simulate_charges(rng, n_events, **parameters, _truth=happened)
    return charges, ChargeTruth(*happened.T)


@njit(cache=True)
def _collected(time, decay, rise):  # type: ignore[no-untyped-def]
    """Fraction of a pulse's charge that has come at a time after its start."""
    if time <= 0:
        return 0.0
    late = decay * np.exp(-time / decay)
    if rise > 0:
        late -= rise * np.exp(-time / rise)
    return 1 - late / (decay - rise)


@njit(cache=True)
def _tree(rng, primaries, children):  # type: ignore[no-untyped-def]
    """Number of avalanches when each has a Poisson number of children, and so on."""
    total = primaries
    generation = primaries
    while generation > 0 and children > 0:
        generation = rng.poisson(children * generation)
        total += generation
    return total


@njit(cache=True)
def _fill(  # type: ignore[no-untyped-def]
    rng, charge, truth, light,
    gain, pedestal, s0, s1, children, dark, afterpulses, before, decay, rise,
    recovery, delays, shares
):  # fmt: skip
    full = _collected(1.0, decay, rise)
    kept = truth.shape[0] > 0
    for i in range(charge.size):
        q = pedestal + s0 * rng.standard_normal()
        for source in range(1 + rng.poisson(dark * (1 + before)) if dark > 0 else 1):
            start = 0.0
            number = rng.poisson(light) if source == 0 else 1
            if source > 0:
                start = rng.uniform(-before, 1.0)
            if number == 0:
                continue
            n = _tree(rng, number, children)
            if kept:
                truth[i, 0 if source == 0 else 2] += number
                truth[i, 1] += n - number
            seen = _collected(1 - start, decay, rise) - _collected(-start, decay, rise)
            q += seen / full * (n * gain + np.sqrt(n) * s1 * rng.standard_normal())
            for _ in range(rng.poisson(afterpulses * n) if afterpulses > 0 else 0):
                k = 0
                u = rng.random()
                while u > shares[k] and k < shares.size - 1:
                    k += 1
                delay = rng.exponential(delays[k])
                t = start + delay
                if t >= 1:
                    continue
                m = _tree(rng, 1, children)
                if kept:
                    truth[i, 3] += 1
                    truth[i, 1] += m - 1
                seen = _collected(1 - t, decay, rise) - _collected(-t, decay, rise)
                seen *= (1 - np.exp(-delay / recovery)) / full
                q += seen * (m * gain + np.sqrt(m) * s1 * rng.standard_normal())
        charge[i] = q
