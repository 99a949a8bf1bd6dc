"""Rates against threshold: what comes out is what went in, or nothing does."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import gammaln, ndtr

from mppcqa.physics import StaircaseError, staircase

Floats = NDArray[np.float64]


def scan(
    rng: np.random.Generator, *, rate: float, crosstalk: float, height: float, offset: float,
    top: float = 4.5, points: int = 70, gate_s: float = 0.2, noise: float = 2e7,
) -> tuple[Floats, Floats, Floats]:  # fmt: skip
    """Thresholds, counted rates and their errors; crosstalk branches (Borel), noise is Rice's."""
    t = np.linspace(offset + 0.1 * height, offset + top * height, points)
    mean, k = -np.log(1 - crosstalk), np.arange(1, 20)
    share = np.exp(-mean * k + (k - 1) * np.log(mean * k) - gammaln(k + 1))
    width = 0.1 * height * np.sqrt(1 + 0.05 * k)
    true = rate * (share * ndtr((offset + k * height - t[:, None]) / width)).sum(axis=1)
    true += noise * np.exp(-0.5 * ((t - offset) / (0.1 * height)) ** 2)
    counts = rng.poisson(true * gate_s)
    return t, counts / gate_s, np.sqrt(np.maximum(counts, 1)) / gate_s


TRUTHS = [
    {"rate": rate, "crosstalk": crosstalk, "height": height, "offset": offset}
    for rate, crosstalk in ((1e4, 0.15), (1.2e5, 0.3), (8e5, 0.08), (1.5e6, 0.2))
    for height, offset in ((0.012, 0.0), (34.0, -21.0), (5.5, 40.0))
]


@pytest.mark.parametrize("truth", TRUTHS)
def test_rate_crosstalk_and_height_come_back(truth: dict[str, float]) -> None:
    """Within 4 sigma: a false alarm in 1,300 runs of these 36 numbers, if errors are normal."""
    found = staircase(*scan(np.random.default_rng(11), **truth))
    assert abs(found.rate_hz - truth["rate"]) < 4 * found.rate_error_hz
    assert abs(found.crosstalk - truth["crosstalk"]) < 4 * found.crosstalk_error
    assert abs(found.height - truth["height"]) < 4 * found.height_error
    assert found.rate_error_hz < 0.05 * found.rate_hz
    assert found.crosstalk_error < 0.15 * found.crosstalk


def test_without_errors_and_for_negative_pulses() -> None:
    truth = {"rate": 3e5, "crosstalk": 0.2, "height": 0.02, "offset": 0.0}
    t, rate, error = scan(np.random.default_rng(3), **truth)
    with_errors = staircase(t, rate, error)
    without = staircase(t, rate)
    assert without.rate_hz == pytest.approx(with_errors.rate_hz, rel=0.05)
    assert without.crosstalk == pytest.approx(with_errors.crosstalk, rel=0.1)
    turned = staircase(-t, rate, error)
    assert turned.rate_hz == pytest.approx(with_errors.rate_hz, rel=1e-3)


def test_what_tells_nothing_gives_no_value() -> None:
    rng = np.random.default_rng(4)
    truth = {"rate": 1e5, "crosstalk": 0.2, "height": 10.0, "offset": 0.0}
    for cut in (1.3, 1.6):
        with pytest.raises(StaircaseError, match="two steps"):
            staircase(*scan(rng, **truth, top=cut))
    t = np.linspace(0, 50, 60)
    with pytest.raises(StaircaseError):
        staircase(t, 1e5 * np.exp(-t / 8) * rng.normal(1, 0.01, 60))
    with pytest.raises(StaircaseError):
        staircase(t, np.full(60, 1e4))
    with pytest.raises(StaircaseError):
        staircase(t, 10 ** rng.uniform(2, 6, 60))
    with pytest.raises(StaircaseError, match="thresholds with counts"):
        staircase(t[:8], np.full(8, 10.0))
    with pytest.raises(ValueError, match="one length"):
        staircase(t, t[:-1])
