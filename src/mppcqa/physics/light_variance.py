"""How much the light varies from pulse to pulse, from channels that see the same pulses."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mppcqa.physics._arrays import Floats

FEWEST_EVENTS = 500
LARGEST = 0.08
"""Above that the rows are no common pulses: charges in order, say, go together far more."""
LEAST_ERROR = 5e-4
"""What the model of such light leaves out: it takes the light of pulses for a Gaussian."""
FAINT = 0.02
"""Of the brightest channel's charge: a channel with less sees no light to speak of."""
CLIPPED = 0.002
"""Part of the events at one greatest charge from which on that is a digitizer's end."""


def light_variance_of(
    light: ArrayLike, *, dark: ArrayLike | None = None, pedestals: ArrayLike | None = None
) -> tuple[float, float] | None:
    """Variance of the light over its mean's square, with its standard uncertainty.

    light
        (events, channels) charges; each row is one pulse. Those that are not finite, and channels
        that are all of it or end where their digitizer does, are left out.
    dark
        The same in the dark: its means are where no charge is, and its covariance, of noise that
        channels share, is taken off.
    pedestals
        (channels,) instead, where there is no dark run; dark counts count as light then.

    Photoelectrons, crosstalk and noise are each channel's own, so what charges of two channels
    share is the light: cov(q1, q2) = v mean(q1) mean(q2), whatever their gains. Channels are
    weighted as they scatter; how far the middle one of all pairs lies from their mean, which light
    that goes over from channel to channel moves, is in the uncertainty. None where fewer than two
    channels or too few pulses tell it, and where rows are no common pulses.

    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> pulses = 3 * (1 + 0.1 * rng.standard_normal(20000))
    >>> charges = 40.0 * rng.poisson(pulses[:, None], (20000, 8))
    >>> value, error = light_variance_of(charges, pedestals=np.zeros(8))
    >>> bool(abs(value - 0.01) < 4 * error), bool(error < 0.002)
    (True, True)
    """
    lit = np.asarray(light, float)
    if lit.ndim != 2:
        raise ValueError(f"charges must be (events, channels), not {lit.shape}")
    if dark is not None:
        unlit = np.asarray(dark, float)
        base = _means(unlit)
    elif pedestals is not None:
        base = np.asarray(pedestals, float)
    else:
        raise ValueError("where no charge is must be told, by a dark run or by pedestals")
    if base.shape != (lit.shape[1],):
        raise ValueError(f"light has {lit.shape[1]} channels, and the other {base.shape}")
    with np.errstate(invalid="ignore"):
        mean = _means(lit) - base
        seen = np.isfinite(mean) & ~_ends(lit)
        seen &= mean > FAINT * np.max(mean, where=seen, initial=0.0)
    if seen.sum() < 2:
        return None
    mean, lit = mean[seen], _whole(lit[:, seen])
    if len(lit) < FEWEST_EVENTS:
        return None
    weights = mean**2 / np.maximum(lit.var(axis=0), 1e-300)
    value, error, middle = _shared(lit / mean, weights)
    if dark is not None:
        unlit = _whole(unlit[:, seen])
        if len(unlit) < FEWEST_EVENTS:
            return None
        noise, noise_error, noise_middle = _shared(unlit / mean, weights)
        value, error, middle = value - noise, float(np.hypot(error, noise_error)), (
            middle - noise_middle
        )  # fmt: skip
    if not abs(value) < LARGEST:
        return None
    apart = max(abs(value - middle) - error, 0.0)
    return value, float(np.sqrt(error**2 + apart**2 + LEAST_ERROR**2))


def _means(charges: Floats) -> Floats:
    """Mean of the finite charges of each channel; NaN where there are none."""
    finite = np.isfinite(charges)
    number = finite.sum(axis=0)
    total = np.where(finite, charges, 0.0).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = total / number
    return found


def _ends(charges: Floats) -> NDArray[Any]:
    """Which channels heap events up at one greatest charge."""
    high = np.max(charges, axis=0, where=np.isfinite(charges), initial=-np.inf)
    found: NDArray[Any] = (charges == high).mean(axis=0) > CLIPPED
    return found


def _whole(charges: Floats) -> Floats:
    """Rows that are finite in all channels."""
    found: Floats = charges[np.isfinite(charges).all(axis=1)]
    return found


def _shared(charges: Floats, weights: Floats) -> tuple[float, float, float]:
    """Covariance that channels of a mean of one share, its uncertainty, and the middle pair's."""
    away = charges - charges.mean(axis=0)
    some = away * weights
    number = weights.sum() ** 2 - (weights**2).sum()
    each = (some.sum(axis=1) ** 2 - (some**2).sum(axis=1)) / number
    pairs = np.triu_indices(len(weights), 1)
    middle = float(np.median((away.T @ away / len(away))[pairs]))
    return float(each.mean()), float(each.std() / np.sqrt(len(each))), middle
