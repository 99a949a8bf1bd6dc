"""Photons of a calibrated photodiode: right, withheld with the reason, and shared by name."""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import constants

from mppcqa.physics import simulate_charges
from mppcqa.runfile import RunFileError, RunWriter
from mppcqa.stages import get_stage
from mppcqa.stages.analysis import Bias
from mppcqa.stages.calibrations import Calibrated
from mppcqa.stages.conditions import Condition
from mppcqa.stages.photons import Counted, reference_of

DAY = dt.date(2026, 3, 1)
DIODE = Calibrated(
    instrument="PD-1", quantity="Responsivity", unit="mA/W", against="wavelength",
    against_unit="nm", points=((405.0, 200.0, 4.0), (470.0, 250.0, 5.0)),
    done_on=DAY, valid_until=dt.date(2027, 3, 1),
)  # fmt: skip
DRIFT = Calibrated(
    instrument="PD-1", quantity="drift", unit="%/year", points=((None, -1.0, 0.5),), done_on=DAY
)
GEOMETRY = Calibrated(
    instrument="box", quantity="geometry factor", unit="", against="slot",
    points=((1.0, 0.08, 0.0016), (2.0, 0.10, 0.002)), done_on=DAY,
)  # fmt: skip
ALL = (DIODE, DRIFT, GEOMETRY)
META: dict[str, Any] = {
    "run": 7,
    "started": "2026-08-30T12:00:00Z",
    "light": {"wavelength_nm": 405, "wavelength_uncertainty_nm": 2.0, "rate_hz": 1e4},
    "reference": {"detector": "PD-1", "current_a": 2e-12, "current_uncertainty_a": 1e-14},
}


def told(meta: dict[str, Any] = META, rows: Any = ALL, **changes: Any) -> Counted:
    run: Any = SimpleNamespace(meta={**meta, **changes}, path=Path("a.root"))
    found = reference_of(run, rows)
    assert found is not None
    return found


def point(number: int = 1, light: float = 1.0, **at: float) -> Bias:
    return Bias(Condition(bias_v=71.0, temperature_c=20.0, **at), None, number, light)


def test_the_photons_are_those_of_another_way_to_count_them() -> None:
    """Electrons over quantum efficiency, with constants from SciPy: 1e-12 of it; uncertainties as a
    Monte Carlo of all parts scatters, within its own 1 %."""
    found = told()
    number, error = found.photons(2, point(light=1.5)) or (math.nan, math.nan)
    years = (dt.date(2026, 8, 30) - DAY).days / 365.25

    def electrons_over_efficiency(current: Any, response: Any, drift: Any, factor: Any) -> Any:
        frequency = constants.c / 405e-9
        efficiency = response * (1 + drift * years) * constants.h * frequency / constants.e
        return current / constants.e / 1e4 / efficiency * factor

    expected = electrons_over_efficiency(3e-12, 0.2, -0.01, 0.10)
    assert number == pytest.approx(expected, rel=1e-12)
    rng = np.random.default_rng(3)
    n = 40_000
    moved = np.clip(rng.normal(405, 2, n), 300, None)
    # The energy of a photon and the line of the table go with the wavelength.
    by_colour = moved / 405 * 0.2 / (0.2 + 0.05 * (moved - 405) / 65)
    drawn = by_colour * electrons_over_efficiency(
        rng.normal(3e-12, 1.5e-14, n), rng.normal(0.2, 0.004, n), rng.normal(-0.01, 0.005, n),
        rng.normal(0.10, 0.002, n),
    )  # fmt: skip
    assert error == pytest.approx(drawn.std(), rel=0.02)
    assert {(one.kind, one.of) for one in found.shared.values()} == {
        ("responsivity", "PD-1, 2026-03-01"),
        ("drift", "PD-1, 2026-03-01"),
        ("geometry factor", "box, 2026-03-01"),
        ("photodiode current", "PD-1, run 7"),
        ("wavelength", "run 7"),
    }
    assert found.shared["responsivity: PD-1, 2026-03-01"].relative == pytest.approx(0.02)


