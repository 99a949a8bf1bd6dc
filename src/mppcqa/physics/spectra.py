"""Maximum-likelihood fit of many charge spectra at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mppcqa.physics._model import N_PARAMETERS, BinnedModel, Floats

PARAMETERS = (
    "pedestal",
    "gain",
    "pedestal_width",
    "pe_width",
    "mean_light_pe",
    "crosstalk_children",
    "dark_counts_per_gate",
)
OK = 0
MESSAGES = {
    OK: "",
    1: "fewer than 100 events",
    2: "no peak spacing found: the photoelectron peaks are not separated",
    3: "the fit did not converge",
    4: "the counts are not finite numbers of at least zero",
    5: "all events lie in fewer than five bins",
}
MAX_STEPS = 60


@dataclass(frozen=True)
class SpectrumFits:
    """Fitted parameters of n spectra; NaN where the status is not 0.

    values, errors
        (n, 7): the parameters in the order of `PARAMETERS`, charges in the unit of the edges.
    covariance
        (n, 7, 7).
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

    @property
    def crosstalk_probability(self) -> tuple[Floats, Floats]:
        """Probability that an avalanche has a crosstalk child, 1 - exp(-mean children)."""
        children, error = self.get("crosstalk_children")
        return 1 - np.exp(-children), error * np.exp(-children)


def histogram_charges(
    charges: ArrayLike, bins: int = 460
) -> tuple[NDArray[np.int64], Floats, NDArray[np.int64]]:
    """Histogram each column of charges (events, channels) over its own range.

    Returns counts (channels, bins), edges (channels, bins + 1) and how many charges a channel
    were not finite and left out (channels,). A few empty bins stay at both ends, which the fit's
    periodic grid needs.
    """
    values = np.asarray(charges, float)
    if values.ndim != 2:
        raise ValueError(f"charges must be (events, channels), not {values.shape}")
    channels = values.shape[1]
    counts = np.zeros((channels, bins), np.int64)
    edges = np.zeros((channels, bins + 1))
    bad = np.zeros(channels, np.int64)
    for channel in range(channels):
        column = values[:, channel]
        good = column[np.isfinite(column)]
        bad[channel] = column.size - good.size
        low, high = (good.min(), good.max()) if good.size else (0.0, 1.0)
        margin = 0.03 * max(high - low, 1e-9)
        counts[channel], edges[channel] = np.histogram(good, bins, (low - margin, high + margin))
    return counts, edges, bad


