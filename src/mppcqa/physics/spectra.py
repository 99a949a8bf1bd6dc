"""Maximum-likelihood fit of many charge spectra at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc

from mppcqa.physics import _fit as _fit
from mppcqa.physics._apart import addresses, ready
from mppcqa.physics._arrays import Floats
from mppcqa.physics._bins import LONGEST
from mppcqa.physics._climb import N_ALL, SHIFT, WIDER
from mppcqa.physics._cores import on_all_cores
from mppcqa.physics._decays import unsure_of_decay
from mppcqa.physics._drawn import drawn_down
from mppcqa.physics._fourier import twiddles
from mppcqa.physics._model import N_PARAMETERS
from mppcqa.physics._part import MAY_BE_HELD as MAY_BE_HELD
from mppcqa.physics._part import PARAMETERS as PARAMETERS
from mppcqa.physics._part import TROUBLES as TROUBLES
from mppcqa.physics._part import Part, cut, free_but, reach_of
from mppcqa.physics._pulse import PulseShape, ray_matrices
from mppcqa.physics._summit import (
    BAD_COUNTS,
    DOUBTED,
    FEW_BINS,
    FEW_EVENTS,
    GAIN_ONLY,
    IMPOSSIBLE,
    MISFIT,
    NO_LIGHT,
    NO_PEAKS,
    NO_SIGNAL,
    NOT_CONVERGED,
    OK,
)
from mppcqa.physics._systematic import systematic_of
from mppcqa.physics.light import end_of_pedestal, mean_light_from_spectra

MESSAGES = {
    OK: "",
    FEW_EVENTS: "fewer than 100 events",
    NO_PEAKS: "no peak spacing found: the photoelectron peaks are not separated",
    NOT_CONVERGED: "the fit did not converge",
    BAD_COUNTS: "the counts are not finite numbers of at least zero",
    FEW_BINS: "all events lie in fewer than five bins",
    MISFIT: "the spectrum is not that of one device: peaks of more than one spacing, or none",
    NO_SIGNAL: "too few events above the pedestal to tell the gain",
    IMPOSSIBLE: "the model does not hold: more crosstalk, dark counts or afterpulses than can be",
    NO_LIGHT: "no light is seen beside the dark counts: the light may have been off",
    GAIN_ONLY: "the pedestal may not be in the spectrum: the gain is known, and nothing else",
}
FEWEST_EVENTS = 100
FREQUENCIES = 1536
CIRCLE = np.stack(twiddles(2 * LONGEST))


@dataclass(frozen=True)
class SpectrumFits:
    """Fitted parameters of n spectra; NaN where the status is not 0.

    A light spectrum without a pedestal has `GAIN_ONLY` for a status, and its gain alone.

    values, errors
        (n, 8): the parameters in the order of `PARAMETERS`, charges in the unit of the edges.
    covariance
        (n, 8, 8).
    chi2, ndf
        (n,): Pearson's chi-squared over bins of at least 10 expected events; of a misfit too.
    status
        (n,): 0 where the fit is good, else the reason, see `message`.
    troubles, trouble_errors
        (n, 5): what was fitted besides because the spectra showed it, in the order of `TROUBLES`;
        an uncertainty of zero says that it was not, and the value is then the one it was held at.
        The variance of the light is fitted wherever there is light.
    systematic
        (n, 8): the part of `errors` that more events do not lessen.
    events, left_out
        (n,): of both spectra; and how many of them lie beyond the bins that are fitted, where they
        count as lying beyond, or, heaped up by a digitizer, not at all.
    light_p0, light_p0_error
        (n,): light of a pair by the events at its pedestal alone, whatever the model says of the
        others; NaN where there is no pair. See `mean_light_from_spectra`.
    baseline_per_gate, coupling_per_gate
        (n,): a window before the gate whose mean was taken off, and AC coupling; 0 for none.
    """

    values: Floats
    errors: Floats
    covariance: Floats
    chi2: Floats
    ndf: NDArray[np.int64]
    status: NDArray[np.int64]
    troubles: Floats
    trouble_errors: Floats
    systematic: Floats
    events: Floats
    left_out: Floats
    light_p0: Floats
    light_p0_error: Floats
    baseline_per_gate: Floats
    coupling_per_gate: Floats

    @property
    def freed(self) -> NDArray[np.bool_]:
        """Which troubles (n, 5) were fitted with the rest, in the order of `TROUBLES`."""
        return self.trouble_errors > 0

    @property
    def p_value(self) -> Floats:
        """Probability (n,) of a chi-squared at least as large; NaN where the fit failed."""
        with np.errstate(invalid="ignore"):
            found: Floats = chdtrc(np.maximum(self.ndf, 1), self.chi2)
        return found

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Which troubles (n, 5) the spectra show."""
        fitted = self.freed
        at = TROUBLES.index("light_variance")
        with np.errstate(invalid="ignore"):
            fitted[:, at] &= np.abs(self.troubles[:, at]) > 3 * self.trouble_errors[:, at]
        return fitted

    def pulse_of(self, i: int, pulse: PulseShape) -> PulseShape:
        """The pulse that fit `i` was made with where `pulse` was told."""
        window, coupling = float(self.baseline_per_gate[i]), float(self.coupling_per_gate[i])
        return replace(pulse, baseline_per_gate=window, coupling_per_gate=coupling)

    def with_rows(self, rows: ArrayLike, fits: SpectrumFits) -> SpectrumFits:
        """The same fits with those of some rows (m,) from elsewhere."""
        to = {name: value.copy() for name, value in vars(self).items()}
        for name, value in to.items():
            value[np.asarray(rows)] = getattr(fits, name)
        return SpectrumFits(**to)

    def rows(self, rows: ArrayLike) -> SpectrumFits:
        """Fits of some rows (m,) alone."""
        at = np.asarray(rows)
        return SpectrumFits(**{name: value[at] for name, value in vars(self).items()})

    def message(self, i: int) -> str:
        """Why fit `i` failed, in words; empty where it did not."""
        return MESSAGES[int(self.status[i])]

    def get(self, name: str) -> tuple[Floats, Floats]:
        """Values and standard uncertainties (n,) of one parameter."""
        i = PARAMETERS.index(name)
        return self.values[:, i], self.errors[:, i]

    def parts(self, name: str) -> tuple[Floats, Floats, Floats]:
        """Values (n,) of one parameter, and both parts of their uncertainties: statistical, which
        more events would lessen, and systematic."""
        i = PARAMETERS.index(name)
        systematic = self.systematic[:, i]
        with np.errstate(invalid="ignore"):
            statistical = np.sqrt(np.maximum(self.errors[:, i] ** 2 - systematic**2, 0.0))
        return self.values[:, i], statistical, systematic

    def part(self, start: int, stop: int) -> SpectrumFits:
        """Fits start to stop - 1 alone."""
        cut = slice(start, stop)
        return SpectrumFits(**{name: value[cut] for name, value in vars(self).items()})

    @property
    def chi2_per_freedom(self) -> tuple[Floats, Floats]:
        """Chi-squared over its degrees of freedom (n,), and how far chance alone moves it."""
        freedom = np.maximum(self.ndf, 1)
        return self.chi2 / freedom, np.sqrt(2 / freedom) + 0 * self.chi2

    def upper_limit(self, name: str) -> Floats:
        """Upper limit (n,) at 95 % of a parameter at its lower bound of zero; NaN where it is not.

        There the value is zero, and its standard uncertainty the root of the mean square of what it
        may be above: half of a normal distribution that ends at the bound, of which 95 % lie below
        1.96 of it, or, where it falls from the bound steeply, below 2.1.
        """
        value, error = self.get(name)
        with np.errstate(invalid="ignore"):
            return np.where(value <= 0, 2 * error, np.nan)

    @property
    def crosstalk_limit(self) -> Floats:
        """Upper limit (n,) at 95 % of a crosstalk probability of zero; NaN where it is not."""
        return 1 - np.exp(-self.upper_limit("crosstalk_children"))

    @property
    def crosstalk_probability(self) -> tuple[Floats, Floats]:
        """Probability that an avalanche has a crosstalk child, 1 - exp(-mean children)."""
        children, error = self.get("crosstalk_children")
        return 1 - np.exp(-children), error * np.exp(-children)

    @property
    def crosstalk_parts(self) -> tuple[Floats, Floats, Floats]:
        """The same with both parts of its uncertainty, see `parts`."""
        children, statistical, systematic = self.parts("crosstalk_children")
        slope = np.exp(-children)
        return 1 - slope, statistical * slope, systematic * slope


