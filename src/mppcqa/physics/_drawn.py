"""Spectra that are drawn down: a baseline taken before the gate, or AC coupling, of any length.

A dark count before the gate then makes an event's charge less, and what no gate sees in part lies
below the pedestal. Nothing but the spectrum tells that a station does so. Where a fit is poor, or
finds noise in bursts, which look alike, some lengths of both are tried, and lengths beside the
best; the others say by how far the values hang on the length.
"""

from __future__ import annotations

from collections.abc import Callable
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
from mppcqa.physics._systematic import systematic_of_drawn

if TYPE_CHECKING:
    from mppcqa.physics.spectra import SpectrumFits

Rows = NDArray[np.int64]
WINDOWS = (0.25, 0.5, 1.0)
"""Lengths of a window before the gate, in gates."""
COUPLINGS = (2.0, 5.0)
"""Time constants of AC coupling, in gates."""
BESIDE = (0.71, 1.41)
"""Lengths over the best one that are tried then."""
NEAR = 4.0
"""Chi-squared a degree of freedom of the best, up to which these may fit."""
CLEARLY = 15.0
"""By how much chi-squared less its degrees of freedom must be less than without."""
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
    first = [replace(pulse, baseline_per_gate=one) for one in WINDOWS]
    first += [replace(pulse, coupling_per_gate=one) for one in COUPLINGS]
    tried = [(rows, fit(rows, one)) for one in first]
    chi2 = np.array([_known_chi2(one) for _, one in tried])
    best, least = chi2.argmin(axis=0), chi2.min(axis=0)
    before = np.where(found.status == OK, found.chi2, np.inf)[rows]
    ndf = np.array([one.ndf for _, one in tried])[best, np.arange(len(rows))]
    near = (least < before) & (least < NEAR * ndf)
    for number, one in enumerate(first):
        some = rows[near & (best == number)]
        for factor in BESIDE if len(some) else ():
            other = replace(
                one,
                baseline_per_gate=factor * one.baseline_per_gate,
                coupling_per_gate=factor * one.coupling_per_gate,
            )
            tried.append((some, fit(some, other)))
    return _best_of(found, rows[near], tried, FAINT if light else 0.0)


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
    found: SpectrumFits, rows: Rows, tried: list[tuple[Rows, SpectrumFits]], faint: float
) -> SpectrumFits:
    """`found` with the best of what was tried in these rows, less certain by what the others say:
    each as likely as chi-squared says.

    A spectrum that is as well explained without, only by something that is no value (peaks that are
    not separated, too few events above the pedestal), does not say that it is drawn down: of
    lengths enough to choose from, one makes noise in bursts a device of half the gain.
    """
    names = list(vars(found))
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
        weight = np.exp(0.5 * (excess.min() - excess))
        values = np.array([other.values[j] for other, j in here])
        values[weight == 0] = 0.0
        away = weight @ (values - fits.values[i]) ** 2 / weight.sum()
        away += systematic_of_drawn(fits.values[i : i + 1])[0] ** 2
        for name in ("errors", "systematic"):
            to[name][row] = np.hypot(to[name][row], np.sqrt(away))
    return replace(found, **to)