def test_a_reading_at_the_point_goes_before_that_of_the_run() -> None:
    readings = [{"point": 4, "current_a": 5e-12, "current_uncertainty_a": 1e-14}]
    found = told(reference={**META["reference"], "currents": readings})
    of_run, of_point = found.photons(1, point()), found.photons(1, point(4, 7.0))
    assert of_run is not None
    assert of_point is not None
    assert of_point[0] / of_run[0] == pytest.approx(2.5)
    of_colour = found.photons(1, point(4, wavelength_nm=470.0))
    assert of_colour is not None
    assert of_colour[0] / of_point[0] == pytest.approx(470 / 405 * 200 / 250)


@pytest.mark.parametrize(
    ("rows", "meta", "reason"),
    [
        ((), {}, "no calibration of the responsivity of PD-1"),
        ((DIODE, DRIFT), {}, "no instrument of the run has a calibration of its geometry"),
        (ALL, {"started": "2027-03-02T00:00:00Z"}, r"PD-1 .* ended on 2027-03-01"),
        (ALL, {"started": "2026-02-28T00:00:00Z"}, "calibrated on 2026-03-01, after"),
        (ALL, {"light": {"rate_hz": 1e4, "wavelength_nm": 520}}, r"405 to 470 nm, not at .*520"),
        (ALL, {"light": {"rate_hz": 1e4}}, "does not say the wavelength"),
        (ALL, {"light": {"rate_hz": 0.0, "wavelength_nm": 405}}, "rate of pulses must be above"),
        (
            ALL,
            {"reference": {"detector": "PD-1", "current_a": 1e-15, "current_uncertainty_a": 1e-15}},
            "no light is seen",
        ),
        (
            (*ALL, replace(DIODE, instrument="PD-2")),
            {"reference": {"current_a": 2e-12, "current_uncertainty_a": 1e-14}},
            "PD-1 and PD-2 have a responsivity",
        ),
        ((replace(DIODE, unit="V"), GEOMETRY), {}, "A/W.* against wavelength"),
        (
            (replace(DIODE, points=((405.0, 200.0, None), (470.0, 250.0, 5.0))), GEOMETRY),
            {},
            "has no uncertainty",
        ),
        (
            (*ALL, replace(DIODE, done_on=dt.date(2026, 8, 1), valid_until=dt.date(2026, 8, 15))),
            {},
            "ended on 2026-08-15",
        ),
        (
            (DIODE, replace(GEOMETRY, points=((4.0, 0.1, 0.01), (5.0, 0.1, 0.01)))),
            {},
            "not at slot 1",
        ),
        (
            (DIODE, replace(GEOMETRY, points=((0.0, 1.0, 0.01), (2.0, 1.4, 0.01)))),
            {},
            "known for slot 0, 2, not at slot 1",
        ),
        (
            (replace(DIODE, points=((405.0, 0.0, 4.0), (470.0, 250.0, 5.0))), GEOMETRY),
            {},
            "is 0 there: it must be above zero",
        ),
        (
            (replace(DIODE, points=((405.0, -2.0, 4.0), (470.0, 250.0, 5.0))), GEOMETRY),
            {},
            "is -2 there: it must be above zero",
        ),
    ],
)  # fmt: skip
def test_photons_of_no_calibration_are_withheld_and_the_reason_is_told(
    rows: Any, meta: dict[str, Any], reason: str
) -> None:
    found = told(META, rows, **meta)
    assert found.photons(1, point()) is None
    [problem] = found.problems
    assert problem.what.startswith("no PDE: ")
    assert re.search(reason, problem.what)
    assert found.shared == {}


def test_a_run_file_that_says_what_can_not_be_is_refused() -> None:
    for reference in (
        {"current_a": "much", "current_uncertainty_a": 0.1},
        {"current_a": 1e-12},
        {"current_a": 1e-12, "current_uncertainty_a": -1.0},
        {"photons_per_pulse": -4.0, "photons_per_pulse_uncertainty": 0.1, "position_factor": 1.0},
    ):
        with pytest.raises(RunFileError, match="reference"):
            told(reference=reference)