DEFAULT_PULSE = PulseShape()
UNKNOWN_PULSE = PulseShape(known=False)
"""What to give where nothing tells the pulse: the same times, and a fit that knows it."""
LIGHT_MAY_VARY = 0.0135
"""Standard deviation of the variance of the light over its mean's square, about none, where nothing
tells it: that of a source that varies by 0.116 from pulse to pulse, or of 74 pixels."""
PIECE = 8
"""Spectra that a core takes at a time."""


def fit_spectra(
    counts: ArrayLike,
    edges: ArrayLike,
    *,
    dark_counts: ArrayLike | None = None,
    light: bool = True,
    pulse: PulseShape = DEFAULT_PULSE,
    light_variance: tuple[ArrayLike, ArrayLike] | None = None,
    model: Literal["full", "simple"] = "full",
    held: Sequence[str] = (),
    between: tuple[float, float] = (-np.inf, np.inf),
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
        The station's pulse and gate, which say how dark counts and afterpulses are cut. Of
        `UNKNOWN_PULSE` what counts as afterpulses may be crosstalk, which is uncertain by as much.
    light_variance
        What is known beforehand of the variance of the light from pulse to pulse over its mean's
        square, and with what standard uncertainty: numbers, or (n,). See `light_variance_of`, which
        has it from channels that see the same pulses. Default: none, within `LIGHT_MAY_VARY`.
    model
        "full" knows dark counts in and before the gate, and afterpulses. "simple" is a generalised
        Poisson distribution of Gaussian peaks (Vinogradov, NIM A 695 (2012) 247): quicker, and
        right only where neither matters; for light spectra alone.
    held
        Names of `MAY_BE_HELD` that are not free, whatever the spectra show; ValueError for others.
    between
        Charges, in the unit of the edges, between which bins must lie to be fitted. Of what lies
        beyond nothing is known, and `light_p0` is not had.

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
    simple = model == "simple"
    if simple and (dark_counts is not None or not light):
        raise ValueError("the simple model knows no dark counts: it is for light spectra alone")
    lit, unlit, all_edges = _checked(counts, dark_counts, edges)
    known = (0.0, LIGHT_MAY_VARY) if light_variance is None else light_variance
    reach = reach_of(all_edges, *between)
    may = free_but(held)
    lit, unlit = cut(lit, reach), None if unlit is None else cut(unlit, reach)
    value, error = (np.broadcast_to(np.asarray(one, float), len(lit)) for one in known)

    def fit(rows: NDArray[np.int64], shape: PulseShape) -> SpectrumFits:
        dark, part = None if unlit is None else unlit[rows], (may, reach[rows])
        variance = value[rows], error[rows]
        return _fitted(lit[rows], dark, all_edges[rows], light, shape, simple, variance, part)

    found = fit(np.arange(len(lit)), pulse)
    if not simple:
        found = drawn_down(found, pulse, fit, light=light)
        found = unsure_of_decay(found, pulse, fit, light=light)
    told = np.isin(found.status, (OK, MISFIT))
    return replace(found, chi2=np.where(told, found.chi2, np.nan))


def _checked(
    counts: ArrayLike, dark_counts: ArrayLike | None, edges: ArrayLike
) -> tuple[Floats, Floats | None, Floats]:
    """Light, dark and edges as arrays of the same n; ValueError where they do not fit together."""
    lit = np.require(np.atleast_2d(counts), float, ["C", "W"])
    n, bins = lit.shape
    all_edges = np.broadcast_to(np.asarray(edges, float), (n, bins + 1))
    steps = np.diff(all_edges)
    if not np.all(np.abs(steps - steps[:, :1]) <= 1e-3 * steps[:, :1]):
        raise ValueError("edges must be finite, rise, and be evenly spaced")
    if dark_counts is None:
        return lit, None, all_edges
    unlit = np.require(np.atleast_2d(dark_counts), float, ["C", "W"])
    if unlit.shape != lit.shape:
        raise ValueError(f"dark counts {unlit.shape} must have the shape {lit.shape}")
    return lit, unlit, all_edges


def _fitted(
    lit: Floats,
    unlit: Floats | None,
    edges: Floats,
    light: bool,
    pulse: PulseShape,
    simple: bool,
    variance: tuple[ArrayLike, ArrayLike],
    part: Part,
) -> SpectrumFits:
    """Fits with the pulse taken as it is told."""
    n, bins = lit.shape
    light_known = _informed(n, *variance)
    status = _refuse(lit)
    if unlit is not None:
        status = np.where(status == OK, _refuse(unlit), status)
    width = (edges[:, -1] - edges[:, 0]) / bins
    theta = np.full((n, N_ALL), np.nan)
    covariance = np.full((n, N_ALL, N_ALL), np.nan)
    held = np.zeros((n, N_ALL))
    chi2, ndf, left_out = np.full(n, np.nan), np.zeros(n, np.int64), np.full(n, np.nan)
    dark = lit[:1] if unlit is None else unlit
    known = light, unlit is not None, simple, *part, tables_of(pulse)
    found = theta, covariance, held, chi2, ndf, status, left_out
    todo = np.flatnonzero(status == OK)
    code, fit_all = addresses(), ready("fit_all")
    on_all_cores(
        lambda piece: fit_all(code, lit, dark, light_known, piece, *known, *found),
        [todo[first : first + PIECE] for first in range(0, len(todo), PIECE)],
    )
    failed = status != OK
    scale = np.ones((n, N_ALL))
    scale[:, [0, 1, 2, 3, SHIFT, WIDER]] = width[:, None]
    theta = theta * scale
    theta[:, 0] += edges[:, 0]
    covariance = covariance * scale[:, :, None] * scale[:, None, :]
    gain = theta[:, 1].copy(), covariance[:, 1, 1].copy()
    theta[failed], covariance[failed] = np.nan, np.nan
    alone = status == GAIN_ONLY
    theta[alone, 1], covariance[alone, 1, 1] = gain[0][alone], gain[1][alone]
    with np.errstate(invalid="ignore"):
        errors = np.sqrt(np.einsum("nii->ni", covariance))
        poor = chi2 - ndf > DOUBTED * np.sqrt(2.0 * ndf)
    given = {"dark_alone": not light, "light_alone": light and unlit is None}
    systematic = systematic_of(theta, errors, pulse_known=pulse.known, poor=poor, **given)
    errors[:, :N_PARAMETERS] = np.hypot(errors[:, :N_PARAMETERS], systematic)
    # What is known of the light beforehand is in the covariance already.
    systematic = np.hypot(systematic, np.sqrt(held[:, :N_PARAMETERS]) * scale[:, :N_PARAMETERS])
    both = [lit] if unlit is None else [lit, unlit]
    with np.errstate(invalid="ignore", over="ignore"):
        events = np.sum([part.sum(axis=1) for part in both], axis=0)
    light_p0 = np.full((2, n), np.nan)
    ok = status == OK
    whole = bool((part[1] == (0, bins)).all())
    if light and unlit is not None and ok.any() and whole:
        end = end_of_pedestal(*theta[ok, :4].T)
        light_p0[:, ok] = mean_light_from_spectra(lit[ok], unlit[ok], edges[ok], end)
    main, more = slice(None, N_PARAMETERS), slice(N_PARAMETERS, None)
    return SpectrumFits(
        theta[:, main],
        errors[:, main],
        covariance[:, main, main],
        chi2,
        ndf,
        status,
        theta[:, more],
        errors[:, more],
        systematic,
        events,
        left_out,
        light_p0[0],
        light_p0[1],
        np.full(n, pulse.baseline_per_gate),
        np.full(n, pulse.coupling_per_gate),
    )


def _informed(n: int, value: ArrayLike, error: ArrayLike) -> Floats:
    """What is known of the light's variance as values and information (n, 2)."""
    known = np.empty((n, 2))
    known[:, 0], known[:, 1] = value, error
    if not (np.isfinite(known).all() and (known[:, 1] > 0).all()):
        raise ValueError("the variance of the light must be finite, with uncertainties above zero")
    known[:, 1] **= -2.0
    return known


def tables_of(pulse: PulseShape) -> tuple[NDArray[Any], ...]:
    """What `_climb.evaluate` takes of a pulse, and whether it is known."""
    dark, after, late, reach, below = ray_matrices(pulse, FREQUENCIES)
    return dark, after, np.array([*late, float(pulse.known), reach]), CIRCLE, below


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
