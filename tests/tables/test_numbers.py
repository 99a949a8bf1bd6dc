"""A cell means what its column says: decimal signs, thousands, words for nothing, limits, units."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mppcqa.tables.conditions import in_name
from mppcqa.tables.headings import read_head, roles_of
from mppcqa.tables.numbers import AMBIGUOUS, decimal_sign, numbers, to_number
from mppcqa.tables.units import conversion

REAL = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e30, max_value=1e30)


def written(value: float, decimal: str, grouped: bool, mark: str) -> str:
    """A number as people write it: with decimals, and marks between thousands or none."""
    text = f"{value:,.4f}" if grouped else f"{value:.4f}"
    return text.replace(",", "@").replace(".", decimal).replace("@", mark)


@given(
    st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=20),
    st.sampled_from([(".", ","), (",", "."), (".", " "), (",", " "), (".", "'"), (",", "\u202f")]),
    st.booleans(),
)
def test_a_column_of_any_writing_gives_its_numbers(
    values: list[float], signs: tuple[str, str], grouped: bool
) -> None:
    decimal, mark = signs
    cells = [written(value, decimal, grouped, mark) for value in values]
    sign = decimal_sign(cells)
    assert sign == decimal
    found = numbers(pa.array(cells), sign)
    assert not found.broken.any()
    np.testing.assert_allclose(found.value, [round(value, 4) for value in values], atol=1e-9)


@given(st.lists(REAL, min_size=1, max_size=20), st.sampled_from([".", ","]))
def test_numbers_as_programs_write_them(values: list[float], decimal: str) -> None:
    cells = [f"{value:.6e}".replace(".", decimal) for value in values]
    found = numbers(pa.array(cells), decimal_sign(cells))
    np.testing.assert_allclose(found.value, [float(f"{value:.6e}") for value in values])


@given(st.text(max_size=12))
def test_any_text_is_a_number_or_marked(text: str) -> None:
    """Nothing becomes a number by losing letters."""
    found = numbers(pa.array([text]), ".")
    kinds = [found.empty[0], found.broken[0], found.infinite[0], found.limit[0]]
    if math.isfinite(found.value[0]):
        assert not any(kinds)
        assert not any(mark.isalpha() and mark not in "eEdD" for mark in text.strip())
    else:
        assert any(kinds)


@pytest.mark.parametrize(
    ("cells", "others", "sign"),
    [
        (["52,310", "52,290"], "", AMBIGUOUS),  # 52.31 V or 52 thousand
        (["52,310", "52,290"], ",", ","),
        (["52,310", "52,290"], ".", AMBIGUOUS),
        (["52.310", "52.290"], "", "."),
        (["52.310", "52.290"], ",", AMBIGUOUS),
        (["0,310", "52,290"], "", ","),
        (["1,234,567", "52,290"], "", "."),
        (["1.234,5", "2.000"], "", ","),
        (["49", "50"], ",", ","),
        (["slot 4", "N/A"], "", "."),
    ],
)
def test_a_column_that_may_mean_two_numbers_is_ambiguous(
    cells: list[str], others: str, sign: str
) -> None:
    assert decimal_sign(cells, others) == sign
    if sign == AMBIGUOUS:
        assert numbers(pa.array(cells), sign).broken.all()


@pytest.mark.parametrize(
    "word",
    ["N/A", "n/a", "-", "--", "not measured", "Not Measured", "#N/A", "NA", "null", "n.a.", "n.d.",
     "9.91E37", "+9.910000E+37", "9.9E37", "OVRFLW", "sin medir", "#DIV/0!", "none", "n.m.", "—"],
)  # fmt: skip
def test_words_for_nothing_are_empty(word: str) -> None:
    found = numbers(pa.array(["51.3", word]))
    assert found.empty.tolist() == [False, True]
    assert found.word.tolist() == [False, True]
    assert not found.broken.any()
    assert math.isnan(found.value[1])


def test_points_between_thousands_by_the_whole_column() -> None:
    """A group alone may be decimals of another hand; three numbers of several groups tell."""
    several = ["1.234.567", "2.345.678", "3.456.789", "24.494", "20"]
    assert numbers(pa.array(several), ",").value[-2:].tolist() == [24494.0, 20.0]
    assert numbers(pa.array([*several, "1,5"]), ",").broken[3]
    assert numbers(pa.array(several[1:]), ",").broken[2]


@pytest.mark.parametrize("text", ["<1000", "< 1e3", ">5.2", "≤ 10", "less than 4"])
def test_limits_are_no_values(text: str) -> None:
    found = numbers(pa.array(["51.3", text]))
    assert found.limit.tolist() == [False, True]
    assert math.isnan(found.value[1])


@pytest.mark.parametrize("text", ["slot 4", "1..2", "12-3", "0x4000", "1,2,3", "5 V", "--5", "e5"])
def test_other_texts_are_no_numbers(text: str) -> None:
    assert to_number(text) is None
    assert numbers(pa.array(["51.3", text])).broken.tolist() == [False, True]


@pytest.mark.parametrize(
    ("given_", "stored", "number", "due"),
    [
        ("uA", "A", 2.0, 2e-6),
        ("µA", "A", 2.0, 2e-6),
        ("μA", "A", 2.0, 2e-6),
        ("nA", "A", 2.0, 2e-9),
        ("mV", "V", 54300.0, 54.3),
        ("K", "°C", 293.15, 20.0),
        ("kelvin", "°C", 77.0, -196.15),
        ("degC", "°C", 20.0, 20.0),
        ("C", "°C", 20.0, 20.0),
        ("°F", "°C", 68.0, 20.0),
        ("ns", "s", 4.0, 4e-9),
        ("kcps", "Hz", 3.0, 3000.0),
        ("MHz", "Hz", 1.5, 1.5e6),
        ("%", "", 12.0, 0.12),
        ("kOhm", "Ω", 1.0, 1000.0),
        ("mV/K", "V/°C", 54.0, 0.054),
        ("UA", "A", 2.0, 2e-6),
        ("pa", "A", 2.0, 2e-12),
        ("microamps", "A", 2.0, 2e-6),
        ("Nano-Amperes", "A", 2.0, 2e-9),
        ("A x 1E-9", "A", 2.0, 2e-9),
        ("10⁻⁹ A", "A", 2.0, 2e-9),
        ("KHZ", "Hz", 3.0, 3000.0),
    ],
)
def test_units_are_told_apart(given_: str, stored: str, number: float, due: float) -> None:
    change = conversion(given_, stored)
    assert change is not None
    assert number * change.factor + change.offset == pytest.approx(due)


@pytest.mark.parametrize(
    ("given_", "stored"),
    [
        ("A", "V"),
        ("s", "V"),
        ("°C", "V"),
        ("cm", "V"),
        ("MA", "A"),
        ("NA", "A"),
        ("A x 1E9", "A"),
        ("100A", "A"),
    ],
)
def test_units_of_other_quantities_are_refused(given_: str, stored: str) -> None:
    assert conversion(given_, stored) is None


def test_an_uncertainty_in_kelvin_is_one_in_degrees() -> None:
    change = conversion("K", "°C", difference=True)
    assert change is not None
    assert (change.factor, change.offset) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("head", "name", "unit", "roles"),
    [
        ("Current (uA)", "Current", "uA", ["current_a"]),
        ("I [nA]", "I", "nA", ["current_a"]),
        ("I_nA", "I", "nA", ["current_a"]),
        ("Current / A", "Current", "A", ["current_a"]),
        ("current, pA", "current", "pA", ["current_a"]),
        ("T in K", "T", "K", ["temperature_c"]),
        ("Time (s)", "Time", "s", ["time"]),
        ("Bias/V", "Bias", "V", ["bias_v"]),
        ("Voltage (V)", "Voltage", "V", ["bias_v", "signal"]),
        ("V_br,IV [V]", "V_br,IV", "V", []),
        ("V_A", "V_A", "", []),
        ("Counts", "Counts", "", ["count"]),
        ("HG", "HG", "", ["charge"]),
        ("I err (A)", "I err", "A", ["spread_a"]),
    ],
)
def test_headings(head: str, name: str, unit: str, roles: list[str]) -> None:
    found = read_head(head)
    assert (found.name, found.unit) == (name, unit)
    assert roles_of(found) == roles


@pytest.mark.parametrize(
    ("head", "conditions"),
    [
        ("Vbr, Temp=25C", {"temperature_c": 25.0}),
        ("Vbr (V) (T=25 degC)", {"temperature_c": 25.0}),
        ("DCR @ OV=3.5 V", {"overvoltage_v": 3.5}),
        ("Id, T=293.15K", {"temperature_c": 20.0}),
        ("I_dark(+4 V) [nA]", {}),
    ],
)
def test_conditions_in_headings(head: str, conditions: dict[str, float]) -> None:
    assert read_head(head).conditions == pytest.approx(conditions)


@pytest.mark.parametrize(
    ("name", "temperature_c"),
    [
        ("iv_T253K.csv", -20.15),
        ("iv_T-20C.csv", -20.0),
        ("iv_Tm20C.csv", -20.0),
        ("HDR2-2-n30C-x.csv", -30.0),
        ("HDR2-2-10C-7.8mA.csv", 10.0),
        ("iv_temp25C.csv", 25.0),
        ("iv-20C.csv", None),  # a minus or a dash
        ("iv_T20C_T-20C.csv", None),
    ],
)
def test_temperatures_in_names(name: str, temperature_c: float | None) -> None:
    found = in_name("temperature_c", name)
    assert (found and found.value) == temperature_c
