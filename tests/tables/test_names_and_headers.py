"""What a file's name, header and headings say of its conditions, and what they do not."""

from __future__ import annotations

import math
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mppcqa.tables import TableError
from mppcqa.tables.channel_names import channel_number, channel_numbers
from mppcqa.tables.conditions import (
    Evidence,
    disagreement,
    find_condition,
    from_name,
    in_header,
    in_name,
    number_in,
)
from mppcqa.tables.headings import read_head
from mppcqa.tables.mapping import Given, Mapping
from mppcqa.tables.name_patterns import NamePattern
from mppcqa.tables.ranges import implausible
from mppcqa.tables.told_units import told_units
from mppcqa.tables.units import by_prefix, conversion, is_unit, read_unit


@settings(max_examples=40)
@given(
    st.decimals(-60, 60, places=1, allow_nan=False).map(float),
    st.sampled_from(["n", "m", "-"]),
    st.sampled_from([".", ","]),
)
def test_a_pattern_gives_the_numbers_a_name_was_made_of(
    value: float, minus: str, decimal: str
) -> None:
    written = f"{abs(value):.1f}".replace(".", decimal)
    name = f"a-7/{'' if value >= 0 else minus}{written}V_run.csv"
    found = NamePattern.of("{serial}/{bias_v}V_{*}.csv").read(name)
    assert found is not None
    assert found.serial == "A-7"
    assert found.conditions == (("bias_v", value),)


@pytest.mark.parametrize(
    ("pattern", "name", "serial", "channel", "conditions"),
    [
        ("{serial}_{temperature_k}K", "x_293.15K", "X", None, {"temperature_c": 20.0}),
        ("{serial}_ch{channel}_{light}", "x_ch07_dark", "X", 7, {"light": 0.0}),
        ("{serial}_{light}", "x_LED", "X", None, {"light": 1.0}),
        ("{serial}_{light}", "x_2,5", "X", None, {"light": 2.5}),
        ("{serial}_{bias_v}V", "x_p54V", "X", None, {"bias_v": 54.0}),
        ("{serial}_{bias_v}V", "x_+54V", "X", None, {"bias_v": 54.0}),
        ("{serial}/{*}.csv", r"C:\data\s-1\x.csv", "S-1", None, {}),
        ("{serial}.csv", "deep/in/folders/s-1.csv", "S-1", None, {}),
        ("{serial}.csv", "S-1.CSV", "S-1", None, {}),
    ],
)
def test_patterns_of_names(
    pattern: str, name: str, serial: str, channel: int | None, conditions: dict[str, float]
) -> None:
    found = NamePattern.of(pattern).read(name)
    assert found is not None
    assert (found.serial, found.channel, dict(found.conditions)) == (serial, channel, conditions)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("{serial}.csv", "s-1Xcsv"),  # a point is a point
        ("{serial}.csv", "s-1.csv.bak"),
        ("{serial}/{*}.csv", "x.csv"),
        ("{serial}_ch{channel}.csv", "a_chx.csv"),
        ("{serial}_ch{channel}.csv", "a_ch12345.csv"),
        ("{bias_v}V.csv", "54.V.csv"),
    ],
)
def test_a_name_of_another_pattern_says_nothing(pattern: str, name: str) -> None:
    assert NamePattern.of(pattern).read(name) is None


def test_a_pattern_may_name_axes_and_each_field_once() -> None:
    found = NamePattern.of("{serial}_{wavelength_nm}nm", ["wavelength_nm"]).read("a_405nm")
    assert found is not None
    assert found.conditions == (("wavelength_nm", 405.0),)
    NamePattern.of("{*}_{serial}_{*}.csv")
    for wrong in ("{serial}_{serial}", "{voltage}.csv", "{wavelength_nm}nm", "x" * 301):
        with pytest.raises(TableError, match=r"can't be used.*\{serial\}, \{channel\}, \{bias_v\}"):
            NamePattern.of(wrong)
    NamePattern.of("x" * 300)


