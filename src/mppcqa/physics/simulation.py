"""Simulated charges, with everything that the analysis must cope with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mppcqa.physics._pulse import Floats


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
    decay_per_gate: float = 0.1,
) -> Floats:
    """Charges (n_events,) that a gate integrates, in the unit of `gain`.

    Light comes at the gate's start; dark counts come at any time, before the gate too, and each
    leaves the fraction of its exponential pulse that falls inside. Every avalanche has a Poisson
    number of crosstalk children, and those have theirs (Vinogradov, NIM A 695 (2012) 247).
    Widths default to 0.12 (pedestal) and 0.08 (a photoelectron) of the gain.

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
    s0 = 0.12 * gain if pedestal_width is None else pedestal_width
    s1 = 0.08 * gain if pe_width is None else pe_width
    children = -np.log1p(-crosstalk_probability)
    avalanches = _with_descendants(rng, rng.poisson(mean_light_pe, n_events), children)
    charge = pedestal + rng.normal(0, s0, n_events)
    charge += avalanches * gain + np.sqrt(avalanches) * s1 * rng.standard_normal(n_events)
    if dark_counts_per_gate > 0:
        _add_dark_counts(rng, charge, gain, s1, children, dark_counts_per_gate, decay_per_gate)
    return charge


def _with_descendants(
    rng: np.random.Generator, primaries: NDArray[np.int64], children: float
) -> Floats:
    """Number of avalanches when each has a Poisson number of children, and so on."""
    total = primaries.astype(float)
    generation = primaries
    while generation.any():
        generation = rng.poisson(children * generation)
        total += generation
    return total


def _add_dark_counts(
    rng: np.random.Generator,
    charge: Floats,
    gain: float,
    s1: float,
    children: float,
    per_gate: float,
    decay: float,
) -> None:
    before = 12 * decay
    number = rng.poisson(per_gate * (1 + before), len(charge))
    event = np.repeat(np.arange(len(charge)), number)
    time = rng.uniform(-before, 1, len(event))
    seen = np.where(time < 0, np.exp(np.minimum(time, 0) / decay), 1 - np.exp((time - 1) / decay))
    size = _with_descendants(rng, np.ones(len(event), np.int64), children)
    pulse = seen * (size * gain + np.sqrt(size) * s1 * rng.standard_normal(len(event)))
    np.add.at(charge, event, pulse)
