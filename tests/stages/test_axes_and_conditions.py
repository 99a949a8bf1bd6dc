"""Axes, conditions, checklists and calibrations: what stages are made of, each by its word."""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mppcqa.runfile import RunFileError
from mppcqa.stages.axes import (
    BIAS_AXIS,
    DOSE_AXIS,
    LIGHT_AXIS,
    OVERVOLTAGE_AXIS,
    TEMPERATURE_AXIS,
    WAVELENGTH_AXIS,
    Axis,
)
from mppcqa.stages.calibrations import (
    DRIFT,
    GEOMETRY,
    RESPONSIVITY,
    Calibrated,
    NotCalibrated,
    holding,
    known_as,
    value_at,
)
from mppcqa.stages.checklist import (
    MOST_COUNTED,
    Step,
    analyse_checklist,
    checklist_faults,
    marks_fit,
    quantities_of,
    read_checklist,
)
from mppcqa.stages.conditions import ANYWHERE, Condition, at_volts
from mppcqa.stages.numbers import mean_with_uncertainties, shared_uncertainty, total

KEYS = ("bias_v", "temperature_c", "light", "wavelength_nm")
CONDITIONS = st.dictionaries(
    st.sampled_from(KEYS), st.floats(-1e9, 1e9, allow_nan=False, allow_subnormal=False)
)


@pytest.mark.parametrize(
    ("axis", "value", "rounded"),
    [
        (BIAS_AXIS, 71.604, 71.6), (BIAS_AXIS, 71.606, 71.61), (OVERVOLTAGE_AXIS, 1.449, 1.4),
        (TEMPERATURE_AXIS, -0.4, 0.0), (TEMPERATURE_AXIS, 19.6, 20.0),
        (WAVELENGTH_AXIS, 404.6, 405.0), (DOSE_AXIS, 1234.0, 1200.0), (DOSE_AXIS, 0.0, 0.0),
        (LIGHT_AXIS, 0.12345678, 0.123457),
    ],
)  # fmt: skip
def test_values_are_compared_in_steps_of_their_axis(
    axis: Axis, value: float, rounded: float
) -> None:
    found = axis.rounded(value)
    assert found == rounded
    assert math.copysign(1, found) == math.copysign(1, rounded), "no minus before nothing"
    assert axis.rounded(found) == found


@pytest.mark.parametrize(
    ("axis", "value", "wanted", "near"),
    [
        (BIAS_AXIS, 71.0, 71.5, True), (BIAS_AXIS, 71.0, 71.51, False),
        (BIAS_AXIS, 72.0, 71.5, True), (TEMPERATURE_AXIS, 25.0, 20.0, True),
        (TEMPERATURE_AXIS, 25.1, 20.0, False), (WAVELENGTH_AXIS, 395.0, 405.0, True),
        (WAVELENGTH_AXIS, 394.9, 405.0, False), (DOSE_AXIS, 110.0, 100.0, True),
        (DOSE_AXIS, 111.0, 100.0, False), (DOSE_AXIS, 89.0, 100.0, False),
        (LIGHT_AXIS, 0.0, 5.0, True), (LIGHT_AXIS, 4.0, 5.0, False), (LIGHT_AXIS, 4.5, 5.0, True),
        (DOSE_AXIS, 0.0, 100.0, False),
    ],
)  # fmt: skip
def test_what_was_had_near_a_place_tells_of_it(
    axis: Axis, value: float, wanted: float, near: bool
) -> None:
    assert axis.is_near(value, wanted) is near


def test_an_axis_without_a_tolerance_is_near_within_a_step_or_a_tenth() -> None:
    axis = Axis(key="threshold_mv", title="Threshold", resolution=2.0)
    assert axis.is_near(3.0, 1.0)
    assert not axis.is_near(3.1, 1.0)
    assert axis.is_near(-90.0, -100.0)
    assert not axis.is_near(-89.0, -100.0)


@given(CONDITIONS)
def test_a_condition_is_known_by_its_text(values: dict[str, float]) -> None:
    at = Condition(values).rounded()
    again = Condition.of_text(at.text)
    assert again == at
    assert hash(again) == hash(at)
    assert again.text == at.text
    assert at.rounded() == at
    assert Condition(dict(reversed(values.items()))) == Condition(values)