@pytest.mark.parametrize("spread", [None, "wide", -1.0, math.nan])
def test_a_spread_of_the_wavelength_that_is_none_is_refused_in_words(spread: Any) -> None:
    light = {**META["light"], "wavelength_uncertainty_nm": spread}
    with pytest.raises(RunFileError, match=r"a\.root: meta/light.* wavelength_uncertainty_nm"):
        told(light=light)


@pytest.mark.parametrize("currents", [None, 5, [3], [{"point": math.nan}]])
def test_readings_that_are_none_are_refused_in_words(currents: Any) -> None:
    with pytest.raises(RunFileError, match="meta/reference"):
        told(reference={**META["reference"], "currents": currents})


def test_photons_that_a_station_states_are_its_own_or_those_of_the_detector_it_names() -> None:
    stated = {
        "photons_per_pulse": 20.0, "photons_per_pulse_uncertainty": 1.0, "position_factor": 1.0,
    }  # fmt: skip

    def names(station: str, **more: str) -> list[str]:
        found = told(reference={**stated, **more}, station=station)
        assert found.photons(1, point()) == (20.0, 1.0)
        return list(found.shared)

    assert names("A") == ["reference detector: station A"]
    assert names("B") == ["reference detector: station B"]
    assert names("A", detector="PD-1") == names("B", detector="PD-1")
    assert names("") == ["reference detector: run 7"]


AXES = ("bias_v", "temperature_c", "light", "wavelength_nm")


def write(path: Path, **changes: Any) -> Path:
    """Light of two wavelengths on two channels, and one dark point for both."""
    rng = np.random.default_rng(11)
    slots = [{"slot": 2, "serial": "A", "channels": 2}]
    about = {**META, "stage": "pde", "station": "", "operator": "", "program": "t",
             "slots": slots, "gate_s": 1e-7, "decay_s": 1e-8,
             "axes": [{"key": key, "title": key, "unit": ""} for key in AXES],
             **changes}  # fmt: skip
    with RunWriter(path, about) as writer:
        for number, (light, wavelength) in enumerate(((0.0, 0.0), (1.0, 405.0), (1.0, 470.0))):
            writer.point(
                number, bias_v=71.0, temperature_c=20.0, light=light, wavelength_nm=wavelength
            )
            one = [
                simulate_charges(rng, 20000, mean_light_pe=light * mu, gain=40.0, pedestal=100.0)
                for mu in (2.0, 2.4)
            ]
            writer.charges(number, 2, np.stack(one, axis=1))
    return path


def test_a_stage_has_its_pde_at_each_wavelength_and_one_dark_point(tmp_path: Path) -> None:
    """Within four of its own uncertainties of the light over the photons."""
    path = write(tmp_path / "run.root")
    found = get_stage("pde").analyse(path, {}, ALL)  # type: ignore[call-arg]
    assert [one.what for one in found.problems if "PDE" in one.what] == []
    pde = {
        (one.channel, one.condition.get("wavelength_nm")): one
        for one in found.results
        if one.quantity == "pde"
    }
    assert set(pde) == {(0, 405.0), (0, 470.0), (1, 405.0), (1, 470.0)}
    reference = told()
    for (channel, wavelength), one in pde.items():
        known = reference.photons(2, point(wavelength_nm=wavelength or 0.0))
        assert known is not None
        photons, error = known
        true = (2.0, 2.4)[channel or 0] / photons
        assert abs(one.value - true) < 4 * one.uncertainty
        assert one.systematic >= one.value * error / photons
        assert one.systematic < 1.2 * one.value * error / photons
    gone = get_stage("pde").analyse(path, {}, (DIODE,))  # type: ignore[call-arg]
    assert {one.quantity for one in gone.results} == {
        one.quantity for one in found.results if one.quantity != "pde"
    }
    reasons = [one.what for one in gone.problems if "PDE" in one.what]
    assert ["geometry" in one for one in reasons] == [True]
