"""Dark rate, crosstalk and afterpulses from the pulses of dark waveforms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from iminuit import Minuit
from numpy.typing import ArrayLike, NDArray

from mppcqa.physics._arrivals import negative_log_likelihood
from mppcqa.physics._model import Floats
from mppcqa.physics.pulses import Pulses, find_pulses
from mppcqa.physics.waveforms import PulseTemplate, WaveformError

SIGNIFICANT = 12.0
"""Gain in 2 ln L by which afterpulses must be seen before their time constant is believed."""
EXPECTED_TAU_DECAYS = 2.5
"""Time constant of afterpulses, in decay times of the pulse, where the data show none."""
ISOLATED_DECAYS = 2.0
LEAST_PULSES = 10


@dataclass(frozen=True)
class DarkCounts:
    """What dark waveforms say of a channel; each value with its standard uncertainty."""

    dark_rate_hz: float
    """Rate of primary dark counts: afterpulses taken off, dead time corrected."""
    dark_rate_error_hz: float
    crosstalk_probability: float
    """N(>= 1.5 p.e.) / N(>= 0.5 p.e.) of pulses that begin in quiet, pile-up taken off."""
    crosstalk_error: float
    afterpulse_probability: float
    """Afterpulses an avalanche, the visible ones carried back to zero delay."""
    afterpulse_error: float
    afterpulse_time_s: float
    """Time constant; NaN where the data do not show afterpulses well enough."""
    afterpulse_time_error_s: float
    visible_afterpulses: float
    """Afterpulses an avalanche that reached half a photoelectron: what was seen, not carried."""
    pulse_rate_hz: float
    """All pulses above half a photoelectron, afterpulses too, dead time corrected."""
    pulse_rate_error_hz: float
    pulses: int
    live_s: float
    """Time searched less the dead times."""


def dark_counts(pulses: Pulses, *, recovery_s: float | None = None) -> DarkCounts:
    """Dark rate, crosstalk and afterpulse probability from pulses of dark waveforms.

    Rate and afterpulses come from one likelihood of all arrival times, in which every earlier
    pulse adds its afterpulses to the steady rate, so that the excess over the dark exponential
    (Piemonte et al.; Acerbi & Gundacker, NIM A 926 (2019) 16) is separated at any rate. A pixel
    recovers with `recovery_s` (default: the pulse's decay time), so that an afterpulse is seen
    from 0.69 of it on. Crosstalk follows Eckert et al., NIM A 620 (2010) 217.

    Raises `WaveformError` with fewer than ten pulses.

    >>> import numpy as np
    >>> from mppcqa.physics import find_pulses, simulate_waveforms
    >>> adc, _ = simulate_waveforms(np.random.default_rng(3), 300, 2000, sampling_s=2e-9,
    ...     dark_rate_hz=1e6, crosstalk_probability=0.2)
    >>> found = dark_counts(find_pulses(adc, 2e-9))
    >>> bool(abs(found.dark_rate_hz - 1e6) < 4 * found.dark_rate_error_hz)
    True
    """
    n = len(pulses.time_s)
    if n < LEAST_PULSES:
        raise WaveformError(
            f"{n} pulses in {pulses.live_s:.3g} s are too few for rates; take more waveforms"
        )
    live = pulses.live_s - _dead(pulses)
    fit = _fit_arrivals(pulses, recovery_s)
    crosstalk, crosstalk_error = _crosstalk(pulses, n / live)
    return DarkCounts(
        *fit.rate,
        crosstalk,
        crosstalk_error,
        *fit.probability,
        *fit.tau,
        fit.visible,
        n / live,
        np.sqrt(n) / live,
        n,
        live,
    )


def analyse_dark_waveforms(
    waveforms: ArrayLike,
    sampling_s: float,
    *,
    template: PulseTemplate | None = None,
    full_scale: tuple[float, float] | None = None,
    recovery_s: float | None = None,
) -> tuple[DarkCounts, Pulses]:
    """`find_pulses` and `dark_counts` of waveforms (n, samples) in one call."""
    pulses = find_pulses(waveforms, sampling_s, template=template, full_scale=full_scale)
    return dark_counts(pulses, recovery_s=recovery_s), pulses


@dataclass(frozen=True)
class _Arrivals:
    rate: tuple[float, float]
    probability: tuple[float, float]
    tau: tuple[float, float]
    visible: float


def _fit_arrivals(pulses: Pulses, recovery_s: float | None) -> _Arrivals:
    decay = pulses.template.decay_s
    visible = max(pulses.dead_s, np.log(2) * (decay if recovery_s is None else recovery_s))
    first = np.searchsorted(pulses.waveform, np.arange(len(pulses.status) + 1))
    # In nanoseconds, so that all parameters are of a size that the minimiser likes.
    time, dead, seen = pulses.time_s * 1e9, pulses.dead_s * 1e9, visible * 1e9
    begin, end = pulses.begin_s * 1e9, pulses.end_s * 1e9
    size = np.maximum(np.rint(pulses.amplitude_pe), 1.0)

    def cost(rate: float, after: float, tau: float) -> float:
        return 2 * negative_log_likelihood(
            first, time, size, begin, end, pulses.used, dead, seen, rate, after, tau
        )

    start = len(time) / ((pulses.live_s - _dead(pulses)) * 1e9)
    usual = EXPECTED_TAU_DECAYS * decay * 1e9
    steady = cost(start, 0.0, usual)
    minimiser = Minuit(cost, rate=start, after=0.03, tau=usual)
    minimiser.limits["rate"] = (start * 1e-3, None)
    minimiser.limits["after"] = (0.0, 1.0)
    minimiser.limits["tau"] = (0.3 * seen, max((end - begin) / 5, seen))
    minimiser.fixed["tau"] = True
    minimiser.strategy = 0
    minimiser.migrad()
    shown = steady - float(minimiser.fval) > SIGNIFICANT
    if shown:
        minimiser.fixed["tau"] = False
        minimiser.migrad()
        low, high = minimiser.limits["tau"]
        value = float(minimiser.values["tau"])
        if not low * 1.02 < value < high * 0.98:
            shown = False
            minimiser.values["tau"], minimiser.fixed["tau"] = usual, True
            minimiser.migrad()
    minimiser.hesse()
    rate, after, tau = (float(value) for value in minimiser.values)
    rate_error, after_error, tau_error = (float(error) for error in minimiser.errors)
    if not shown:
        # The rate with no afterpulse at all is as good a witness of its statistical part.
        rate_error = max(rate_error, rate / len(time) ** 0.5)
    none = float("nan")
    return _Arrivals(
        (rate * 1e9, rate_error * 1e9),
        (after, after_error),
        (tau * 1e-9, tau_error * 1e-9) if shown else (none, none),
        after * float(np.exp(-seen / tau)),
    )


def _dead(pulses: Pulses) -> float:
    """Dead time of all pulses, that of the last ones cut at the end of the search [s]."""
    return float(np.minimum(pulses.dead_s, np.maximum(pulses.end_s - pulses.time_s, 0)).sum())


def _crosstalk(pulses: Pulses, rate_hz: float) -> tuple[float, float]:
    quiet = quiet_pulses(pulses, ISOLATED_DECAYS * pulses.template.decay_s)
    amplitude = pulses.amplitude_pe[quiet]
    n = len(amplitude)
    if n == 0:
        return float("nan"), float("nan")
    above = int((amplitude >= 1.5).sum())
    fraction = above / n
    # At zero or all above, the binomial variance of the half-count keeps the uncertainty honest.
    smooth = (above + 0.5) / (n + 1)
    piled = -np.expm1(-rate_hz * pulses.pile_up_s)
    value = 1 - (1 - fraction) / (1 - piled)
    error = np.sqrt(smooth * (1 - smooth) / n) / (1 - piled)
    return float(max(value, 0.0)), float(np.hypot(error, 0.2 * piled))


def quiet_pulses(pulses: Pulses, quiet_s: float) -> NDArray[np.bool_]:
    """Which pulses (pulses,) none precedes within `quiet_s`, nor the beginning of the search."""
    before: Floats = np.diff(pulses.time_s, prepend=0.0)
    first = np.diff(pulses.waveform, prepend=-1) > 0
    before[first] = pulses.time_s[first] - pulses.begin_s
    return before > quiet_s