def test_a_condition_is_a_set_of_values_that_apply() -> None:
    at = Condition({"light": None}, bias_v=71.6, temperature_c=20.0)
    assert dict(at) == {"bias_v": 71.6, "temperature_c": 20.0}
    assert len(at) == 2
    assert "light" not in at
    assert at.but(bias_v=72.0)["bias_v"] == 72.0
    assert at.but(bias_v=None) == Condition(temperature_c=20.0) == at.without("bias_v", "dose_gy")
    assert at.without() == at
    assert at["bias_v"] == 71.6, "the first one stays as it is"
    assert at != {"bias_v": 71.6, "temperature_c": 20.0}
    assert ANYWHERE.text == ""
    assert Condition.of_text("") == ANYWHERE
    assert repr(Condition(light=1.0)) == "Condition(light=1.0)"
    assert sorted([Condition(bias_v=2.0), ANYWHERE, Condition(bias_v=1.0)])[0] == ANYWHERE
    assert Condition(bias_v=1.0) < Condition(bias_v=2.0)
    for text in ("bias_v", "bias_v=x", "=", "a=1|b"):
        with pytest.raises(ValueError):  # noqa: PT011
            Condition.of_text(text)


def test_a_small_voltage_is_one_above_breakdown() -> None:
    assert at_volts(3.0) == Condition(overvoltage_v=3.0)
    assert at_volts(14.9) == Condition(overvoltage_v=14.9)
    assert at_volts(15.0) == Condition(bias_v=15.0)


def test_uncertainties_add_up_as_they_are_independent_or_shared() -> None:
    assert total(None) is None
    assert total(None, 0.1) is None
    assert total(0.3, 0.4) == pytest.approx(0.5)
    assert mean_with_uncertainties([1.0, 2.0, 6.0], [0.3, 0.6, 0.6], [0.1, 0.2, 0.6]) == (
        pytest.approx(3.0), pytest.approx(0.3), pytest.approx(0.3),
    )  # fmt: skip
    assert mean_with_uncertainties([1.0, 2.0], [0.3, None], [0.0, 0.0])[1] is None
    one, other = {"a": 0.3, "b": 0.4}, {"a": 0.3}
    assert shared_uncertainty([(1.0, one)]) == pytest.approx(0.5)
    assert shared_uncertainty([(1.0, one), (-1.0, other)]) == pytest.approx(0.4)
    assert shared_uncertainty([]) == 0.0


CHOICE = Step(key="scratches", title="Scratches", symbol="s", instruction="Look.", kind="choice",
              choices=("none", "few", "many"), pictured=True)  # fmt: skip
COUNT = Step(key="bubbles", title="Bubbles", symbol="b", instruction="Count.", kind="count")
PICTURE = {"sha256": "a" * 64, "step": "scratches", "marks": [[0, 0.5, 1, 0.25]]}


@pytest.mark.parametrize(
    ("step", "value", "good"),
    [
        (CHOICE, 0, True), (CHOICE, 2, True), (CHOICE, 3, False), (CHOICE, -1, False),
        (COUNT, MOST_COUNTED, True), (COUNT, MOST_COUNTED + 1, False), (COUNT, 1.0, False),
        (COUNT, True, False), (COUNT, "1", False), (COUNT, None, False),
    ],
)  # fmt: skip
def test_an_answer_is_a_whole_number_within_what_can_be(step: Step, value: Any, good: bool) -> None:
    if good:
        assert step.number(value) == value
    else:
        with pytest.raises(ValueError, match=step.key):
            step.number(value)


def test_each_step_is_a_quantity_of_the_device_with_its_bounds() -> None:
    choice, count = quantities_of([CHOICE, COUNT])
    assert (choice.key, choice.bounds, choice.scope) == ("scratches", (0, 2), "device")
    assert count.bounds == (0, MOST_COUNTED)


def test_steps_that_cannot_be_answered_are_told() -> None:
    assert checklist_faults([CHOICE, COUNT]) == []
    lone = Step(key="x", title="", symbol="", instruction="", kind="choice", choices=("a",))
    odd = Step(key="y", title="", symbol="", instruction="", kind="colour")  # type: ignore[arg-type]
    faults = checklist_faults([lone, odd, "z"])
    assert ["two choices" in faults[0], "'y'" in faults[1], "str" in faults[2]] == [True] * 3


