"""Light and excess noise from pairs of spectra, and how the light of a station is spread."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from mppcqa.physics._arrays import Floats
from mppcqa.physics.detection import mean_light_from_p0
from mppcqa.physics.lines import LineError

if TYPE_CHECKING:
    from mppcqa.physics.spectra import SpectrumFits

CLEAR_WIDTHS = 4.0
"""Widths of the one photoelectron peak that the pedestal's end stays below it."""


def pedestal_end(fits: SpectrumFits) -> Floats:
    """Charge (n,) below which an event of each fitted spectrum counts as one without a pulse.

    Half a gain above the pedestal, or less where the first peak is so wide that it would reach
    down there. NaN where the fit failed.

    >>> import numpy as np
    >>> from mppcqa.physics import fit_spectra, histogram_charges, simulate_charges
    >>> charges = simulate_charges(np.random.default_rng(1), 20000, mean_light_pe=1.5, gain=40.0)
    >>> counts, edges, _ = histogram_charges(charges[:, None])
    >>> bool(abs(pedestal_end(fit_spectra(counts, edges))[0] - 17) < 1)
    True
    """
    names = ("pedestal", "gain", "pedestal_width", "pe_width")
    return end_of_pedestal(*(fits.get(name)[0] for name in names))


def end_of_pedestal(pedestal: Floats, gain: Floats, zero: Floats, one: Floats) -> Floats:
    """The same of places and widths (n,)."""
    width = np.hypot(zero, one)
    end: Floats = pedestal + np.clip(gain - CLEAR_WIDTHS * width, 0.0, 0.5 * gain)
    return end


def mean_light_from_spectra(
    light_counts: ArrayLike, dark_counts: ArrayLike, edges: ArrayLike, end: ArrayLike
) -> tuple[Floats, Floats]:
    """Mean photoelectrons a pulse (n,) from n pairs of spectra, whatever the crosstalk.

    Events below `end` (n,) (see `pedestal_end`; the nearest edge is taken) of the spectra with
    light and in the dark (n, bins), in the same bins of `edges` (n, bins + 1) or (bins + 1,), are
    those without a photoelectron: mu = -ln P0(light) + ln P0(dark) takes off what dark counts add
    (Otte et al., NIM A 846 (2017) 106). Returns values and standard uncertainties, NaN where no
    such event is left. Raises `ValueError` for shapes that don't fit and counts that are none.

    >>> import numpy as np
    >>> from mppcqa.physics import histogram_pairs, simulate_charges
    >>> rng = np.random.default_rng(1)
    >>> lit, dark = (simulate_charges(rng, 50000, mean_light_pe=mu, gain=40.0,
    ...     crosstalk_probability=0.3)[:, None] for mu in (1.5, 0.0))
    >>> light_counts, dark_counts, edges, _ = histogram_pairs(lit, dark)
    >>> mu, error = mean_light_from_spectra(light_counts, dark_counts, edges, [17.0])
    >>> bool(abs(mu[0] - 1.5) < 3 * error[0])
    True
    """
    light, dark, edge = _pairs(light_counts, dark_counts, edges)
    level = np.broadcast_to(np.asarray(end, float), len(light))
    known = np.isfinite(level)
    nearest = np.abs(edge - np.where(known, level, 0.0)[:, None]).argmin(axis=1)
    below = np.arange(light.shape[1]) < nearest[:, None]
    mu, error = mean_light_from_p0(
        (light * below).sum(axis=1),
        light.sum(axis=1),
        (dark * below).sum(axis=1),
        dark.sum(axis=1),
    )
    return np.where(known, mu, np.nan), np.where(known, error, np.nan)