@pytest.mark.parametrize(
    ("axis", "name", "value"),
    [
        ("bias_v", "iv_54.3V.csv", 54.3),
        ("bias_v", "iv_54,3V_20C.csv", 54.3),
        ("bias_v", "Vbias54.3_run.csv", 54.3),
        ("bias_v", "HV=55.csv", 55.0),
        ("bias_v", "x_3V_ov.csv", None),  # an overvoltage
        ("bias_v", "x_3V_over.csv", None),
        ("bias_v", "x_54V_55V.csv", None),
        ("bias_v", "S13360V2.csv", None),
        ("light", "iv_dark.csv", 0.0),
        ("light", "iv_led off.csv", None),
        ("light", "iv_laser.csv", 1.0),
        ("light", "iv_7.8mA.csv", 1.0),
        ("light", "iv_light_dark.csv", None),
        ("light", "delight.csv", None),
        ("light", "iv.csv", None),
        ("temperature_c", "iv_zeroC.csv", 0.0),
        ("temperature_c", "iv_20,5C.csv", 20.5),
        ("temperature_c", "iv_293K.csv", 19.85),
        ("temperature_c", "iv_5K.csv", None),  # one digit: five thousand of something
        ("temperature_c", "iv_20CH.csv", None),
        ("temperature_c", "T25.csv", 25.0),
        ("temperature_c", "iv_T25.5.csv", 25.5),
        ("temperature_c", "iv_T25_2.csv", 25.0),
        ("temperature_c", "iv_Tn25.csv", -25.0),
    ],
)
def test_conditions_in_names(axis: str, name: str, value: float | None) -> None:
    found = in_name(axis, name)
    assert (found and found.value) == value
    if found:
        assert "the file's name" in found.where


@pytest.mark.parametrize(
    ("text", "axis", "key", "value"),
    [
        ("54,30", "bias_v", "", 54.3),
        ("54300", "bias_v", "Bias Voltage [mV]", 54.3),
        ("293.15 K", "temperature_c", "", 20.0),
        ("20 degC", "temperature_c", "", 20.0),
        ("68 F", "temperature_c", "", 20.0),
        ("293.15", "temperature_c", "temperature_K", 20.0),
        ("20", "temperature_c", "temperature_C", 20.0),
        ("200 ns", "gate_s", "", 2e-7),
        ("- 20 °C", "temperature_c", "", -20.0),
        ("20 furlongs", "temperature_c", "", None),
        ("20 V", "temperature_c", "", None),
        ("cold", "temperature_c", "", None),
        ("", "bias_v", "", None),
        ("54 V, 55 V", "bias_v", "", None),
    ],
)
def test_numbers_of_headers_come_out_in_our_units(
    text: str, axis: str, key: str, value: float | None
) -> None:
    assert number_in(text, axis, key) == (None if value is None else pytest.approx(value))


def test_a_header_whose_lines_differ_says_nothing() -> None:
    assert in_header("bias_v", {"Bias": "54 V"}) == Evidence(54.0, "the header (Bias)")
    assert in_header("bias_v", {"Bias": "54 V", "HV": "54000 mV"}) is not None
    assert in_header("bias_v", {"Bias": "54 V", "HV": "55 V"}) is None
    assert in_header("bias_v", {"Operator": "54 V"}) is None
    assert in_header("bias_v", {"Bias": "high", "HV": "55 V"}) == Evidence(55.0, "the header (HV)")


def test_the_header_is_heard_before_the_name_and_both_are_kept() -> None:
    found = find_condition("bias_v", "x_53V.csv", {"Bias": "54 V"})
    assert [one.value for one in found] == [54.0, 53.0]
    said = disagreement("bias_v", found)
    assert "54" in said
    assert "53 by the file's name" in said
    assert find_condition("light", "x.csv", {}) == []


@pytest.mark.parametrize(
    ("axis", "apart", "asks"),
    [
        ("bias_v", 0.04, False),
        ("bias_v", 0.06, True),
        ("temperature_c", 4.9, False),
        ("temperature_c", 5.1, True),
        ("light", 0.1, True),
    ],
)
def test_two_places_may_differ_by_what_a_setting_does(axis: str, apart: float, asks: bool) -> None:
    first, second = Evidence(20.0, "here"), Evidence(20.0 + apart, "there")
    for pair in ([first, second], [second, first]):
        assert bool(disagreement(axis, pair)) == asks
    assert disagreement(axis, [first]) == ""


