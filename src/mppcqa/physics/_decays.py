"""How uncertain fits are since the decay time may not be the one that was told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mppcqa.physics._part import TROUBLES
from mppcqa.physics._pulse import PulseShape
from mppcqa.physics._summit import DOUBTED, OK

if TYPE_CHECKING:
    from mppcqa.physics.spectra import SpectrumFits

Rows = NDArray[np.int64]

DECAYS_OFF = (0.8, 1.25)
"""Decay times over the one told, that fits are tried with."""
DECAY_OFF_LIKELY = 0.1
"""How likely each is beforehand, over the one told."""


def unsure_of_decay(
    found: SpectrumFits,
    pulse: PulseShape,
    fit: Callable[[Rows, PulseShape], SpectrumFits],
    *,
    light: bool,
) -> SpectrumFits:
    """The same fits, less certain by what another decay time would make, where that may be.

    `fit` fits rows (m,) with another pulse. Without light nothing has the whole charge of an
    avalanche: the gain hangs on how the gate cuts dark counts. With light, a decay time that was
    told wrongly shows as a dark run of another rate, since the two runs are cut otherwise by what
    the light leaves open, or by chi-squared. Decay times `DECAYS_OFF` as long are taken for one
    tenth as likely each, and for more or less so as chi-squared tells.
    """
    rows = np.flatnonzero((found.status == OK) & (not light or _doubtful(found)))
    if not len(rows):
        return found
    some = found.rows(rows)
    with np.errstate(invalid="ignore", over="ignore"):
        weights, squares = [np.ones(len(rows))], [np.zeros_like(some.values)]
        alike: dict[PulseShape, list[int]] = {}
        for k, i in enumerate(rows):
            alike.setdefault(found.pulse_of(int(i), pulse), []).append(k)
        for factor in DECAYS_OFF:
            fits = some
            for shape, which in alike.items():
                other = replace(
                    shape,
                    decay_per_gate=min(factor * shape.decay_per_gate, 20.0),
                    rise_per_gate=min(factor, 1.0) * shape.rise_per_gate,
                )
                fits = fits.with_rows(which, fit(rows[which], other))
            better = np.clip(0.5 * (some.chi2 - fits.chi2), -50.0, 20.0)
            weight = DECAY_OFF_LIKELY * np.exp(better)
            weights.append(np.where(fits.status == OK, weight, 0.0))
            squares.append(np.where(weights[-1][:, None] > 0, fits.values - some.values, 0.0) ** 2)
        total = np.sum(weights, axis=0)
        away = sum(w[:, None] * x for w, x in zip(weights, squares, strict=True)) / total[:, None]
    away = np.where(np.isfinite(away), away, 0.0)
    less = replace(
        some,
        errors=np.sqrt(some.errors**2 + away),
        systematic=np.sqrt(some.systematic**2 + away),
    )
    return found.with_rows(rows, less)


def _doubtful(found: SpectrumFits) -> NDArray[np.bool_]:
    """Which fits (n,) with light are poor, or have a dark run of another rate."""
    with np.errstate(invalid="ignore"):
        poor = found.chi2 - found.ndf > DOUBTED * np.sqrt(2.0 * found.ndf)
    return np.asarray(poor | found.freed[:, TROUBLES.index("log_dark_rate_ratio")])