def excess_noise_factor(
    light_counts: ArrayLike,
    dark_counts: ArrayLike,
    edges: ArrayLike,
    mean_light_pe: ArrayLike,
    mean_light_error: ArrayLike,
) -> tuple[Floats, Floats]:
    """Excess noise factor (n,): variance of the light's charge over what Poisson alone makes.

    F = mu var(q) / mean(q)^2 (Vinogradov, NIM A 695 (2012) 247), mean and variance those of the
    light alone, that is those of the spectra with light (n, bins) less those in the dark (n, bins),
    in the same bins of `edges` (n, bins + 1) or (bins + 1,). `mean_light_pe` (n,) with its
    uncertainty is from a fit or from `mean_light_from_spectra`; it is taken as independent of mean
    and variance, which overstates the result's uncertainty a little where it is from the same
    events. Crosstalk of mean children l makes 1 / (1 - l). Returns values and standard
    uncertainties, NaN where no light is seen. Raises `ValueError` as `mean_light_from_spectra`.

    >>> import numpy as np
    >>> from mppcqa.physics import histogram_pairs, simulate_charges
    >>> rng = np.random.default_rng(1)
    >>> lit, dark = (simulate_charges(rng, 50000, mean_light_pe=mu, gain=40.0,
    ...     pe_width=0.0, crosstalk_probability=0.2)[:, None] for mu in (2.0, 0.0))
    >>> factor, error = excess_noise_factor(*histogram_pairs(lit, dark)[:3], 2.0, 0.0)
    >>> bool(abs(factor[0] - 1 / (1 + np.log(0.8))) < 4 * error[0])
    True
    """
    light, dark, edge = _pairs(light_counts, dark_counts, edges)
    mu, mu_error = np.asarray(mean_light_pe, float), np.asarray(mean_light_error, float)
    with np.errstate(all="ignore"):
        (mean, variance, ofs), (no_mean, no_variance, no_ofs) = (
            _moments(part, edge) for part in (light, dark)
        )
        mean, variance = mean - no_mean, variance - no_variance
        of_mean, of_variance, of_both = ofs + no_ofs
        value = mu * variance / mean**2
        relative = (
            of_variance / variance**2
            - 4 * of_both / (variance * mean)
            + 4 * of_mean / mean**2
            + (mu_error / mu) ** 2
        )
        good = (mean > 0) & (variance > 0) & (mu > 0) & (relative >= 0)
        return np.where(good, value, np.nan), np.where(good, value * np.sqrt(relative), np.nan)


def _pairs(light: ArrayLike, dark: ArrayLike, edges: ArrayLike) -> tuple[Floats, Floats, Floats]:
    lit, unlit = (np.atleast_2d(np.asarray(part, float)) for part in (light, dark))
    if lit.shape != unlit.shape or lit.ndim != 2:
        raise ValueError(f"spectra with light {lit.shape} and in the dark {unlit.shape} differ")
    for part in (lit, unlit):
        if not (np.isfinite(part).all() and (part >= 0).all()):
            raise ValueError("counts must be finite numbers of at least zero")
    edge = np.asarray(edges, float)
    if edge.shape not in ((lit.shape[1] + 1,), (len(lit), lit.shape[1] + 1)):
        raise ValueError(f"edges {edge.shape} must have one more than the {lit.shape[1]} bins")
    if not (np.diff(edge) > 0).all():
        raise ValueError("edges must be finite and rise")
    return lit, unlit, np.broadcast_to(edge, (len(lit), lit.shape[1] + 1))


