"""Maximum-likelihood fit of many charge spectra at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mppcqa.physics._cores import on_all_cores
from mppcqa.physics._fit import (
    BAD_COUNTS,
    FEW_BINS,
    FEW_EVENTS,
    LONGEST,
    MISFIT,
    NO_PEAKS,
    NO_SIGNAL,
    NOT_CONVERGED,
    OK,
    fit_all,
)
from mppcqa.physics._fourier import twiddles
from mppcqa.physics._model import N_PARAMETERS, Floats
from mppcqa.physics._pulse import PulseShape, ray_matrices

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
MESSAGES = {
    OK: "",
    FEW_EVENTS: "fewer than 100 events",
    NO_PEAKS: "no peak spacing found: the photoelectron peaks are not separated",
    NOT_CONVERGED: "the fit did not converge",
    BAD_COUNTS: "the counts are not finite numbers of at least zero",
    FEW_BINS: "all events lie in fewer than five bins",
    MISFIT: "the spectrum is not that of one device: peaks of more than one spacing, or none",
    NO_SIGNAL: "too few events above the pedestal to tell the gain",
}
FEWEST_EVENTS = 100
FREQUENCIES = 1536
CIRCLE = np.stack(twiddles(2 * LONGEST))


@dataclass(frozen=True)
class SpectrumFits:
    """Fitted parameters of n spectra; NaN where the status is not 0.

    values, errors
        (n, 8): the parameters in the order of `PARAMETERS`, charges in the unit of the edges.
    covariance
        (n, 8, 8).
    chi2, ndf
        (n,): Pearson's chi-squared over bins of at least 10 expected events.
    status
        (n,): 0 where the fit is good, else the reason, see `message`.
    """

    values: Floats
    errors: Floats
    covariance: Floats
    chi2: Floats
    ndf: NDArray[np.int64]
    status: NDArray[np.int64]

    def message(self, i: int) -> str:
        """Why fit `i` failed, in words; empty where it did not."""
        return MESSAGES[int(self.status[i])]

    def get(self, name: str) -> tuple[Floats, Floats]:
        """Values and standard uncertainties (n,) of one parameter."""
        i = PARAMETERS.index(name)
        return self.values[:, i], self.errors[:, i]

    def part(self, start: int, stop: int) -> SpectrumFits:
        """Fits start to stop - 1 alone."""
        cut = slice(start, stop)
        return SpectrumFits(
            self.values[cut],
            self.errors[cut],
            self.covariance[cut],
            self.chi2[cut],
            self.ndf[cut],
            self.status[cut],
        )

    @property
    def crosstalk_probability(self) -> tuple[Floats, Floats]:
        """Probability that an avalanche has a crosstalk child, 1 - exp(-mean children)."""
        children, error = self.get("crosstalk_children")
        return 1 - np.exp(-children), error * np.exp(-children)


DEFAULT_PULSE = PulseShape()
PIECE = 8
"""Spectra that a core takes at a time."""


def fit_spectra(
    counts: ArrayLike,
    edges: ArrayLike,
    *,
    dark_counts: ArrayLike | None = None,
    light: bool = True,
    pulse: PulseShape = DEFAULT_PULSE,
    model: Literal["full", "simple"] = "full",
) -> SpectrumFits:
    """Fit n binned charge spectra at once, each with its dark spectrum where given.

    counts
        (n, bins) events a bin; `light=False` says that these were taken in the dark.
    edges
        (n, bins + 1) or (bins + 1,), evenly spaced.
    dark_counts
        (n, bins): spectra of the same channels in the dark, in the same bins. They share all
        parameters but the light, and fix the dark counts inside the gate.
    pulse
        The station's pulse and gate, which say how dark counts and afterpulses are cut.
    model
        "full" knows dark counts in and before the gate, and afterpulses. "simple" is a generalised
        Poisson distribution of Gaussian peaks (Vinogradov, NIM A 695 (2012) 247): quicker, and
        right only where neither matters; for light spectra alone.

    The starting values come from the spectra themselves. Uncertainties are from the inverse
    Fisher information. See `mppcqa.physics._model` for the model and its source.

    >>> import numpy as np
    >>> from mppcqa.physics import fit_spectra, histogram_charges, simulate_charges
    >>> charges = simulate_charges(np.random.default_rng(1), 20000, mean_light_pe=1.5, gain=40.0)
    >>> counts, edges, _ = histogram_charges(charges[:, None])
    >>> fits = fit_spectra(counts, edges)
    >>> gain, error = fits.get("gain")
    >>> bool(abs(gain[0] - 40) < 4 * error[0])
    True
    """
    lit = np.ascontiguousarray(np.atleast_2d(np.asarray(counts, float)))
    n, bins = lit.shape
    all_edges = np.broadcast_to(np.asarray(edges, float), (n, bins + 1))
    steps = np.diff(all_edges)
    if not np.all(np.abs(steps - steps[:, :1]) <= 1e-3 * steps[:, :1]):
        raise ValueError("edges must be finite, rise, and be evenly spaced")
    unlit = None if dark_counts is None else np.atleast_2d(np.asarray(dark_counts, float))
    if unlit is not None and unlit.shape != lit.shape:
        raise ValueError(f"dark counts {unlit.shape} must have the shape {lit.shape}")
    simple = model == "simple"
    if simple and (unlit is not None or not light):
        raise ValueError("the simple model knows no dark counts: it is for light spectra alone")
    status = _refuse(lit)
    if unlit is not None:
        status = np.where(status == OK, _refuse(unlit), status)
    width = (all_edges[:, -1] - all_edges[:, 0]) / bins
    theta = np.full((n, N_PARAMETERS), np.nan)
    covariance = np.full((n, N_PARAMETERS, N_PARAMETERS), np.nan)
    chi2, ndf = np.full(n, np.nan), np.zeros(n, np.int64)
    dark_rays, after_rays, late = ray_matrices(pulse, FREQUENCIES)
    dark = lit[:1] if unlit is None else np.ascontiguousarray(unlit)
    known = light, unlit is not None, simple, dark_rays, after_rays, late, CIRCLE
    found = theta, covariance, chi2, ndf, status
    todo = np.flatnonzero(status == OK)
    on_all_cores(
        lambda piece: fit_all(lit, dark, piece, *known, *found),
        [todo[first : first + PIECE] for first in range(0, len(todo), PIECE)],
    )
    failed = status != OK
    scale = np.ones((n, N_PARAMETERS))
    scale[:, :4] = width[:, None]
    theta = theta * scale
    theta[:, 0] += all_edges[:, 0]
    covariance = covariance * scale[:, :, None] * scale[:, None, :]
    theta[failed], covariance[failed], chi2[failed] = np.nan, np.nan, np.nan
    with np.errstate(invalid="ignore"):
        errors = np.sqrt(np.einsum("nii->ni", covariance))
    return SpectrumFits(theta, errors, covariance, chi2, ndf, status)


def _refuse(counts: Floats) -> NDArray[np.int64]:
    """Status of what can't be fitted at all."""
    sane = np.isfinite(counts).all(axis=1) & (np.nan_to_num(counts) >= 0).all(axis=1)
    total = np.zeros(len(counts))
    with np.errstate(over="ignore"):
        total[sane] = counts[sane].sum(axis=1)
    status = np.full(len(counts), OK)
    status[total < FEWEST_EVENTS] = FEW_EVENTS
    status[(status == OK) & ((counts > 0).sum(axis=1) < 5)] = FEW_BINS
    status[~sane] = BAD_COUNTS
    return status
