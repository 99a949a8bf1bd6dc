"""The curve that a fit draws through a spectrum."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mppcqa.physics._apart import addresses, ready
from mppcqa.physics._arrays import Floats
from mppcqa.physics._bins import LONGEST
from mppcqa.physics._climb import N_ALL, RATE, SHIFT, WIDER, frequencies, make_room
from mppcqa.physics._pulse import PulseShape
from mppcqa.physics.spectra import DEFAULT_PULSE, FREQUENCIES, SpectrumFits, tables_of

TAIL = 1.25
"""Room to the right of the edges for the spectrum's tail, which else would come round."""


def expected_counts(
    fits: SpectrumFits,
    i: int,
    edges: ArrayLike,
    events: float,
    *,
    light: bool = True,
    pulse: PulseShape = DEFAULT_PULSE,
) -> Floats:
    """Counts (bins,) that fit `i` expects of `events` between evenly spaced edges (bins + 1,).

    `light` is False for the dark spectrum of a joint fit. NaN where the fit failed. At most 1,500
    bins.

    >>> import numpy as np
    >>> from mppcqa.physics import fit_spectra, histogram_charges, simulate_charges
    >>> charges = simulate_charges(np.random.default_rng(1), 20000, mean_light_pe=1.5, gain=40.0)
    >>> counts, edges, _ = histogram_charges(charges[:, None])
    >>> curve = expected_counts(fit_spectra(counts, edges), 0, edges[0], 20000)
    >>> bool(abs(curve.sum() - 20000) < 20)
    True
    """
    edge = np.asarray(edges, float)
    bins = len(edge) - 1
    width = (edge[-1] - edge[0]) / bins
    theta = np.concatenate([fits.values[i], fits.troubles[i]])
    if not np.isfinite(theta).all():
        return np.full(bins, np.nan)
    if not light:
        theta[0] += theta[SHIFT]
        theta[6] *= np.exp(theta[RATE])
    theta[0] -= edge[0]
    theta[[0, 1, 2, 3, WIDER]] /= width
    theta[[SHIFT, RATE]] = 0.0
    pad = int(6 * theta[2]) + 3
    length = 128
    while length < TAIL * (pad + bins + 3):
        length *= 2
    if length > 2 * LONGEST:
        raise ValueError(f"{bins} bins are too many for a curve")
    theta[0] += pad
    room = make_room.py_func(length, FREQUENCIES)  # type: ignore[no-untyped-call]
    none = np.zeros(N_ALL, np.bool_)
    problem = (
        np.zeros((2, length)),
        np.array([1.0 if light else 0.0, 0.0, 0.0, 0.0, 0.0]),
        1,
        pad,
        pad + bins,
        np.full((2, 2), -1.0),
        none,
        True,
        np.zeros((2, 0), np.int64),
    )
    score, fisher = np.zeros(N_ALL), np.zeros((N_ALL, N_ALL))
    n = frequencies.py_func(theta, length, FREQUENCIES)  # type: ignore[no-untyped-call]
    told = fits.pulse_of(i, pulse)
    ready("evaluate")(addresses(), theta, problem, n, tables_of(told), room, score, fisher)
    found: Floats = events * room[4][0][pad : pad + bins]
    return found
