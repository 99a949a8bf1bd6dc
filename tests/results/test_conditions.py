"""Conditions: how they are told, ordered, compared, and which of them a value speaks for."""

from __future__ import annotations

import math

import pytest
from django.core.exceptions import ValidationError
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from mppcqa.results.conditions import (
    ConditionField,
    compared,
    condition_text,
    distance,
    holds_at,
    setting,
    sort_key,
    tells_of,
    told_axes,
    value_text,
    values_there,
    without_sources,
    without_sums,
)
from mppcqa.stages import Condition, get_axis

AT = Condition(bias_v=71.6, overvoltage_v=1.6, temperature_c=20.0, light=1.0)
AXES = st.dictionaries(
    st.sampled_from(["bias_v", "overvoltage_v", "temperature_c", "light", "wavelength_nm"]),
    st.floats(-100, 1000).map(lambda value: float(f"{value:.6g}")),
)


def test_a_condition_is_told_in_the_order_of_its_axes_whatever_it_was_made_in() -> None:
    words = "71.6 V, 1.6 V over breakdown, 20 °C, light 1"
    assert condition_text(AT) == words
    assert condition_text(dict(reversed(list(AT.items())))) == words
    assert condition_text({}) == ""
    assert condition_text({"bias_v": None, "temperature_c": 20.0}) == "20 °C"
    with override("es"):
        assert condition_text(AT) != words


def test_an_axis_of_no_stage_comes_last_by_its_own_name() -> None:
    told = condition_text({"tilt_deg": 3.5, "bias_v": 71.0})
    assert told.startswith("71 V, ")
    assert told.endswith("3.5")
    assert [axis.key for axis in told_axes({"tilt_deg": 1.0, "light": 1.0})] == [
        "light",
        "tilt_deg",
    ]
    assert value_text(get_axis("bias_v"), 71.25) == "71.25 V"


@pytest.mark.parametrize(
    ("there", "lit", "dark"),
    [
        # Off and one other: which of the two, without a number.
        ({0.0, 0.5}, "71 V, with light", "71 V, in the dark"),
        # No difference: it is not worth a word.
        ({0.5}, "71 V", None),
        # More than two, or two of which none is off: the number tells them apart.
        ({0.0, 0.5, 1.0}, "71 V, light 0.5", "71 V, light 0"),
        ({0.5, 1.0}, "71 V, light 0.5", None),
        (None, "71 V, light 0.5", "71 V, light 0"),
    ],
)
def test_a_source_is_told_as_far_as_it_tells_conditions_apart(
    there: set[float] | None, lit: str, dark: str | None
) -> None:
    among = None if there is None else {"light": there, "bias_v": {71.0}}
    assert condition_text({"bias_v": 71.0, "light": 0.5}, among=among) == lit
    if dark is not None:
        assert condition_text({"bias_v": 71.0, "light": 0.0}, among=among) == dark


def test_the_values_that_are_there_are_gathered_axis_by_axis() -> None:
    conditions = [AT, Condition(bias_v=72.0, light=0.0), Condition(temperature_c=20.0)]
    assert values_there(conditions) == {
        "bias_v": {71.6, 72.0}, "overvoltage_v": {1.6}, "temperature_c": {20.0},
        "light": {0.0, 1.0},
    }  # fmt: skip


def test_what_was_set_and_what_follows_are_told_apart() -> None:
    assert setting(AT) == AT.without("overvoltage_v")
    alone = Condition(overvoltage_v=1.6)
    assert setting(alone) == alone, "without the bias the overvoltage is all that is known"
    assert compared(AT) == Condition(overvoltage_v=1.6, temperature_c=20.0, light=1.0)
    assert compared(Condition(bias_v=71.6)) == Condition(bias_v=71.6)


@pytest.mark.parametrize(
    ("overvoltage", "temperature", "rounded"),
    [(1.6491, 20.4, (1.6, 20.0)), (1.651, 20.6, (1.7, 21.0)), (-0.04, -0.4, (0.0, 0.0))],
)
def test_conditions_are_compared_in_steps_of_their_axes(
    overvoltage: float, temperature: float, rounded: tuple[float, float]
) -> None:
    found = compared(Condition(overvoltage_v=overvoltage, temperature_c=temperature))
    assert (found["overvoltage_v"], found["temperature_c"]) == rounded
    assert math.copysign(1.0, found["overvoltage_v"]) == 1.0, "there is no minus zero"