def fit_spectra(
    counts: ArrayLike,
    edges: ArrayLike,
    *,
    dark_counts: ArrayLike | None = None,
    light: bool = True,
    decay_per_gate: float = 0.1,
) -> SpectrumFits:
    """Fit n binned charge spectra at once, each with its dark spectrum where given.

    counts
        (n, bins) events a bin; `light=False` says that these were taken in the dark.
    edges
        (n, bins + 1) or (bins + 1,), evenly spaced.
    dark_counts
        (n, bins): spectra of the same channels in the dark, in the same bins. They share all
        parameters but the light, and fix the dark counts inside the gate.
    decay_per_gate
        Decay time of the pulse as a fraction of the gate, for dark counts that are cut by it.

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
    n_counts = np.atleast_2d(np.asarray(counts, float))
    n, bins = n_counts.shape
    all_edges = np.broadcast_to(np.asarray(edges, float), (n, bins + 1))
    darks = None if dark_counts is None else np.atleast_2d(np.asarray(dark_counts, float))
    if darks is not None and darks.shape != n_counts.shape:
        raise ValueError(f"dark counts {darks.shape} must have the shape {n_counts.shape}")
    status = _refuse(n_counts)
    if darks is not None:
        status = np.where(status == OK, _refuse(darks), status)
    width = (all_edges[:, -1] - all_edges[:, 0]) / bins
    theta = np.full((n, N_PARAMETERS), np.nan)
    covariance = np.full((n, N_PARAMETERS, N_PARAMETERS), np.nan)
    chi2, ndf = np.full(n, np.nan), np.zeros(n, np.int64)
    model = BinnedModel(bins, decay_per_gate)
    good = np.flatnonzero(status == OK)
    if len(good):
        data = _Data(n_counts[good], None if darks is None else darks[good], light)
        fitted = _best_climb(model, data)
        theta[good], covariance[good], converged, chi2[good], ndf[good], _ = fitted
        status[good[~converged]] = 3
        apart = theta[good, 1] > SEPARATION * np.hypot(theta[good, 2], theta[good, 3])
        status[good[~apart]] = 2
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
    status = np.zeros(len(counts), np.int64)
    sane = np.isfinite(counts).all(axis=1) & (np.nan_to_num(counts) >= 0).all(axis=1)
    total = np.where(sane, np.nansum(counts, axis=1), 0)
    status[total < 100] = 1
    status[(status == OK) & ((counts > 0).sum(axis=1) < 5)] = 5
    status[~sane] = 4
    return status


class _Data:
    """Spectra to fit: with light, and in the dark, where each is there."""

    def __init__(self, counts: Floats, darks: Floats | None, light: bool) -> None:
        self.counts = counts
        self.darks = darks
        self.light = light
        self.pedestal_counts = counts if darks is None else darks

    def subset(self, keep: NDArray[np.bool_]) -> _Data:
        darks = None if self.darks is None else self.darks[keep]
        return _Data(self.counts[keep], darks, self.light)

    def parts(self) -> list[tuple[Floats, float]]:
        parts = [(self.counts, 1.0 if self.light else 0.0)]
        if self.darks is not None:
            parts.append((self.darks, 0.0))
        return parts

    def free(self) -> NDArray[np.int64]:
        """Numbers of the parameters that these data determine."""
        if not self.light:
            return np.array([0, 1, 2, 3, 5, 6])
        return np.arange(N_PARAMETERS) if self.darks is not None else np.arange(6)


def _information(model: BinnedModel, data: _Data, theta: Floats) -> tuple[Floats, Floats, Floats]:
    """Log-likelihood (n,), score (n, 7) and Fisher information (n, 7, 7)."""
    n = len(theta)
    log_likelihood = np.zeros(n)
    score = np.zeros((n, N_PARAMETERS))
    fisher = np.zeros((n, N_PARAMETERS, N_PARAMETERS))
    for counts, light in data.parts():
        p, dp = model(theta, np.full(n, light))
        log_likelihood += (counts * np.log(p)).sum(axis=1)
        score += np.einsum("nb,npb->np", counts / p, dp)
        weighted = dp / p[:, None, :]
        fisher += np.matmul(weighted, dp.transpose(0, 2, 1)) * counts.sum(axis=1)[:, None, None]
    return log_likelihood, score, fisher


RATIOS = (6.0, 8.0, 11.0, 15.0, 4.5, 21.0)
"""Gain over pedestal width, tried where the spectrum's transform shows no clear spacing."""
POOR = 1.25
"""Chi-squared a degree of freedom from which a summit is doubted."""
SEPARATION = 2.0
"""Peaks closer than this many widths can't be told from one another."""
LOWER = np.array([-np.inf, 2.0, 0.2, 1e-3, 1e-6, 0.0, 0.0])
UPPER = np.array([np.inf, np.inf, np.inf, np.inf, 100.0, 0.9, 5.0])


_Climbed = tuple[Floats, Floats, NDArray[np.bool_], Floats, NDArray[np.int64], Floats]


def _best_climb(model: BinnedModel, data: _Data) -> _Climbed:
    """Climb from the likeliest start; where the summit fits badly, from other spacings too.

    Half and double the true spacing are summits of their own: every second peak is missing, or
    every second one is taken for crosstalk.
    """
    start = _start(model, data)
    best = _climb(model, data, start)
    poor = (best[3] > POOR * np.maximum(best[4], 1)) | ~best[2]
    if not poor.any():
        return best
    some = data.subset(poor)
    for factor in (2.0, 0.5):
        first = [_first_peak(counts) for counts in some.pedestal_counts]
        gains = np.clip(best[0][poor, 1] * factor, 3.0, model.bins / 2)
        again = np.array([_guess(some, i, *first[i], float(gain)) for i, gain in enumerate(gains)])
        other = _climb(model, some, again)
        better = other[5] > best[5][poor]
        at = np.flatnonzero(poor)[better]
        for mine, theirs in zip(best, other, strict=True):
            mine[at] = theirs[better]
    return best