def _moments(counts: Floats, edges: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean and variance (n,) of spectra, and variance of each and covariance of both (3, n)."""
    n = counts.sum(axis=1)
    middle = (edges[:, 1:] + edges[:, :-1]) / 2
    mean = (counts * middle).sum(axis=1) / n
    away = middle - mean[:, None]
    second, third, fourth = ((counts * away**k).sum(axis=1) / n for k in (2, 3, 4))
    return mean, second, np.array([second, fourth - second**2, third]) / n


@dataclass(frozen=True)
class LightField:
    """Light over the plane of a station: ln(light) is a polynomial of the place."""

    powers: tuple[tuple[int, int], ...]
    """Powers of x and y of each term."""
    terms: Floats
    """(terms,) in units of `scale_mm` from `centre_mm`."""
    covariance: Floats
    """(terms, terms)."""
    centre_mm: tuple[float, float]
    scale_mm: float
    chi2: float
    ndf: int

    def factors(
        self, x_mm: ArrayLike, y_mm: ArrayLike, reference_mm: tuple[float, float]
    ) -> tuple[Floats, Floats]:
        """Position factors (n,) of places and their covariance (n, n).

        How many times the light at the reference detector's place comes to each: the photons that
        the reference saw, times this, are those of `detection_efficiency`. The covariance tells
        what channels share. Places far outside of those that were measured are a guess.
        """
        at = np.array([np.ravel(x_mm), np.ravel(y_mm)], float)
        here = self._design(*at) - self._design(*np.array(reference_mm, float)[:, None])
        value = np.exp(here @ self.terms)
        gradient = value[:, None] * here
        return value, gradient @ self.covariance @ gradient.T

    def _design(self, x: Floats, y: Floats) -> Floats:
        u, v = (x - self.centre_mm[0]) / self.scale_mm, (y - self.centre_mm[1]) / self.scale_mm
        return np.stack([u**i * v**j for i, j in self.powers], axis=1)


def fit_light_field(
    x_mm: ArrayLike, y_mm: ArrayLike, light: ArrayLike, error: ArrayLike, *, degree: int = 2
) -> LightField:
    """The light field from light (n,) that one detector saw at n places, in any unit.

    ln(light) is a polynomial of the place of that `degree`: with 2, a beam of Gaussian profile is
    exact. Weighted by the standard uncertainties `error` (n,); where the points scatter more than
    they say, the covariance grows by that. Points that are not finite or not positive are left
    out. Raises `LineError` where the places don't tell the terms apart.

    >>> import numpy as np
    >>> x, y = (part.ravel() for part in np.meshgrid(np.linspace(-9, 9, 4), np.linspace(-9, 9, 4)))
    >>> beam = 50 * np.exp(-((x - 1) ** 2 + y**2) / (2 * 15**2))
    >>> field = fit_light_field(x, y, beam, np.full(16, 0.01))
    >>> factor, covariance = field.factors([1.0], [15.0], (1.0, 0.0))
    >>> float(round(factor[0], 4))
    0.6065
    """
    if degree not in range(7):
        raise ValueError(f"a polynomial of degree {degree}: 0 to 6 are known")
    x, y, z, e = (np.asarray(part, float).ravel() for part in (x_mm, y_mm, light, error))
    if not len(x) == len(y) == len(z) == len(e):
        raise ValueError("places, light and uncertainties must be lists of one length")
    good = np.isfinite(x) & np.isfinite(y) & np.isfinite(z) & np.isfinite(e) & (z > 0) & (e > 0)
    x, y, z, e = x[good], y[good], z[good], e[good]
    powers = tuple((i, j) for i, j in product(range(degree + 1), repeat=2) if i + j <= degree)
    if len(x) < len(powers):
        raise LineError(f"{len(x)} usable places for a light field of {len(powers)} terms")
    centre = (float(x.mean()), float(y.mean()))
    scale = float(max(np.ptp(x), np.ptp(y), 1e-9)) / 2
    empty = LightField(powers, np.empty(0), np.empty((0, 0)), centre, scale, 0.0, 0)
    sigma = e / z
    design = empty._design(x, y) / sigma[:, None]
    size = np.maximum(np.linalg.norm(design, axis=0), 1e-300)
    if np.linalg.matrix_rank(design / size) < len(powers):
        raise LineError("the places lie on too few lines to tell the light field's terms apart")
    covariance = np.linalg.inv(design.T @ design)
    terms = covariance @ design.T @ (np.log(z) / sigma)
    residuals = np.log(z) / sigma - design @ terms
    chi2, ndf = float(residuals @ residuals), len(x) - len(powers)
    if ndf > 0 and chi2 > ndf:
        covariance = covariance * chi2 / ndf
    return LightField(powers, terms, covariance, centre, scale, chi2, ndf)
