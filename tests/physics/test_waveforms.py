"""Dark waveforms: template, pulses, dark rate, crosstalk, afterpulses; and what can't be used."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mppcqa.physics import (
    WaveformError,
    analyse_dark_waveforms,
    dark_counts,
    find_pulses,
    measure_baseline,
    pulse_template,
    simulate_waveforms,
    waveform_status,
)
from mppcqa.physics.waveforms import CONSTANT, NOT_FINITE, OK, SATURATED

DT = 2e-9


def make(seed: int, n: int = 300, samples: int = 2500, **more):
    values = {
        "sampling_s": DT,
        "dark_rate_hz": 1e6,
        "crosstalk_probability": 0.15,
        "afterpulse_probability": 0.08,
        "afterpulse_time_s": (60e-9,),
        **more,
    }
    return simulate_waveforms(np.random.default_rng(seed), n, samples, **values)


def test_baseline_and_template_are_those_of_the_simulation() -> None:
    """Amplitude within 2 %, decay within 3 %: the median of some 500 pulses with 4 % noise and
    3 % spread each is good to 0.3 %; what is left is the pulse's phase within a sample."""
    adc, _ = make(1, baseline=730.0)
    baseline = measure_baseline(adc)
    assert baseline.level == pytest.approx(730, abs=2)
    assert baseline.noise == pytest.approx(8, rel=0.06)
    template = pulse_template(adc, DT)
    assert template.amplitude == pytest.approx(200, rel=0.02)
    assert template.decay_s == pytest.approx(25e-9, rel=0.03)
    assert template.polarity == 1
    assert template.sampling_s == DT


@pytest.mark.parametrize(
    "kind",
    [
        {},
        {"dark_rate_hz": 5e6},
        {"polarity": -1, "baseline": 4000.0},
        {"noise": 40.0},
        {"sampling_s": 0.5e-9, "noise": 20.0},
        {"sampling_s": 8e-9},
        {"rise_s": 0.5e-9, "decay_s": 8e-9, "recovery_s": 25e-9},
        {"amplitude": 12.0, "noise": 0.7},
    ],
    ids=str,
)
def test_rates_agree_with_the_truth(kind) -> None:
    """Each within 4.5 sigma: 16 values, a false alarm once in 9,000 seeds."""
    adc, _ = make(2, **kind)
    found, _ = analyse_dark_waveforms(
        adc, kind.get("sampling_s", DT), recovery_s=kind.get("recovery_s")
    )
    true = kind.get("dark_rate_hz", 1e6)
    assert abs(found.dark_rate_hz - true) < 4.5 * found.dark_rate_error_hz
    assert found.dark_rate_error_hz < 0.1 * true
    assert abs(found.crosstalk_probability - 0.15) < 4.5 * found.crosstalk_error
    assert found.crosstalk_error < 0.03


def test_uncertainties_are_those_of_repeated_measurements() -> None:
    """Pulls over 25 seeds: mean within 4/sqrt(25), width within 4 sigma of 1 (0.14 each)."""
    pulls = []
    for seed in range(100, 125):
        adc, _ = make(seed, n=100, dark_rate_hz=1.5e6)
        found, _ = analyse_dark_waveforms(adc, DT)
        pulls.append(
            [
                (found.dark_rate_hz - 1.5e6) / found.dark_rate_error_hz,
                (found.crosstalk_probability - 0.15) / found.crosstalk_error,
                (found.afterpulse_probability - 0.08) / found.afterpulse_error,
            ]
        )
    assert np.all(np.abs(np.mean(pulls, axis=0)) < 4 / 25**0.5)
    assert np.all(np.abs(np.std(pulls, axis=0) - 1) < 0.57)


def test_the_time_constant_of_afterpulses_is_found() -> None:
    adc, _ = make(5, n=1500, crosstalk_probability=0.05)
    found, _ = analyse_dark_waveforms(adc, DT)
    ((tau, tau_error),) = found.afterpulse_times_s
    assert abs(tau - 60e-9) < 4 * tau_error
    assert abs(found.afterpulse_probability - 0.08) < 4 * found.afterpulse_error
    assert found.afterpulse_error < 0.015
    assert abs(found.recovery_s - 25e-9) < 4 * found.recovery_error_s + 1e-9
    # Seen is what comes after the recovery to half a photoelectron.
    visible = 0.08 * np.exp(-np.log(2) * 25 / 60)
    assert abs(found.visible_afterpulses - visible) < 4 * found.visible_afterpulses_error
    without, _ = analyse_dark_waveforms(make(6, afterpulse_probability=0.0)[0], DT)
    assert without.afterpulse_times_s == ()
    assert without.afterpulse_probability < 3 * without.afterpulse_error
    assert 0.002 < without.afterpulse_error < 0.05