def _climb(model: BinnedModel, data: _Data, theta: Floats) -> _Climbed:
    """Fisher scoring with damping, for all spectra side by side."""
    n = len(theta)
    free = data.free()
    damping = np.full(n, 1e-3)
    converged = np.zeros(n, bool)
    log_l, score, fisher = _information(model, data, theta)
    open_ = np.ones(n, bool)
    for _ in range(MAX_STEPS):
        at = np.flatnonzero(open_)
        if not len(at):
            break
        step = _step(score[at], fisher[at], theta[at], free, damping[at])
        trial = np.clip(theta[at] + step, LOWER, UPPER)
        some = data.subset(open_)
        new_l, new_score, new_fisher = _information(model, some, trial)
        better = new_l >= log_l[at] - 1e-9 * np.abs(log_l[at])
        gained = new_l - log_l[at]
        good = at[better]
        theta[good] = trial[better]
        log_l[good], score[good], fisher[good] = (
            new_l[better],
            new_score[better],
            new_fisher[better],
        )
        damping[at] = np.where(better, damping[at] * 0.1, damping[at] * 10)
        done = better & (gained < 1e-4)
        converged[at[done]] = True
        open_[at[done | (damping[at] > 1e8)]] = False
    covariance = _invert(fisher, free)
    chi2, ndf = _chi2(model, data, theta, len(free))
    converged &= np.isfinite(np.einsum("nii->ni", covariance)[:, free]).all(axis=1)
    return theta, covariance, converged, chi2, ndf, log_l


def _step(
    score: Floats, fisher: Floats, theta: Floats, free: NDArray[np.int64], damping: Floats
) -> Floats:
    """Damped scoring step; a parameter that presses against its bound stays there."""
    stuck = ((theta <= LOWER) & (score < 0)) | ((theta >= UPPER) & (score > 0))
    moves = np.zeros(N_PARAMETERS, bool)
    moves[free] = True
    moves = moves[None, :] & ~stuck
    matrix = np.where(moves[:, :, None] & moves[:, None, :], fisher, 0.0)
    diagonal = np.einsum("nii->ni", matrix).copy()
    extra = np.where(moves, damping[:, None] * diagonal + 1e-12, 1.0)
    matrix[:, np.arange(N_PARAMETERS), np.arange(N_PARAMETERS)] += extra
    gradient = np.where(moves, score, 0.0)
    step: Floats = np.linalg.solve(matrix, gradient[:, :, None])[:, :, 0]
    # No width, gain or light changes by more than a third in one step.
    limit = np.full_like(theta, np.inf)
    limit[:, 0] = 0.3 * theta[:, 1]
    limit[:, 1:5] = 0.35 * theta[:, 1:5]
    limit[:, 5:] = 0.2
    return np.clip(step, -limit, limit)


def _invert(fisher: Floats, free: NDArray[np.int64]) -> Floats:
    """Covariance of the free parameters; zero for those that were held."""
    covariance = np.zeros_like(fisher)
    inner = fisher[:, free[:, None], free[None, :]]
    size = np.sqrt(np.maximum(np.einsum("nii->ni", inner), 1e-30))
    normal = inner / size[:, :, None] / size[:, None, :]
    try:
        inverse = np.linalg.inv(normal)
    except np.linalg.LinAlgError:
        inverse = np.array([_inverse_or_nan(one) for one in normal])
    inverse = inverse / size[:, :, None] / size[:, None, :]
    bad = (np.einsum("nii->ni", inverse) < 0).any(axis=1)
    inverse[bad] = np.nan
    covariance[:, free[:, None], free[None, :]] = inverse
    return covariance


def _inverse_or_nan(matrix: Floats) -> Floats:
    try:
        inverse: Floats = np.linalg.inv(matrix).astype(float)
        return inverse
    except np.linalg.LinAlgError:
        return np.full_like(matrix, np.nan)