def test_an_expression_on_a_name_gives_its_group_or_all() -> None:
    assert from_name(r"_([nm-]?\d+)V", "x_n54V.csv", "bias_v") == -54.0
    assert from_name(r"\d+", "x_54V.csv", "bias_v") == 54.0
    assert from_name(r"_(p\d+)V", "x_p54V.csv", "bias_v") == 54.0
    assert from_name(r"_(\d+)A", "x_54V.csv", "bias_v") is None
    assert from_name(r"_(\d+)?V", "x_V.csv", "bias_v") is None


def test_a_mapping_takes_a_condition_from_the_first_that_gives_a_number() -> None:
    path = Path("x_54V.csv")
    given_ = Given(header="Bias", file_name=r"_(\d+)V", value=50.0)

    def found(one: Given, path: Path = path, **header: str) -> float:
        return Mapping("m", "table", "iv", conditions={"bias_v": one}).condition(
            "bias_v", path, header
        )

    assert found(given_, Bias="55 V") == 55.0
    assert found(given_, Bias="high") == 54.0
    assert found(given_) == 54.0
    assert found(given_, Path("x.csv")) == 50.0
    assert math.isnan(found(Given(header="Bias")))
    assert found(Given(file_name="_54V", found=0.0, header="Bias", value=3.0), Bias="55") == 0.0
    assert found(Given(file_name="_99V", found=0.0, header="Bias", value=3.0), Bias="55") == 55.0
    assert math.isnan(Mapping("m", "table", "iv").condition("bias_v", path, {}))


@pytest.mark.parametrize(
    ("axis", "value", "said"),
    [
        ("bias_v", -3000.0, ""),
        ("bias_v", 3000.5, "(-3000 to 3000)"),
        ("overvoltage_v", 61.0, "(-60 to 60)"),
        ("temperature_c", 150.0, ""),
        ("temperature_c", -272.0, ""),
        ("temperature_c", 160.0, "(-272 to 150)"),
        ("temperature_c", 173.0, "is it kelvin, -100.15 °C?"),
        ("temperature_c", 293.15, "is it kelvin, 20.00 °C?"),
        ("temperature_c", 424.0, "another unit?"),
        ("light", -0.1, "another unit?"),
        ("light", 0.0, ""),
        ("gate_s", 200.0, "another unit?"),
        ("sample_s", 1e-9, ""),
        ("bias_v", math.nan, ""),
        ("wavelength_nm", 1e12, ""),
    ],
)
def test_a_condition_that_can_not_be_is_said_to_be_in_another_unit(
    axis: str, value: float, said: str
) -> None:
    text = implausible(axis, value)
    assert said in text
    assert bool(text) == bool(said)


@pytest.mark.parametrize(
    ("cell", "number"),
    [("CH03", 3), ("ch 3", 3), ("Pixel#12", 12), ("canal_4", 4), ("12", 12), ("SiPM-7", 7),
     ("S13360-1", None), ("ch", None), ("ch12345", None), ("3.5", None), ("", None)],
)  # fmt: skip
def test_a_channel_is_told_by_its_number_or_name(cell: str, number: int | None) -> None:
    assert channel_number(cell) == number


def test_channels_of_a_column_are_numbers_where_all_have_one_name() -> None:
    assert channel_numbers(pa.array(["CH3", "ch12"])).value.tolist() == [3.0, 12.0]
    assert channel_numbers(pa.array(["3", "12"])).value.tolist() == [3.0, 12.0]
    for mixed in (["CH3", "Pixel 12"], ["CH3", "12"], ["CH3", "x"]):
        assert channel_numbers(pa.array(mixed)).broken.any()