def test_two_time_constants_are_told_apart_where_there_is_enough() -> None:
    adc, _ = make(
        7, n=5000, dark_rate_hz=5e5, afterpulse_probability=0.15, afterpulse_time_s=(15e-9, 120e-9)
    )
    found, _ = analyse_dark_waveforms(adc, DT)
    (slow, slow_error), (fast, fast_error) = found.afterpulse_times_s
    assert abs(slow - 120e-9) < 4 * slow_error
    assert abs(fast - 15e-9) < 4 * fast_error
    assert abs(found.dark_rate_hz - 5e5) < 4 * found.dark_rate_error_hz


def test_overlapping_pulses_are_told_apart() -> None:
    """Pulses 20 ns apart, less than their decay of 25 ns: two are found, each of its height."""
    shape = np.arange(400) * 2.0
    pulse = lambda t: np.where(t > 0, np.exp(-t / 25) - np.exp(-t / 2), 0)  # noqa: E731
    one = 276 * (pulse(shape - 300) + pulse(shape - 320))
    alone = 276 * pulse(shape - 200)
    rng = np.random.default_rng(0)
    traces = np.stack([alone] * 30 + [one] * 5) + rng.normal(0, 4, (35, 400))
    pulses = find_pulses(traces, DT)
    number = np.bincount(pulses.waveform, minlength=35)
    assert np.all(number == [1] * 30 + [2] * 5)
    assert np.all(np.abs(pulses.amplitude_pe - 1) < 0.15)
    apart = np.diff(pulses.time_s)[np.diff(pulses.waveform) == 0]
    assert np.all(np.abs(apart - 20e-9) < 2e-9)


@settings(max_examples=15)
@given(offset=st.integers(-5000, 5000), scale=st.sampled_from([0.01, 1.0, 3.0]))
def test_unit_and_offset_of_the_digitizer_do_not_matter(offset, scale) -> None:
    adc, _ = make(7, n=60, samples=1000)
    plain = find_pulses(adc, DT)
    other = find_pulses((adc.astype(float) + offset) * scale, DT)
    assert abs(len(other.time_s) - len(plain.time_s)) <= 1
    assert other.amplitude_pe.mean() == pytest.approx(plain.amplitude_pe.mean(), rel=1e-2)


def test_bad_waveforms_get_a_status_and_leave_the_others_alone() -> None:
    adc, _ = make(8, n=100)
    plain = find_pulses(adc[4:], DT)
    bad = adc.astype(np.float32)
    bad[0] = np.nan
    bad[1, 7] = np.inf
    bad[2] = 5.0
    bad[3, 100:200] = adc.max() + 50
    pulses = find_pulses(bad, DT)
    expected = [NOT_FINITE, NOT_FINITE, CONSTANT, SATURATED]
    assert pulses.status[:4].tolist() == expected
    assert np.all(pulses.status[4:] == OK)
    assert pulses.used == 96
    assert "range" in pulses.message(3)
    assert np.allclose(pulses.time_s, plain.time_s, atol=1e-11)
    known = waveform_status(adc, full_scale=(-8192, int(adc.max())))
    assert (known == SATURATED).sum() >= 1


NOISE = np.random.default_rng(0).normal(0, 5, (50, 1000))


@pytest.mark.parametrize(
    ("waveforms", "message"),
    [
        (np.full((3, 100), np.nan), "not finite"),
        (np.zeros((3, 100)), "connected"),
        (np.zeros((0, 100)), "there are none"),
        (NOISE[:, :5], "too few samples"),
        (NOISE, "no pulses"),
        (np.rint(NOISE).astype(np.int16), "no pulses"),
        (np.array([["a"]]), "must be numbers"),
        (make(9, noise=80.0)[0], "times the noise"),
        (make(9, dark_rate_hz=5e2)[0], "too few|no pulses"),
    ],
    ids=range(9),
)
def test_what_gives_no_value_is_refused_with_a_reason(waveforms, message) -> None:
    with pytest.raises(WaveformError, match=message):
        analyse_dark_waveforms(waveforms, DT)