def _chi2(
    model: BinnedModel, data: _Data, theta: Floats, parameters: int
) -> tuple[Floats, NDArray[np.int64]]:
    chi2 = np.zeros(len(theta))
    ndf = np.full(len(theta), -parameters, np.int64)
    for counts, light in data.parts():
        p, _ = model(theta, np.full(len(theta), light))
        expected = p * counts.sum(axis=1)[:, None]
        used = expected >= 10
        chi2 += np.where(used, (counts - expected) ** 2 / np.where(used, expected, 1), 0).sum(1)
        ndf += used.sum(axis=1) - 1
    return chi2, np.maximum(ndf, 1)


def _start(model: BinnedModel, data: _Data) -> Floats:
    """Starting values from the spectra themselves: the likeliest of several peak spacings."""
    n = len(data.counts)
    candidates = []
    for i in range(n):
        q0, s0 = _first_peak(data.pedestal_counts[i])
        gains = (_spacings(data.counts[i], s0) + [s0 * ratio for ratio in RATIOS])[: len(RATIOS)]
        candidates.append([_guess(data, i, q0, s0, gain) for gain in gains])
    trials = np.array(candidates)
    likelihoods = [_information(model, data, trials[:, k])[0] for k in range(len(RATIOS))]
    best = np.argmax(np.stack(likelihoods, axis=1), axis=1)
    chosen: Floats = trials[np.arange(n), best]
    return chosen


def _first_peak(counts: Floats) -> tuple[float, float]:
    """Position and width of the leftmost prominent peak, in bins."""
    total = counts.sum()
    smooth = np.convolve(counts, np.ones(3) / 3, "same")
    first = int(np.searchsorted(np.cumsum(counts), 0.002 * total))
    width = 2
    peak = first
    while width < len(counts):
        window = smooth[first : first + width]
        peak = first + int(np.argmax(window))
        if peak < first + width // 2 and smooth[peak] > 0.004 * total / max(width, 1):
            break
        width *= 2
    left = counts[: peak + 1]
    distance = peak - np.arange(len(left))
    near = left > 0.02 * max(counts[peak], 1)
    variance = (left * distance**2)[near].sum() / max(left[near].sum() - 0.5 * left[-1], 1)
    return peak + 0.5, float(np.clip(np.sqrt(variance), 0.5, len(counts) / 8))


def _spacings(counts: Floats, s0: float) -> list[float]:
    """Candidate peak spacings in bins, most pronounced first, from the spectrum's transform."""
    length = 8 * len(counts)
    transform = np.abs(np.fft.rfft(counts, length)) / counts.sum()
    omega = 2 * np.pi * np.arange(len(transform)) / length
    whitened = transform * np.exp(np.minimum(0.5 * (omega * s0) ** 2, 8.0))
    noise = np.exp(np.minimum(0.5 * (omega * s0) ** 2, 8.0)) / np.sqrt(counts.sum())
    inner = np.flatnonzero(
        (whitened[1:-1] > whitened[:-2])
        & (whitened[1:-1] >= whitened[2:])
        & (whitened[1:-1] > 6 * noise[1:-1])
    )
    inner = inner + 1
    inner = inner[(omega[inner] > 2 * np.pi / (0.7 * len(counts))) & (omega[inner] < 2.6 / s0)]
    order = inner[np.argsort(-whitened[inner])][:3]
    return [float(2 * np.pi / omega[j]) for j in order]


def _guess(data: _Data, i: int, q0: float, s0: float, gain: float) -> Floats:
    """All parameters for a given peak spacing, from pedestal fractions and moments."""
    centres = np.arange(data.counts.shape[1]) + 0.5

    def below(counts: Floats) -> float:
        fraction = counts[centres < q0 + gain / 2].sum() / counts.sum()
        return float(np.clip(fraction, 1e-4, 1 - 1e-4))

    counts = data.counts[i]
    dark = data.darks[i] if data.darks is not None else (None if data.light else counts)
    nu = -np.log(below(dark)) if dark is not None else 0.0
    mu = max(-np.log(below(counts)) - nu, 0.02) if data.light else 0.0
    above = (centres * counts).sum() / counts.sum() - q0
    expected = (mu + nu) * gain
    lam = float(np.clip(1 - expected / max(above, 1e-9), 0.02, 0.5))
    return np.array([q0, gain, s0, 0.07 * gain, mu, lam, nu])
