"""What of a spectrum is fitted: which parameters may be free, and which bins are looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mppcqa.physics._arrays import Floats
from mppcqa.physics._climb import N_ALL

PARAMETERS = (
    "pedestal",
    "gain",
    "pedestal_width",
    "pe_width",
    "mean_light_pe",
    "crosstalk_children",
    "dark_counts_per_gate",
    "afterpulses",
)
TROUBLES = (
    "dark_pedestal_shift",
    "log_dark_rate_ratio",
    "light_variance",
    "burst_fraction",
    "burst_width",
)
MAY_BE_HELD = ("afterpulses", *TROUBLES[:4])
"""What a fit need not have free: it then does nothing to the spectra. The width of bursts goes with
their fraction."""
Part = tuple[NDArray[np.bool_], NDArray[np.int64]]
"""Which parameters may be free (N_ALL,), and the first and end of the bins to fit (n, 2)."""


def free_but(held: Sequence[str]) -> NDArray[np.bool_]:
    """Which parameters (N_ALL,) may be free; ValueError where `held` names what can't be held."""
    may = np.ones(N_ALL, np.bool_)
    for name in held:
        if name not in MAY_BE_HELD:
            raise ValueError(f"{name!r} can't be held; only {', '.join(MAY_BE_HELD)}")
        may[(*PARAMETERS, *TROUBLES).index(name)] = False
    return may


def reach_of(edges: Floats, low: float, high: float) -> NDArray[np.int64]:
    """First bin of those wholly between two charges, and that after the last (n, 2)."""
    first, end = (edges < low).sum(axis=1), (edges <= high).sum(axis=1) - 1
    return np.stack([first, np.maximum(end, first)], axis=1).astype(np.int64)


def cut(counts: Floats, reach: NDArray[np.int64]) -> Floats:
    """The same counts, none outside of the bins to fit."""
    at = np.arange(counts.shape[1])
    outside = (at < reach[:, :1]) | (at >= reach[:, 1:])
    return np.where(outside, 0.0, counts) if outside.any() else counts
