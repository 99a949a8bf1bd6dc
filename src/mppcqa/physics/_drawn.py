"""Spectra that are drawn down: a baseline taken before the gate, or AC coupling, of any length.

A dark count before the gate then makes an event's charge less, and what no gate sees in part lies
below the pedestal. Nothing but the spectrum tells that a station does so. Where a fit is poor, or
finds noise in bursts, which look alike, some lengths of both are tried, and lengths beside the
best; the others say by how far the values hang on the length.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mppcqa.physics._pulse import PulseShape
from mppcqa.physics._summit import (
    DOUBTED,
    IMPOSSIBLE,
    MISFIT,
    NO_PEAKS,
    NO_SIGNAL,
    NOT_CONVERGED,
    OK,
)
from mppcqa.physics._systematic import DARK, systematic_of_drawn

if TYPE_CHECKING:
    from mppcqa.physics.spectra import SpectrumFits

Rows = NDArray[np.int64]
WINDOWS = (0.25, 0.5, 1.0)
"""Lengths of a window before the gate, in gates."""
COUPLINGS = (2.0, 5.0)
"""Time constants of AC coupling, in gates."""
BESIDE = (0.71, 1.41)
"""Lengths over the best one that are tried then."""
BOTH = ((0.25, 2.0), (0.25, 5.0), (0.5, 2.0), (0.5, 5.0), (1.0, 2.0), (1.0, 5.0))
"""Both together, in gates: a baseline is taken off what AC coupling has drawn down."""
FAIR = 1.0
"""Standard deviations that chi-squared of one of them may lie in excess, beyond which both together
are tried."""
NEAR_BOTH = 10.0
"""Chi-squared a degree of freedom up to which they are."""
NEAR = 4.0
"""Chi-squared a degree of freedom of the best, up to which these may fit."""
CLEARLY = 15.0
"""By how much chi-squared less its degrees of freedom must be less than without."""
RATE_OPEN = 3.0
"""By how much less the dark rate takes chi-squared's word for a length: a few dark counts drawn
down for long are like more for a shorter time, and lie in bins of fewer than ten events, which
chi-squared leaves out. Of 200 dark rates one lay six of its uncertainties off with a length a
quarter of the true (seed 161501 of `benchmarks.truth`, November 2026)."""
GOOD = 4.0
"""Standard deviations that chi-squared may lie in excess: what hardly fits is something else."""
FAINT = 0.2
"""Mean light below which a spectrum is not taken as drawn down: dark counts that the gate cuts, and
which lengths to choose from explain, pass for light of a wrong gain where it was off. Of 115 such
spectra the two that had a value came out so, with 0.05 (seed 1 of `benchmarks.truth`)."""
DOUBTFUL = (MISFIT, IMPOSSIBLE, NOT_CONVERGED, NO_PEAKS, NO_SIGNAL)

Fit = Callable[[Rows, PulseShape], "SpectrumFits"]


def drawn_down(
    found: SpectrumFits, pulse: PulseShape, fit: Fit, *, light: bool = True
) -> SpectrumFits:
    """The same fits, those as drawn down that are so clearly; `fit` is of some rows alone."""
    if pulse.baseline_per_gate or pulse.coupling_per_gate:
        return found
    with np.errstate(invalid="ignore"):
        poor = found.chi2 - found.ndf > DOUBTED * np.sqrt(2.0 * found.ndf)
    doubted = (found.status == OK) & (poor | found.freed[:, 3])
    rows = np.flatnonzero(doubted | np.isin(found.status, DOUBTFUL))
    if not len(rows):
        return found
    before = np.full(found.status.shape, np.inf)
    before[found.status == OK] = found.chi2[found.status == OK]
    lengths = [(one, 0.0) for one in WINDOWS] + [(0.0, one) for one in COUPLINGS]
    tried, chi2, ndf = _with_lengths(rows, before, pulse, lengths, fit)
    poor = ~(chi2 - ndf <= FAIR * np.sqrt(2.0 * ndf)) & (chi2 < NEAR_BOTH * ndf)
    if poor.any():
        more, less, of_them = _with_lengths(rows[poor], before, pulse, BOTH, fit)
        tried += more
        better = less < chi2[poor]
        chi2[poor], ndf[poor] = np.where(better, (less, of_them), (chi2[poor], ndf[poor]))
    near = (chi2 < before[rows]) & (chi2 < NEAR * ndf)
    return _best_of(found, rows[near], tried, light=light, known=pulse.known)


def _with_lengths(
    rows: Rows,
    before: NDArray[np.float64],
    pulse: PulseShape,
    lengths: Sequence[tuple[float, float]],
    fit: Fit,
) -> tuple[list[tuple[Rows, SpectrumFits]], NDArray[np.float64], NDArray[np.float64]]:
    """Fits of rows with these windows and time constants, then with lengths beside the best of each
    that may fit; and of each row the least chi-squared, with its freedom.

    `before` is chi-squared of every row without. Of both together the time constant is varied.
    """
    tried = []
    for window, coupling in lengths:
        shape = replace(pulse, baseline_per_gate=window, coupling_per_gate=coupling)
        tried.append((rows, fit(rows, shape)))
    best, least, ndf = _least(rows, tried)
    near = (least < before[rows]) & (least < NEAR * ndf)
    for number, (window, coupling) in enumerate(lengths):
        some = rows[near & (best == number)]
        for factor in BESIDE if len(some) else ():
            shape = replace(
                pulse,
                baseline_per_gate=window if coupling else factor * window,
                coupling_per_gate=factor * coupling,
            )
            tried.append((some, fit(some, shape)))
    return tried, *_least(rows, tried)[1:]


def _least(
    rows: Rows, tried: list[tuple[Rows, SpectrumFits]]
) -> tuple[Rows, NDArray[np.float64], NDArray[np.float64]]:
    """Of each row which of what was tried has the least chi-squared, that, and its freedom."""
    best = np.zeros(len(rows), np.int64)
    least, ndf = np.full(len(rows), np.inf), np.ones(len(rows))
    for number, (some, fits) in enumerate(tried):
        at, chi2 = np.searchsorted(rows, some), _known_chi2(fits)
        less = chi2 < least[at]
        best[at[less]], least[at[less]], ndf[at[less]] = number, chi2[less], fits.ndf[less]
    return best, least, ndf


def _known_chi2(fits: SpectrumFits) -> NDArray[np.float64]:
    """Chi-squared (n,), infinite where the fit did not come as far as to have a meaning."""
    return np.where(np.isin(fits.status, (OK, MISFIT)), fits.chi2, np.inf)


def _good_excess(fits: SpectrumFits, faint: float) -> NDArray[np.float64]:
    """Chi-squared less its degrees of freedom (n,), as models that spread events otherwise have
    other bins of enough; infinite where the fit is none or poor, or has less light than that."""
    with np.errstate(invalid="ignore"):
        good = fits.chi2 - fits.ndf <= GOOD * np.sqrt(2.0 * fits.ndf)
        good &= fits.get("mean_light_pe")[0] >= faint
    return np.where((fits.status == OK) & good, fits.chi2 - fits.ndf, np.inf)


def _best_of(
    found: SpectrumFits,
    rows: Rows,
    tried: list[tuple[Rows, SpectrumFits]],
    *,
    light: bool,
    known: bool,
) -> SpectrumFits:
    """`found` with the best of what was tried in these rows, less certain by what the others say:
    each as likely as chi-squared says.

    A spectrum that is as well explained without, only by something that is no value (peaks that are
    not separated, too few events above the pedestal), does not say that it is drawn down: of
    lengths enough to choose from, one makes noise in bursts a device of half the gain.
    """
    names, faint = list(vars(found)), FAINT if light else 0.0
    to = {name: getattr(found, name).copy() for name in names}
    for row in rows:
        here = [(fits, int(np.searchsorted(some, row))) for some, fits in tried if row in some]
        excess = np.array([_good_excess(fits.part(i, i + 1), faint)[0] for fits, i in here])
        without = found.chi2[row] - found.ndf[row]
        told = found.status[row] in (OK, NO_PEAKS, MISFIT) and np.isfinite(without)
        if not excess.min() < (without - CLEARLY if told else np.inf):
            continue
        fits, i = here[int(excess.argmin())]
        for name in names:
            to[name][row] = getattr(fits, name)[i]
        values = np.array([other.values[j] for other, j in here])
        values[~np.isfinite(excess)] = 0.0
        weight = np.exp(0.5 * (excess.min() - excess))
        away = weight @ (values - fits.values[i]) ** 2 / weight.sum()
        weight **= 1 / RATE_OPEN
        off = (values[:, DARK] - fits.values[i, DARK]) ** 2
        away[DARK] = max(away[DARK], weight @ off / weight.sum())
        away += (
            systematic_of_drawn(
                fits.values[i : i + 1],
                float(fits.coupling_per_gate[i]),
                dark_alone=not light,
                pulse_known=known,
            )[0]
            ** 2
        )
        for name in ("errors", "systematic"):
            to[name][row] = np.hypot(to[name][row], np.sqrt(away))
    return replace(found, **to)
