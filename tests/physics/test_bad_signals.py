"""Whatever arrays come, there is a value or a named error, never another exception."""

from __future__ import annotations

import warnings

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mppcqa.physics import (
    IV_METHODS,
    IvError,
    WaveformError,
    analyse_dark_waveforms,
    breakdown_from_iv,
    quenching_resistance,
)

KINDS = ("noise", "steps", "spikes", "ramp", "constant", "square", "walk", "pulses")


def junk(rng: np.random.Generator, kind: str, n: int, samples: int) -> np.ndarray:
    noise = rng.normal(0, 1, (n, samples))
    grid = np.arange(samples)
    shapes = {
        "noise": noise,
        "steps": np.repeat(rng.normal(0, 5, (n, samples // 7 + 1)), 7, axis=1)[:, :samples],
        "spikes": noise + 100 * (rng.random((n, samples)) < 0.01),
        "ramp": noise + grid,
        "constant": np.full((n, samples), rng.normal()),
        "square": noise + 50 * (grid // 20 % 2),
        "walk": noise.cumsum(axis=1),
        "pulses": noise + 30 * np.exp(-(grid % 97) / rng.uniform(0.2, 40)),
    }
    return shapes[kind]


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(KINDS),
    n=st.integers(0, 12),
    samples=st.integers(1, 400),
    holes=st.sampled_from([0.0, 0.001, 0.5]),
    dtype=st.sampled_from([np.float64, np.float32, np.int16]),
)
def test_waveforms_of_any_kind(seed, kind, n, samples, holes, dtype) -> None:
    rng = np.random.default_rng(seed)
    waveforms = junk(rng, kind, n, samples)
    if dtype == np.int16:
        waveforms = np.rint(waveforms * 20).clip(-32768, 32767).astype(dtype)
    else:
        waveforms = waveforms.astype(dtype)
        waveforms[rng.random(waveforms.shape) < holes] = rng.choice([np.nan, np.inf, -np.inf])
    try:
        found, pulses = analyse_dark_waveforms(waveforms, 1e-9)
    except WaveformError:
        return
    assert len(pulses.status) == n
    assert 0 < found.dark_rate_hz < 1e9
    assert found.dark_rate_error_hz > 0
    assert found.afterpulse_error > 0


@settings(max_examples=150)
@given(
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(KINDS),
    points=st.integers(0, 120),
    holes=st.sampled_from([0.0, 0.1, 0.9]),
    scale=st.sampled_from([1e-12, 1e-6, 1.0]),
    method=st.sampled_from(IV_METHODS),
    shift=st.sampled_from([0.0, -30.0]),
)
def test_curves_of_any_kind(seed, kind, points, holes, scale, method, shift) -> None:
    rng = np.random.default_rng(seed)
    bias = rng.permutation(np.round(np.linspace(0, 60, max(points, 1))[:points], 2)) + shift
    current = scale * junk(rng, kind, 1, points)[0] if points else np.zeros(0)
    current[rng.random(points) < holes] = rng.choice([np.nan, np.inf])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = breakdown_from_iv(bias, current, method=method)
        except IvError:
            pass
        else:
            assert abs(found.voltage_v) <= 62
            assert 0 <= found.error_v <= 0.5
        try:
            value, error = quenching_resistance(bias, current, 3600)
        except IvError:
            return
        assert value > 0
        assert error < value