@given(AXES)
def test_comparing_what_is_compared_changes_nothing(axes: dict[str, float]) -> None:
    once = compared(Condition(axes))
    assert compared(once) == once
    assert once.keys() <= axes.keys()


def test_conditions_stand_by_temperature_then_light_then_overvoltage_then_bias() -> None:
    ordered = [
        Condition(),
        Condition(bias_v=72.0),
        Condition(light=1.0, bias_v=70.0),
        Condition(temperature_c=-5.0, light=1.0),
        Condition(temperature_c=20.0, light=0.0, overvoltage_v=2.0, bias_v=71.0),
        Condition(temperature_c=20.0, light=1.0, overvoltage_v=1.0, bias_v=73.0),
        Condition(temperature_c=20.0, light=1.0, overvoltage_v=2.0, bias_v=71.0),
        Condition(temperature_c=20.0, light=1.0, overvoltage_v=2.0, bias_v=72.0),
        Condition(temperature_c=20.0, wavelength_nm=405.0),
    ]
    mixed = ordered[::-1]
    assert sorted(mixed, key=sort_key) == ordered


def test_a_value_in_the_dark_holds_in_any_light_and_not_the_other_way_round() -> None:
    dark, lit = Condition(bias_v=71.0, light=0.0), Condition(bias_v=71.0, light=1.0)
    assert holds_at(dark, lit)
    assert not holds_at(lit, dark)
    assert not holds_at(dark, Condition(bias_v=72.0, light=1.0))
    # Of fewer axes it holds at each value of the others.
    assert holds_at(Condition(temperature_c=20.0), Condition(bias_v=71.0, temperature_c=20.0))
    assert not holds_at(Condition(bias_v=71.0, temperature_c=20.0), Condition(bias_v=71.0))
    assert holds_at(Condition(), lit)


def test_what_only_follows_or_was_done_before_does_not_bar_a_value() -> None:
    own = Condition(bias_v=71.0, overvoltage_v=1.1, fluence_neq_cm2=1e9)
    assert holds_at(own, Condition(bias_v=71.0, overvoltage_v=0.9))
    assert without_sums(own) == Condition(bias_v=71.0, overvoltage_v=1.1)
    assert without_sources(AT) == AT.without("light")


@given(AXES, AXES)
def test_distance_is_counted_in_steps_of_the_wanted_axes(
    axes: dict[str, float], wanted: dict[str, float]
) -> None:
    found = distance(Condition(axes), Condition(wanted))
    here, there = Condition(axes), Condition(wanted)
    if there.keys() - here.keys():
        assert found == math.inf
        return
    expected = math.fsum(
        abs(here[key] - value) / (get_axis(key).resolution or 1.0) for key, value in there.items()
    )
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-8)
    assert distance(here, here) == 0.0
    assert distance(here, Condition()) == 0.0


@pytest.mark.parametrize(
    ("bias", "temperature", "near"),
    [
        (71.0, 20.0, True),
        (71.5, 20.0, True),
        (70.5, 25.0, True),
        (71.51, 20.0, False),
        (71.0, 25.01, False),
        (71.0, 14.99, False),
    ],
)
def test_a_value_is_judged_by_a_limit_within_the_reach_of_each_axis(
    bias: float, temperature: float, near: bool
) -> None:
    wanted = Condition(bias_v=71.0, temperature_c=20.0)
    assert tells_of(Condition(bias_v=bias, temperature_c=temperature, light=3.0), wanted) is near
    assert not tells_of(Condition(bias_v=bias), wanted), "an axis that is not known is not near"
    assert tells_of(Condition(light=0.0), Condition(light=5.0)), "in the dark is near to any light"
    assert tells_of(Condition(), Condition())


@given(AXES)
def test_a_condition_comes_back_from_its_text(axes: dict[str, float]) -> None:
    field = ConditionField()
    at = Condition(axes)
    assert field.from_db_value(field.get_prep_value(at)) == at
    assert field.to_python(at) is at
    assert field.to_python(at.text) == at


def test_what_is_no_condition_is_refused_with_its_text() -> None:
    field = ConditionField()
    assert field.to_python(None) is None
    assert field.from_db_value(None) is None
    with pytest.raises(ValidationError, match="“so warm” is no condition"):
        field.to_python("so warm")
