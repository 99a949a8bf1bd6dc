"""Characteristic function of a charge spectrum and its derivatives, compiled.

The charge of an event is the sum of independent parts, so the logarithm of its characteristic
function is a sum: noise, light (a Poisson number of avalanches, each with its tree of crosstalk
descendants: Vinogradov, NIM A 695 (2012) 247), and dark counts that arrive at any time, of which
the gate sees a fraction.

Parameters, charges in bins: 0 pedestal, 1 gain, 2 pedestal width, 3 width a photoelectron,
4 mean light, 5 mean number of crosstalk children an avalanche, 6 dark counts a gate.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

N_PARAMETERS = 7
NEWTON_STEPS = 3
FLOOR = 1e-9
"""Least probability of a bin."""

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]


def arrival_nodes(decay_per_gate: float) -> tuple[Floats, Floats]:
    """Fractions of a full charge that the gate sees of a dark count, and their weights.

    Weights are times in gates, so that they add up to one gate plus what arrives before it. For a
    pulse that decays exponentially with `decay_per_gate` gates: an arrival inside the gate is cut
    at its end, one before the gate leaves its tail inside.
    """
    x, w = np.polynomial.legendre.leggauss(12)
    x, w = (x + 1) / 2, w / 2
    rho = decay_per_gate
    turn = min(1.0, 8 * rho)
    inside = 1 - np.exp(-turn * x / rho)
    fractions = [inside, x]
    weights = [turn * w, rho * w / x]
    if turn < 1:
        fractions.append(np.array([1.0]))
        weights.append(np.array([1 - turn]))
    return np.concatenate(fractions), np.concatenate(weights)


@njit(cache=True, inline="always")
def _avalanche(omega: float, gain: float, width: float, children: float):  # type: ignore[no-untyped-def]
    """Transform of one avalanche with its crosstalk tree: B = z exp(children (B - 1))."""
    z = np.exp(1j * omega * gain - 0.5 * (omega * width) ** 2)
    b = z
    for _ in range(NEWTON_STEPS):
        e = z * np.exp(children * (b - 1))
        b = b - (b - e) / (1 - children * e)
    return b


@njit(cache=True, parallel=True)
def characteristic(  # type: ignore[no-untyped-def]
    theta, omega, fractions, weights, light, phi, dphi
):
    """Fill phi (n, nf) and dphi (n, 7, nf) for parameters theta (n, 7) at omega (nf,).

    `light` (n,) is 1 where the spectrum was taken with light, 0 in the dark.
    """
    n, nf = phi.shape
    for i in prange(n):
        q0, gain, s0, s1, mu, lam, nu = theta[i]
        for j in range(nf):
            w = omega[j]
            b = _avalanche(w, gain, s1, lam)
            # dB/dx = B / (1 - lam B) d(ln z)/dx, dB/dlam = B (B - 1) / (1 - lam B)
            slope = b / (1 - lam * b)
            log_phi = 1j * w * q0 - 0.5 * (w * s0) ** 2
            d_gain = 0j
            d_width = 0j
            d_lam = 0j
            if light[i] > 0:
                log_phi += mu * (b - 1)
                d_gain += mu * slope * 1j * w
                d_width += -mu * slope * w * w * s1
                d_lam += mu * slope * (b - 1)
            dark = 0j
            if nu > 0 or not light[i] > 0:
                for k in range(fractions.size):
                    f = fractions[k]
                    bf = _avalanche(w, gain * f, s1 * f, lam)
                    sf = bf / (1 - lam * bf) * weights[k]
                    dark += weights[k] * (bf - 1)
                    d_gain += nu * sf * 1j * w * f
                    d_width += -nu * sf * w * w * s1 * f * f
                    d_lam += nu * sf * (bf - 1)
            value = np.exp(log_phi + nu * dark)
            phi[i, j] = value
            dphi[i, 0, j] = value * 1j * w
            dphi[i, 1, j] = value * d_gain
            dphi[i, 2, j] = -value * w * w * s0
            dphi[i, 3, j] = value * d_width
            dphi[i, 4, j] = value * (b - 1) * light[i]
            dphi[i, 5, j] = value * d_lam
            dphi[i, 6, j] = value * dark


class BinnedModel:
    """Bin probabilities of spectra on a common grid of bins, with derivatives.

    Charges are in bins: bin j holds the charges from j to j + 1.
    """

    def __init__(self, bins: int, decay_per_gate: float) -> None:
        self.bins = bins
        self.length = 1 << int(np.ceil(np.log2(bins * 1.1)))
        self.omega = 2 * np.pi * np.arange(self.length // 2 + 1) / self.length
        self.fractions, self.weights = arrival_nodes(decay_per_gate)

    def __call__(self, theta: Floats, light: Floats) -> tuple[Floats, Floats]:
        """Probabilities (n, bins) and derivatives (n, 7, bins) for parameters (n, 7)."""
        # Beyond this frequency the noise alone leaves less than 1e-12 of the transform.
        s0 = max(float(theta[:, 2].min()), 0.2)
        used = max(8, int(np.searchsorted(self.omega, 7.5 / s0)))
        omega = self.omega[:used]
        n = len(theta)
        phi = np.empty((n, len(omega)), np.complex128)
        dphi = np.empty((n, N_PARAMETERS, len(omega)), np.complex128)
        characteristic(theta, omega, self.fractions, self.weights, light, phi, dphi)
        factor = np.sinc(omega / (2 * np.pi)) * np.exp(0.5j * omega)
        p = np.fft.irfft(np.conj(phi) * factor, self.length)[:, : self.bins]
        dp = np.fft.irfft(np.conj(dphi) * factor, self.length)[:, :, : self.bins]
        # Below the floor the transform's rounding would rule, and its derivatives would lead a
        # single event far out on the tail to drag the whole fit.
        low = p < FLOOR
        dp[np.broadcast_to(low[:, None, :], dp.shape)] = 0.0
        return np.where(low, FLOOR, p), dp