def document(folder: Path, **changes: Any) -> Path:
    path = folder / "checklist.json"
    told = {
        "document": "mppcqa checklist", "version": 1, "answers": {"scratches": {"value": 1}},
        "pictures": [PICTURE],
    }  # fmt: skip
    path.write_text(json.dumps({**told, **changes}))
    return path


def test_answers_become_values_that_are_exact(tmp_path: Path) -> None:
    answers = {"scratches": {"value": 2, "remark": "x"}, "bubbles": {"value": 7}}
    found = analyse_checklist([CHOICE, COUNT])(document(tmp_path, answers=answers), {})
    assert [(one.quantity, one.value, one.uncertainty) for one in found.results] == [
        ("scratches", 2.0, 0.0), ("bubbles", 7.0, 0.0),
    ]  # fmt: skip
    assert {(one.slot, one.channel) for one in found.results} == {(1, None)}
    some = analyse_checklist([CHOICE, COUNT])(document(tmp_path), {})
    assert [one.quantity for one in some.results] == ["scratches"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"document": "something"}, "is no checklist"),
        ({"version": 2}, "of version 2"),
        ({"answers": {"colour": {"value": 1}}}, "steps that the stage has not"),
        ({"answers": [1]}, "steps that the stage has not"),
        ({"answers": {"scratches": {"value": 9}}}, "between 0 and 2"),
        ({"answers": {"scratches": 1}}, "no whole number"),
        ({"pictures": {}}, "pictures can't be read"),
        ({"pictures": [{**PICTURE, "sha256": "A" * 64}]}, "pictures can't be read"),
        ({"pictures": [{**PICTURE, "marks": [[0, 0, 2, 1]]}]}, "pictures can't be read"),
        ({"pictures": [{**PICTURE, "step": 3}]}, "pictures can't be read"),
    ],
)
def test_a_checklist_that_says_what_cannot_be_is_refused(
    tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(RunFileError, match=told):
        read_checklist(document(tmp_path, **changes), [CHOICE, COUNT])


def test_a_file_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    for content in (b"", b"[1, 2]", b"\xff\xfe", b"{"):
        path = tmp_path / "odd.json"
        path.write_bytes(content)
        with pytest.raises(RunFileError, match=r"odd\.json"):
            read_checklist(path, [CHOICE])
    with pytest.raises(RunFileError, match=r"none\.json"):
        read_checklist(tmp_path / "none.json", [CHOICE])


@pytest.mark.parametrize(
    ("marks", "fit"),
    [
        ([], True), ([[0, 0, 1, 1]], True), ([[0, 0, 1, 1], [0.5, 0.5, 0.5, 0.5]], True),
        ([[0, 0, 1]], False), ([[0, 0, 1, 1.01]], False), ([[-0.1, 0, 1, 1]], False),
        ([["0", 0, 1, 1]], False), ("marks", False), (None, False), ([5], False),
    ],
)  # fmt: skip
def test_marks_lie_on_their_picture(marks: Any, fit: bool) -> None:
    assert marks_fit(marks) is fit


DAY = dt.date(2026, 3, 2)


def calibrated(quantity: str = RESPONSIVITY, **changes: Any) -> Calibrated:
    told: dict[str, Any] = {
        "instrument": "diode 1", "quantity": quantity, "unit": "A/W", "against": "wavelength",
        "against_unit": "nm", "done_on": DAY,
        "points": ((405.0, 0.2, 0.004), (470.0, 0.25, 0.006)),
    }  # fmt: skip
    return Calibrated(**{**told, **changes})


def test_a_calibration_is_read_between_its_points_and_never_beyond() -> None:
    one = calibrated()
    assert one.at(405.0) == (pytest.approx(0.2), pytest.approx(0.004))
    assert one.at(437.5) == (pytest.approx(0.225), pytest.approx(0.005))
    assert one.at(470.0) == (pytest.approx(0.25), pytest.approx(0.006))
    for beyond in (404.9, 470.1, None):
        with pytest.raises(NotCalibrated, match="405 to 470 nm"):
            one.at(beyond)


def test_units_of_a_calibration_are_turned_into_those_that_analyses_take() -> None:
    points = ((0.405, 200.0, 4.0), (0.470, 250.0, 6.0))
    one = calibrated(unit="mA/W", against_unit="um", points=points)
    assert one.at(437.5) == (pytest.approx(0.225), pytest.approx(0.005))
    factor = calibrated(
        GEOMETRY, unit="%", against="", against_unit="", points=((None, 12.0, 0.5),)
    )
    assert factor.at() == (pytest.approx(0.12), pytest.approx(0.005))
    drift = calibrated(
        DRIFT, unit="%/year", against="", against_unit="", points=((None, -1.0, 0.5),)
    )
    assert drift.at() == (pytest.approx(-0.01), pytest.approx(0.005))
    with pytest.raises(NotCalibrated, match="are understood"):
        calibrated(unit="V").at(405.0)
    with pytest.raises(NotCalibrated, match="against nothing are understood"):
        calibrated(DRIFT, unit="1/year").at(405.0)


def test_a_slot_has_its_own_factor_and_none_between_two() -> None:
    one = calibrated(
        GEOMETRY, unit="", against="Slot ", against_unit="", points=((1, 0.1, 0.01), (3, 0.3, 0.01))
    )
    assert one.at(3) == (pytest.approx(0.3), pytest.approx(0.01))
    with pytest.raises(NotCalibrated, match="1, 3, not at"):
        one.at(2)


@pytest.mark.parametrize(
    ("points", "told"),
    [
        (((405.0, 0.2, None), (470.0, 0.25, 0.006)), "has no uncertainty"),
        (((405.0, 0.0, 0.1), (470.0, 0.0, 0.1)), "above zero"),
        (((405.0, -0.2, 0.1), (470.0, -0.2, 0.1)), "above zero"),
        ((), "nowhere"),
    ],
)
def test_what_a_calibration_does_not_say_is_told(points: Any, told: str) -> None:
    with pytest.raises(NotCalibrated, match=told):
        calibrated(points=points).at(405.0)


def test_a_calibration_holds_from_its_day_to_its_last() -> None:
    one = calibrated(valid_until=dt.date(2027, 3, 2))
    for day in (DAY, dt.date(2027, 3, 2)):
        one.refuse_on(day)
    with pytest.raises(NotCalibrated, match="after the measurement"):
        one.refuse_on(dt.date(2026, 3, 1))
    with pytest.raises(NotCalibrated, match="ended on 2027-03-02"):
        one.refuse_on(dt.date(2027, 3, 3))
    calibrated().refuse_on(dt.date(2090, 1, 1))


def test_the_latest_calibration_before_a_measurement_counts() -> None:
    old, new, later = (calibrated(done_on=dt.date(year, 1, 1)) for year in (2024, 2025, 2027))
    rows = [later, old, new]
    assert holding(rows, RESPONSIVITY, "", DAY) is new
    assert holding(rows, RESPONSIVITY, "diode 1", dt.date(2027, 1, 1)) is later
    with pytest.raises(NotCalibrated, match="after the measurement"):
        holding([later], RESPONSIVITY, "", DAY)
    with pytest.raises(NotCalibrated, match="no instrument of the run"):
        holding(rows, GEOMETRY, "", DAY)
    with pytest.raises(NotCalibrated, match="of diode 2"):
        holding(rows, RESPONSIVITY, "diode 2", DAY)
    other = calibrated(instrument="diode 2", done_on=dt.date(2025, 1, 1))
    with pytest.raises(NotCalibrated, match="diode 1 and diode 2"):
        holding([new, other], RESPONSIVITY, "", DAY)
    assert holding([new, other], RESPONSIVITY, "diode 2", DAY) is other


def test_a_quantity_is_known_however_it_is_typed() -> None:
    assert known_as("  Geometry   FACTOR ") == GEOMETRY
    assert known_as("colour") == ""
    with pytest.raises(ValueError, match="say at which"):
        value_at([(1.0, 2.0, 0.1), (2.0, 3.0, 0.1)])
    assert value_at([(None, 2.0, None)], 7.0) == (2.0, None)


def test_a_condition_of_another_process_is_the_same_here() -> None:
    """Texts have another hash in each process, and a pool sends conditions from one to another."""
    made = "import pickle, sys; from mppcqa.stages import Condition; \
sys.stdout.buffer.write(pickle.dumps(Condition(bias_v=71.6, light=1.0)))"
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", made],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        )
        sent = pickle.loads(done.stdout)  # noqa: S301 (our own, a moment ago)
        assert {sent: 1}[Condition(bias_v=71.6, light=1.0)] == 1
        assert sent["bias_v"] == 71.6
