"""Dark rate, crosstalk and afterpulses from the pulses of dark waveforms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mppcqa.physics._arrays import Floats
from mppcqa.physics._arrivals import negative_log_likelihood
from mppcqa.physics.pulses import Pulses, find_pulses
from mppcqa.physics.waveforms import OK, PulseTemplate, WaveformError

if TYPE_CHECKING:
    from iminuit import Minuit

SIGNIFICANT = 12.0
"""Gain in 2 ln L by which afterpulses must be seen before their time constant is believed."""
EXPECTED_TAU_DECAYS = 1.0
"""Time constant of afterpulses, in decay times of the pulse, where the data show none: that of the
fast component, which is about the recovery time (Eckert et al., NIM A 620 (2010) 217)."""
ISOLATED_DECAYS = 2.0
LEAST_PULSES = 4
ENOUGH_FOR_MORE = 10
"""Pulses from which on crosstalk and afterpulses are told: fewer give the rate alone."""
AT_EDGE = 3.06
"""Rise of the cost (twice the logarithm of the likelihood) to where none came of as many
afterpulses as are expected in 1.53 of the value's own errors: so twice the error is the limit of
95 %, of which 3.0 are expected (Particle Data Group, Statistics, section 40.4.2)."""
MORE = 3
"""Events of crosstalk more than were seen, that its uncertainty is taken at (decision 69)."""
MORE_AFTER = 1.5
"""The same of afterpulses, where their time constant does not show: 0.005 +- 0.008 stood where
0.053 was right, once in 400 sets."""
AFTERPULSES_IN_FEW = 0.06
"""Of the rate of so few: what afterpulses may be of it."""
ENOUGH_FOR_TWO = 3000
"""Pulses from which on a second time constant is looked for."""
ENOUGH_FOR_FORM = 10_000
"""Pulses that tell how many time constants there are; of more, all give the values only."""
MOST_STEPS = 5
STEADY = 0.1
"""Largest last step towards the values of all pulses, in standard uncertainties."""
AT_ZERO = 1e-3
SHORTEST_OF_RECOVERY = 0.5
"""Time constant of afterpulses, in recovery times, that is not excluded where none is shown."""
RECOVERED = 0.734
"""Recovery times until an afterpulse is seen: -ln(1 - 0.52), the threshold and what noise adds to
the one photoelectron that it is half of."""
SMALL_PE = 0.85
LEAST_RECOVERING = 15


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
    """Afterpulses an avalanche, the visible ones carried back to zero delay along the exponentials
    of `afterpulse_times_s`: a component faster than the recovery escapes where only one is seen."""
    afterpulse_error: float
    afterpulse_times_s: tuple[tuple[float, float], ...]
    """Time constants with uncertainties, slow before fast: none where the data do not show
    afterpulses well enough, two where they need two."""
    visible_afterpulses: float
    """Afterpulses an avalanche that reached half a photoelectron: what was seen, not carried."""
    visible_afterpulses_error: float
    recovery_s: float
    """Recovery time of a pixel, from the amplitudes of early afterpulses; NaN with too few."""
    recovery_error_s: float
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
    recovers with `recovery_s` (default: as small early pulses show, else the pulse's decay time),
    so that an afterpulse is seen from `RECOVERED` of it on, and before by its crosstalk only.
    Crosstalk follows Eckert et al., NIM A 620 (2010) 217.

    Four to nine pulses give their rate alone, the others being NaN. Raises `WaveformError` with
    fewer.

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
    measured = _recovery(pulses)
    usual = measured[0] if np.isfinite(measured[0]) else pulses.template.decay_s
    recovery = usual if recovery_s is None else recovery_s
    if n < ENOUGH_FOR_MORE:
        return _rate_alone(n, live, measured)
    crosstalk, crosstalk_error = _crosstalk(pulses, n / live)
    early = crosstalk if np.isfinite(crosstalk) else 0.0
    fit = _fit_arrivals(pulses, max(pulses.dead_s, RECOVERED * recovery), early)
    return DarkCounts(
        *fit.rate,
        crosstalk,
        crosstalk_error,
        *fit.probability,
        fit.times,
        *fit.visible,
        *measured,
        n / live,
        float(np.sqrt(n) / live),
        n,
        live,
    )


def _rate_alone(n: int, live: float, recovery: tuple[float, float]) -> DarkCounts:
    """Of a few pulses: a Poisson number of n has the deviation of what was expected, which may be
    more than n."""
    nan, rate, chance = float("nan"), n / live, float(np.sqrt(n + 1.0)) / live
    error = float(np.hypot(chance, AFTERPULSES_IN_FEW * rate))
    return DarkCounts(
        rate, error, nan, nan, nan, nan, (), nan, nan, *recovery, rate, chance, n, live
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
    times: tuple[tuple[float, float], ...]
    visible: tuple[float, float]


@dataclass(frozen=True)
class _Times:
    """Pulses of waveforms as the likelihood takes them, in nanoseconds: all parameters are of a
    size that the minimiser likes then."""

    waveform: NDArray[np.int64]
    time: Floats
    size: Floats
    used: NDArray[np.bool_]
    begin: float
    end: float
    dead: float
    seen: float
    early: float
    first: NDArray[np.int64]

    def every(self, step: int) -> _Times:
        """Those of each so manieth waveform."""
        mine = self.waveform % step == 0
        return _times(
            self.waveform[mine] // step, self.time[mine], self.size[mine], self.used[::step],
            self.begin, self.end, self.dead, self.seen, self.early,
        )  # fmt: skip

    def cost(
        self, rate: float, slow: float, slow_tau: float, fast: float, fast_tau: float
    ) -> float:
        """-2 ln L."""
        return 2 * negative_log_likelihood(
            self.first, self.time, self.size, self.begin, self.end, int(self.used.sum()),
            self.dead, self.seen, self.early, rate, slow, slow_tau, fast, fast_tau,
        )  # fmt: skip


def _times(
    waveform: NDArray[np.int64],
    time: Floats,
    size: Floats,
    used: NDArray[np.bool_],
    begin: float,
    end: float,
    dead: float,
    seen: float,
    early: float,
) -> _Times:
    first = np.searchsorted(waveform, np.arange(len(used) + 1))
    return _Times(waveform, time, size, used, begin, end, dead, seen, early, first)


@dataclass(frozen=True)
class _Form:
    """Values, uncertainties and covariance (5,) of a fit, and which of them the data can tell."""

    values: Floats
    errors: Floats
    covariance: Floats
    free: NDArray[np.bool_]
    significant: bool
    shown: bool
    two: bool


def _fit_arrivals(pulses: Pulses, visible_s: float, early: float) -> _Arrivals:
    times = _times(
        pulses.waveform,
        pulses.time_s * 1e9,
        np.maximum(np.rint(pulses.amplitude_pe), 1.0),
        pulses.status == OK,
        pulses.begin_s * 1e9,
        pulses.end_s * 1e9,
        pulses.dead_s * 1e9,
        visible_s * 1e9,
        early,
    )
    start = len(times.time) / ((pulses.live_s - _dead(pulses)) * 1e9)
    usual = EXPECTED_TAU_DECAYS * pulses.template.decay_s * 1e9
    step = len(times.time) // ENOUGH_FOR_FORM
    form = None
    if step > 1:
        some = times.every(step)
        form = _carried(_form(some, start, usual), len(some.time), times)
        if form and not form.significant:
            value = form.values
            if times.cost(start, 0.0, usual, 0.0, usual) - times.cost(*value) > SIGNIFICANT:
                form = None  # what a part of the pulses could not show, all of them may
    if form is None:
        form = _form(times, start, usual)
    return _as_arrivals(form, times, usual)


def _carried(form: _Form, pulses: int, times: _Times) -> _Form | None:
    """The fit of a part of the pulses led on to all; None where it does not get there.

    Newton's steps with the part's own covariance, scaled to the number of all: that of all differs
    from it by little, and each step costs a gradient only.
    """
    covariance = form.covariance * (pulses / len(times.time))
    errors = form.errors * np.sqrt(pulses / len(times.time))
    values, free = form.values.copy(), np.flatnonzero(form.free)
    inside = covariance[np.ix_(free, free)]
    for _ in range(MOST_STEPS):
        if not ((values[free] > 2 * errors[free]) & (errors[free] > 0)).all():
            return None
        gradient = np.empty(len(free))
        for k, i in enumerate(free):
            up, down = values.copy(), values.copy()
            up[i] += 0.5 * errors[i]
            down[i] -= 0.5 * errors[i]
            gradient[k] = (times.cost(*up) - times.cost(*down)) / errors[i]
        move = -0.5 * inside @ gradient
        values[free] += move
        if not np.isfinite(values).all():
            return None
        if np.abs(move / errors[free]).max() < STEADY:
            return replace(form, values=values, errors=errors, covariance=covariance)
    return None


def _form(times: _Times, start: float, usual: float) -> _Form:
    """Fit with as many afterpulse components as the pulses show."""
    cost, seen = times.cost, times.seen
    from iminuit import Minuit  # not loaded by every process that knows the stages

    fit = Minuit(cost, rate=start, slow=0.03, slow_tau=usual, fast=0.0, fast_tau=usual / 4)
    fit.limits["rate"] = (start * 1e-3, None)
    fit.limits["slow"] = fit.limits["fast"] = (0.0, 1.0)
    fit.limits["slow_tau"] = (0.3 * seen, max((times.end - times.begin) / 5, seen))
    fit.limits["fast_tau"] = (0.2 * seen, 3 * seen)
    fit.fixed["slow_tau"] = fit.fixed["fast"] = fit.fixed["fast_tau"] = True
    fit.strategy = 0
    fit.migrad()
    significant = cost(start, 0.0, usual, 0.0, usual) - float(fit.fval) > SIGNIFICANT
    shown = significant and _freed(fit, ("slow_tau",), 0.0)
    enough = len(times.time) > ENOUGH_FOR_TWO
    two = shown and enough and _freed(fit, ("fast", "fast_tau"), SIGNIFICANT)
    fit.hesse()
    if fit.covariance is None or not np.isfinite(np.array(fit.errors)).all():
        raise WaveformError(
            "the pulses' arrival times are not those of dark counts: no rate fits them"
        )
    return _Form(
        np.array(fit.values),
        np.array(fit.errors),
        np.array(fit.covariance),
        ~np.array(fit.fixed),
        significant,
        shown,
        two,
    )


def _as_arrivals(form: _Form, times: _Times, usual: float) -> _Arrivals:
    """What is said of a fit: sums over its components, and uncertainties at the edge of zero."""
    value, covariance, seen = form.values, form.covariance.copy(), times.seen
    slow, fast = 1, 3
    components = (slow, fast) if form.two else (slow,)
    carried, visible = np.zeros(5), np.zeros(5)
    for at in components:
        carried[at] = 1.0
        visible[at] = np.exp(-seen / value[at + 1])
        visible[at + 1] = value[at] * visible[at] * seen / value[at + 1] ** 2
    rate, rate_error = value[0], form.errors[0]
    taus = tuple((value[at + 1] * 1e-9, form.errors[at + 1] * 1e-9) for at in components)
    if not form.shown:
        # The rate with no afterpulse at all is as good a witness of its statistical part.
        rate_error = max(rate_error, rate / len(times.time) ** 0.5)
        taus = ()
    if value[slow] < AT_ZERO:
        after = _rise(lambda after: times.cost(rate, after, usual, 0.0, usual))
        covariance[slow, slow] = after**2
    if not form.shown:
        # A time constant that the pulses do not show may be any: of the same visible afterpulses, a
        # short one hides more before them, and a long one none. All between are as likely.
        shortest = SHORTEST_OF_RECOVERY * seen / RECOVERED
        hidden = np.exp(-seen / value[slow + 1])
        most = hidden * np.exp(seen / shortest)
        covariance[slow, slow] += (value[slow] * (most - hidden)) ** 2 / 12
        # Of what was seen, as for crosstalk: a few too few would look surer than a few too many.
        covariance[slow, slow] += (
            MORE_AFTER / (len(times.time) * np.exp(-seen / value[slow + 1])) ** 2
        )

    def error(gradient: Floats) -> float:
        return float(np.sqrt(gradient @ covariance @ gradient))

    return _Arrivals(
        (float(rate) * 1e9, float(rate_error) * 1e9),
        (float(sum(value[at] for at in components)), error(carried)),
        taus,
        (float(sum(value[at] * visible[at] for at in components)), error(visible)),
    )


def _rise(cost: Callable[[float], float]) -> float:
    """Afterpulse probability at which the cost has risen by `AT_EDGE` from its edge at zero.

    There the curvature that the minimiser sees is that of the edge, not of the data.
    """
    least = cost(0.0)
    low, high = 0.0, 1.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if cost(middle) - least > AT_EDGE else (middle, high)
    return high


def _freed(fit: Minuit, names: tuple[str, ...], gain: float) -> bool:
    """Fit with more parameters free; undone where that gains too little or ends at a limit."""
    before, values = float(fit.fval), list(fit.values)
    for name in names:
        fit.fixed[name] = False
    if "fast" in names:
        fit.values["fast"] = 0.5 * fit.values["slow"]
    fit.migrad()
    inside = fit.valid and before - float(fit.fval) >= gain
    for name in names:
        low, high = fit.limits[name]
        inside = inside and low + 0.01 * (high - low) < fit.values[name] < high - 0.01 * (
            high - low
        )
    if not inside:
        fit.values = values
        for name in names:
            fit.fixed[name] = True
        fit.migrad()
    return bool(inside)


def _recovery(pulses: Pulses) -> tuple[float, float]:
    """Recovery time of a pixel and its uncertainty [s], from small pulses soon after another.

    Each tells its own: amplitude = 1 - exp(-delay / recovery). NaN where too few are there.
    """
    before = np.diff(pulses.time_s, prepend=-1.0)
    before[np.diff(pulses.waveform, prepend=-1) > 0] = np.inf
    small = (before < 3 * pulses.template.decay_s) & (pulses.amplitude_pe < SMALL_PE)
    each = -before[small] / np.log1p(-pulses.amplitude_pe[small])
    if len(each) < LEAST_RECOVERING:
        return float("nan"), float("nan")
    middle = float(np.median(each))
    spread = 1.4826 * float(np.median(np.abs(each - middle)))
    if spread > 0.4 * middle:
        return float("nan"), float("nan")
    return middle, 1.2533 * spread / len(each) ** 0.5


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
    # That of what may have been expected: from what came alone, a few too few would look surer than
    # a few too many. Of 8 expected, 1 came once in 1000 waveform sets and looked five sigmas off.
    smooth = (above + MORE) / (n + MORE + 1)
    piled = -np.expm1(-rate_hz * pulses.pile_up_s)
    value = 1 - (1 - fraction) / (1 - piled)
    error = np.sqrt(smooth * (1 - smooth) / (n + MORE + 2)) / (1 - piled)
    return float(max(value, 0.0)), float(np.hypot(error, 0.2 * piled))


def quiet_pulses(pulses: Pulses, quiet_s: float) -> NDArray[np.bool_]:
    """Which pulses (pulses,) none precedes within `quiet_s`, nor the beginning of the search."""
    before: Floats = np.diff(pulses.time_s, prepend=0.0)
    first = np.diff(pulses.waveform, prepend=-1) > 0
    before[first] = pulses.time_s[first] - pulses.begin_s
    return before > quiet_s