@pytest.mark.parametrize(
    ("heads", "lines", "units"),
    [
        (["Voltage", "Current"], ["# Units: V, nA"], ["V", "nA"]),
        (["Voltage", "Current"], ["Units of columns: mV; pA"], ["mV", "pA"]),
        (["Voltage", "Current"], ["# Units: V, nA, s"], ["", ""]),
        (["Voltage", "Current"], ["# Units: V, nA", "Current in pA"], ["V", ""]),
        (["Voltage", "Current"], ["unit of current: uA"], ["", "uA"]),
        (["Voltage", "Current"], ["currents are in nanoamps"], ["", "nanoamps"]),
        (["Voltage", "Current (A)"], ["Current in nA"], ["", "A"]),
        (["Voltage", "Current"], ["Current in nA: 3"], ["", ""]),  # a setting
        (["Voltage", "Current"], ["Current in V"], ["", ""]),  # no unit of it
        (["Voltage", "Current"], ["Current [MA]"], ["", ""]),  # may be two
        (["Serial", "Current"], ["# Units: V, nA"], ["", "nA"]),
    ],
)
def test_units_that_remarks_tell(heads: list[str], lines: list[str], units: list[str]) -> None:
    columns = told_units([read_head(head) for head in heads], lines)
    assert [column.unit for column in columns] == units
    assert [column.told for column in columns] == [
        bool(unit) and "(" not in head for unit, head in zip(units, heads, strict=True)
    ]


@settings(max_examples=60)
@given(
    st.sampled_from(["", "G", "M", "k", "m", "u", "µ", "n", "p", "f"]),
    st.sampled_from(["", "G", "M", "k", "m", "u", "µ", "n", "p", "f"]),
    st.sampled_from(["V", "A", "Hz", "s", "C", "Gy", "eV", "Ω"]),
)
def test_there_and_back_between_prefixes_is_once(here: str, there: str, base: str) -> None:
    powers = {"": 0, "G": 9, "M": 6, "k": 3, "m": -3, "u": -6, "µ": -6, "n": -9, "p": -12, "f": -15}
    one, back = conversion(here + base, there + base), conversion(there + base, here + base)
    if here + base == "MV" or there + base == "MV" or {here + base, there + base} & {"MA"}:
        return  # may be milli in letters of one size
    assert one is not None
    assert back is not None
    assert one.factor == pytest.approx(10.0 ** (powers[here] - powers[there]))
    assert one.factor * back.factor == pytest.approx(1)
    assert by_prefix(here + base, there + base) == pytest.approx(one.factor)


@pytest.mark.parametrize(
    ("given_", "stored", "number", "due"),
    [
        ("mK", "°C", 300_000.0, 26.85),
        ("°F", "K", 32.0, 273.15),
        ("°C", "K", 20.0, 293.15),
        ("krad", "Gy", 3.0, 30.0),
        ("Mrad", "kGy", 3.0, 30.0),
        ("min", "s", 2.0, 120.0),
        ("h", "min", 2.0, 120.0),
        ("cm", "mm", 2.0, 20.0),
        ("мкА", "A", 2.0, 2e-6),
        ("кОм", "Ω", 2.0, 2000.0),
        ("x1e-9 A", "A", 2.0, 2e-9),
        ("10^-3 V", "mV", 2.0, 2.0),
        ("V/°C", "mV/K", 0.054, 54.0),
        ("ADC", "ADC/p.e.", 30.0, 30.0),
        ("a.u.", "ADC", 30.0, 30.0),
        ("", "V", 5.0, 5.0),
    ],
)
def test_units_of_one_quantity(given_: str, stored: str, number: float, due: float) -> None:
    change = conversion(given_, stored)
    assert change is not None
    assert number * change.factor + change.offset == pytest.approx(due)
    assert change.changes == (due != number)


@pytest.mark.parametrize("text", ["MA", "furlong", "n", "xV", "x10^-9 K", "A/V", "dBm"])
def test_what_is_no_unit_or_two_is_none(text: str) -> None:
    assert read_unit(text) is None
    assert not is_unit(text)


def test_a_unit_is_not_nothing() -> None:
    assert read_unit("") is not None
    assert not is_unit(" ")
    assert is_unit("%")
    assert conversion("F", "V") is None
    assert conversion("C", "V") is None
    assert by_prefix("px", "V") is None
    assert by_prefix("kpx", "px") == 1000.0
    assert by_prefix("V", "A") is None