def test_a_few_pulses_give_their_rate_and_nothing_else() -> None:
    """Twenty seeds of six pulses each; a rate beyond five sigma is one in 2,000 of each.

    Of a Poisson number of five four to nine are three in four; fewer than ten of the twenty seeds
    would be so once in 100 sets of seeds.
    """
    looked_at = 0
    template = pulse_template(make(10)[0], DT)
    for seed in range(20):
        pulses = find_pulses(make(seed, n=2, dark_rate_hz=5e5)[0], DT, template=template)
        if not 4 <= len(pulses.time_s) < 10:
            continue
        looked_at += 1
        found = dark_counts(pulses)
        assert abs(found.dark_rate_hz - 5e5) < 5 * found.dark_rate_error_hz
        assert found.dark_rate_error_hz > found.dark_rate_hz / found.pulses**0.5
        assert np.isnan([found.crosstalk_probability, found.afterpulse_probability]).all()
    assert looked_at >= 10


def test_a_template_serves_later_waveforms_of_the_same_sampling() -> None:
    template = pulse_template(make(10)[0], DT)
    few, truth = make(11, n=4)
    pulses = find_pulses(few, DT, template=template)
    assert abs(len(pulses.time_s) - truth.count(0)) <= 8
    with pytest.raises(WaveformError, match="multiple"):
        find_pulses(few, 3e-9, template=template)


def test_an_independent_simulator_agrees(shared_data: Path) -> None:
    """SimSiPM, which is not our model. Against what really happened; bounds as the benchmark's."""
    adc = np.load(shared_data / "simsipm/dark_waveforms.npz")["adc"]
    truth = json.loads((shared_data / "simsipm/dark_waveforms_truth.json").read_text())
    for waveforms, row in zip(adc, truth, strict=True):
        found = dark_counts(find_pulses(waveforms, row["sampling_ns"] * 1e-9))
        counts = row["true_counts"]
        live_s = row["waveforms"] * row["samples"] * row["sampling_ns"] * 1e-9
        avalanches = counts["nPhotoelectrons"] + counts["nAp"]
        assert found.dark_rate_hz == pytest.approx(counts["nDcr"] / live_s, rel=0.03)
        crosstalk = -np.expm1(-counts["nXt"] / avalanches)
        assert found.crosstalk_probability == pytest.approx(crosstalk, abs=0.02)


def test_a_measured_oscilloscope_trace_is_read_or_refused(shared_data: Path) -> None:
    """20 us of an MPPC with much pick-up: a few pulses, and their rate is very uncertain."""
    lines = (shared_data / "waveforms/t2k_mppc_58V_sample1.csv").read_text().splitlines()
    trace = np.array([float(line.rsplit(",", 1)[1]) for line in lines])
    found, pulses = analyse_dark_waveforms(trace, 0.2e-9)
    assert 2 <= found.pulses < 40
    assert found.dark_rate_error_hz > 0.2 * found.dark_rate_hz
    # The two pulses that the eye sees are among them.
    assert all(np.abs(pulses.time_s - at).min() < 60e-9 for at in (8.0e-6, 14.65e-6))


def test_many_pulses_are_fitted_as_a_part_of_them_shows() -> None:
    """Some 30,000 pulses: within 4.5 sigma and the finder's own percent of the truth."""
    adc, truth = make(21, n=5000)
    found, pulses = analyse_dark_waveforms(adc, DT)
    assert found.pulses > 20_000
    happened = truth.count(0) / (5000 * 2500 * DT)
    assert abs(found.dark_rate_hz / happened - 1) < 0.015
    assert abs(found.afterpulse_probability - 0.08) < 4.5 * found.afterpulse_error + 0.005
    (tau, error), *_ = found.afterpulse_times_s
    assert abs(tau - 60e-9) < 4.5 * error + 2e-9
    # The uncertainty of all is that of a part, less by the root of the numbers.
    part = dark_counts(find_pulses(adc[:1000], DT, template=pulses.template))
    ratio = part.dark_rate_error_hz / found.dark_rate_error_hz
    assert ratio == pytest.approx(5**0.5, rel=0.3)
