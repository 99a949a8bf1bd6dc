"""Values of a table as they are stored: units, uncertainties, limits, channels, conditions."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mppcqa.exchange import imports
from mppcqa.exchange.device_lookup import DeviceLookup
from mppcqa.exchange.faults import SHOWN, FaultBook
from mppcqa.exchange.repeats import Repeats
from mppcqa.exchange.spool import Spool
from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import Device, DeviceType, SerialAlias
from mppcqa.results.models import Measurement
from mppcqa.stages.conditions import Condition
from mppcqa.tables.errors import Fault
from tests.exchange.test_imports import bring, told

pytestmark = pytest.mark.django_db
Stored = dict[str, tuple[float, float | None, float, int]]


@pytest.fixture
def devices(db: None) -> list[Device]:
    """Two of one channel, one of sixteen."""
    DeviceType.objects.create(name="single", rows=1, columns=1)
    DeviceType.objects.create(name="array", rows=4, columns=4)
    kinds = {"A-0": "single", "A-1": "single", "B-0": "array"}
    return register_devices([{"serial": one, "device_type": kind} for one, kind in kinds.items()])


def stored(text: str, stage: str = "tray_survey", **mapping: Any) -> list[tuple[Any, ...]]:
    """What a table without faults becomes: serial, channel, value, its uncertainties, its bound."""
    row = bring(text, stage=stage)
    if mapping:
        row.mapping.update(mapping)
        row.save()
        imports.check(row)
    assert row.faults == 0, told(row)
    imports.apply(row)
    rows = Measurement.objects.filter(quantity__stage=stage).order_by("device", "channel", "value")
    return list(
        rows.values_list(
            *("device__serial", "channel", "value", "statistical", "systematic", "bound")
        )
    )


def faults(text: str, stage: str = "tray_survey") -> list[str]:
    """What is wrong with a table, a line each."""
    row = bring(text, stage=stage)
    lines = told(row).splitlines()[1:]
    assert row.faults == len(lines)
    return lines


LONG = "serial,channel,quantity,temperature [°C],value,statistical,systematic,bound\n"


def test_a_row_a_value_has_all_that_is_known_of_it(devices: list[Device]) -> None:
    lines = ("A-0,,{},25,51.25,0.1,0.02,", "A-1,0,{},25,51.5,,,")
    text = LONG + "".join(f"{line}\n".format("breakdown_voltage_iv_v") for line in lines)
    assert stored(text) == [
        ("A-0", 0, 51.25, 0.1, pytest.approx(0.02), None),
        ("A-1", 0, 51.5, None, 0.0, None),
    ]
    conditions = {row.condition.at.text for row in Measurement.objects.all()}
    assert conditions == {"temperature_c=25"}


@pytest.mark.parametrize(
    ("cell", "side", "value", "bound"),
    [("<5", "", 5.0, 1), (">5", "", 5.0, -1), ("5", "<", 5.0, 1), ("5", ">", 5.0, -1),
     ("5", "", 5.0, 0), ("less than 5", "", 5.0, 1)],
)  # fmt: skip
def test_a_limit_is_kept_as_one_and_has_no_uncertainty(
    devices: list[Device], cell: str, side: str, value: float, bound: int
) -> None:
    text = LONG + f"A-0,,dark_current_above_na,,{cell},0.5,0.25,{side}\n"
    (found,) = stored(text)
    assert found[2] == value
    assert (found[5] or 0) == bound
    assert found[3:5] == ((0.5, 0.25) if bound == 0 else (None, 0.0))


def test_units_of_headings_are_those_of_values_and_of_their_uncertainties(
    devices: list[Device],
) -> None:
    text = "serial,V_br IV [mV],error V_br IV [mV]\nA-0,51250,100\n"
    row = bring(text)
    heads = list(row.mapping["columns"])
    columns = {
        heads[0]: {"to": "serial"},
        heads[1]: {"to": "value:breakdown_voltage_iv_v"},
        heads[2]: {"to": "statistical:breakdown_voltage_iv_v"},
    }
    (found,) = stored(text, columns=columns)
    assert found[2:4] == (pytest.approx(51.25), pytest.approx(0.1))


@pytest.mark.parametrize("kind", ["statistical", "systematic"])
def test_an_uncertainty_without_a_unit_of_its_own_is_in_that_of_its_value(
    devices: list[Device], kind: str
) -> None:
    """A column "error" beside one in millivolts is in millivolts."""
    text = "serial,V_br IV [mV],error\nA-0,51250,100\n"
    columns = {
        "serial": {"to": "serial"},
        "V_br IV [mV]": {"to": "value:breakdown_voltage_iv_v"},
        "error": {"to": f"{kind}:breakdown_voltage_iv_v"},
    }
    (found,) = stored(text, columns=columns)
    assert found[2] == pytest.approx(51.25)
    assert found[3 if kind == "statistical" else 4] == pytest.approx(0.1)


def test_an_uncertainty_of_kelvin_is_no_temperature(devices: list[Device]) -> None:
    text = "serial,temperature now,error of it\nA-0,298.15,0.5\n"
    columns = {
        "serial": {"to": "serial"},
        "temperature now": {"to": "value:temperature_c", "unit": "K"},
        "error of it": {"to": "statistical:temperature_c", "unit": "K"},
    }
    (found,) = stored(text, columns=columns)
    assert found[2:4] == (pytest.approx(25.0), pytest.approx(0.5))


@pytest.mark.parametrize("error", ["statistical", "statistical [mV]", "statistical [uV]"])
def test_a_row_s_value_is_in_its_heading_s_unit_whichever_quantity_it_is_of(
    devices: list[Device], error: str
) -> None:
    times = 1000 if "uV" in error else 1
    lines = [
        f"A-0,breakdown_voltage_iv_v,51250,{100 * times}",
        f"A-0,breakdown_offset_v,<3,{times}",
    ]
    found = stored("\n".join([f"serial,quantity,value [mV],{error}", *lines]) + "\n")
    assert [(one[2], one[3], one[5]) for one in found] == [
        (pytest.approx(0.003), None, 1),
        (pytest.approx(51.25), pytest.approx(0.1), None),
    ]


def test_a_row_whose_quantity_is_in_no_such_unit_is_a_fault(devices: list[Device]) -> None:
    text = "serial,quantity,value [µA]\nA-0,dark_current_above_na,2\n"
    assert stored(text)[0][2] == pytest.approx(2000)
    (one,) = faults(text + "A-1,dark_current_above_na,2\nA-1,breakdown_offset_v,2\n")[:1]
    assert one.startswith("4,")
    assert "the unit µA is not that of the quantity (V)" in one


def test_columns_of_channels_count_as_the_mapping_says(devices: list[Device]) -> None:
    text = "serial,V_br IV ch1 [V],V_br IV ch16 [V]\nB-0,51.1,51.6\n"
    columns = {
        "serial": {"to": "serial"},
        "V_br IV ch1 [V]": {"to": "value:breakdown_voltage_iv_v", "channel": 1},
        "V_br IV ch16 [V]": {"to": "value:breakdown_voltage_iv_v", "channel": 16},
    }
    row = bring(text)
    row.mapping.update(columns=columns, channels_from=0)
    row.save()
    imports.check(row)
    assert "the device has 16 channels only" in told(row)
    assert row.faults == 1, told(row)
    found = stored(text, columns=columns, channels_from=1)
    assert [(channel, value) for _s, channel, value, *_rest in found] == [(0, 51.1), (15, 51.6)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("B-0,,breakdown_voltage_iv_v,,51,,,", "no channel is named, and the device has 16"),
        ("B-0,16,breakdown_voltage_iv_v,,51,,,", "no channel “16”; it has 0 to 15"),
        ("B-0,1.5,breakdown_voltage_iv_v,,51,,,", "no channel “1.5”"),
        ("B-0,-1,breakdown_voltage_iv_v,,51,,,", "no channel “-1”"),
        ("A-0,,breakdown_voltage_iv_v,,51,0,,", "an uncertainty is never zero or negative"),
        ("A-0,,breakdown_voltage_iv_v,,51,-1,,", "an uncertainty is never zero or negative"),
        ("A-0,,breakdown_voltage_iv_v,,51,,-1,", "an uncertainty is never negative"),
        ("A-0,,breakdown_voltage_iv_v,,51,x,,", "“x” is no number"),
        ("A-0,,breakdown_voltage_iv_v,,51,,,around", "“around” is no bound"),
        ("A-0,,breakdown_voltage_iv_v,,4.9,,,", "4.9 V lies outside what is possible"),
        ("A-0,,breakdown_voltage_iv_v,,250.1,,,", "250.1 V lies outside"),
        ("A-0,,breakdown_voltage_iv_v,298,51,,,", "is it kelvin, 24.85 °C?"),
        ("A-0,,weight,,51,,,", "the stage has no quantity “weight”; it has: breakdown"),
        ("X-9,,breakdown_voltage_iv_v,,51,,,", "X-9 is not registered"),
    ],
)
def test_what_can_not_be_is_one_fault_with_its_row(
    devices: list[Device], line: str, said: str
) -> None:
    (one,) = faults(LONG + f"A-1,,breakdown_voltage_iv_v,,51,,,\n{line}\n")
    assert one.startswith("3,")
    assert said in one


@pytest.mark.parametrize(
    "line",
    [
        "A-0,,breakdown_voltage_iv_v,,51,,0,",
        "A-0,,breakdown_voltage_iv_v,,4.9,0.05,,",  # within its uncertainty of what is possible
        "A-0,,breakdown_voltage_iv_v,,5,,,",
        "A-0,,breakdown_voltage_iv_v,,250,,,",
        "B-0,15,breakdown_voltage_iv_v,,51,,,",
        ",,,,,,,",
    ],
)
def test_what_just_can_be_is_no_fault(devices: list[Device], line: str) -> None:
    assert faults(LONG + f"A-1,,breakdown_voltage_iv_v,,51,,,\n{line}\n") == []


def test_the_same_value_twice_is_told_with_the_row_that_had_it_first(
    devices: list[Device],
) -> None:
    line = "A-0,,breakdown_voltage_iv_v,{},51,,,\n"
    text = LONG + "".join(line.format(t) for t in (20, 25, 20, "", 25.0000001, 20))
    lines = faults(text)
    assert [one.split(",")[0] for one in lines] == ["4", "6", "7"]
    assert [one.split("stand in row ")[1][0] for one in lines] == ["2", "3", "2"]


@settings(max_examples=15)
@given(st.lists(st.tuples(*[st.integers(0, 2)] * 4), max_size=30), st.integers(1, 4))
def test_repeats_are_those_that_a_dictionary_finds(
    keys: list[tuple[int, int, int, int]], pieces: int
) -> None:
    first: dict[tuple[int, ...], int] = {}
    expected = []
    for row, key in enumerate(keys, 2):
        if key in first:
            expected.append([row, first[key]])
        first.setdefault(key, row)
    repeats = Repeats()
    for part in np.array_split(np.arange(len(keys)), pieces):
        some = np.array(keys, np.int64).reshape(-1, 4)[part]
        if len(some):
            repeats.add(part + 2, *(some[:, n].astype(np.int32) for n in range(4)))  # type: ignore[arg-type]
    assert [list(one) for one in repeats.found()] == expected


def test_serials_are_found_by_their_former_names_and_remembered(
    devices: list[Device], django_assert_num_queries: Any
) -> None:
    first, _second, array = devices
    SerialAlias.objects.create(serial="OLD-0", device=first, reason="")
    lookup = DeviceLookup(None)
    wanted = pa.array(["B-0", "OLD-0", "nobody", "", "A-0", "B-0"])
    ids, channels = lookup.find(wanted)
    assert ids.tolist() == [array.pk, first.pk, -1, -1, first.pk, array.pk]
    assert channels.tolist() == [16, 1, 0, 0, 1, 16]
    with django_assert_num_queries(0):
        again, _channels = lookup.find(pa.array(["nobody", "OLD-0"]))
    assert again.tolist() == [-1, first.pk]
    assert [one.tolist() for one in lookup.find(pa.array([], pa.string()))] == [[], []]


def test_of_many_faults_the_first_are_shown_and_all_are_written(tmp_path: Path) -> None:
    path = tmp_path / "faults.csv"
    with FaultBook(path) as book:
        for row in range(SHOWN + 5, 0, -1):
            book.add(Fault(row, "=cmd()", f"+{row} is wrong", "@do"))
        book.extend([Fault(None, "", "whole")])
        assert not path.exists()
    lines = path.read_text("utf-8-sig").splitlines()
    assert len(lines) == 1 + book.count == SHOWN + 7
    assert lines[0] == "row,column,what is wrong,what to do"
    assert lines[1] == f"{SHOWN + 5},'=cmd(),'+{SHOWN + 5} is wrong,'@do"
    assert lines[-1] == ",,whole,"
    shown = book.as_json()
    assert len(shown) == SHOWN
    assert [one["row"] for one in shown] == list(range(6, SHOWN + 6))


def test_checked_values_come_back_in_blocks_of_whole_devices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mppcqa.exchange.spool.BLOCK", 7)
    rng = np.random.default_rng(2)
    device = rng.integers(1, 9, 60).astype(np.int32)
    value = rng.normal(size=60)
    spool = Spool(tmp_path / "values.arrow")
    with spool:
        for part in (slice(0, 25), slice(25, 60)):
            n = len(value[part])
            none = np.zeros(n, np.int32)
            spool.add(device[part], none, none, none, value[part], np.full(n, math.nan), none, none)
    known_by = spool.finish(["pde"], [Condition(bias_v=71.0)])
    assert spool.is_whole(known_by)
    assert spool.meaning() == (["pde"], [Condition(bias_v=71.0)])
    blocks = list(spool.blocks())
    assert len(blocks) > 2
    seen: set[int] = set()
    for block in blocks:
        mine = set(block["device"].tolist())
        assert not mine & seen, "no device is in two blocks"
        assert min(mine) > max(seen, default=0)
        seen |= mine
    pairs = {(d, v) for b in blocks for d, v in zip(b["device"], b["value"], strict=True)}
    assert pairs == set(zip(device, value, strict=True))
    ids, counts = spool.devices()
    assert dict(zip(ids.tolist(), counts.tolist(), strict=True)) == {
        one: int((device == one).sum()) for one in set(device.tolist())
    }
    with spool.path.open("r+b") as file:
        file.seek(-1, io.SEEK_END)
        last = file.read(1)
        file.seek(-1, io.SEEK_END)
        file.write(bytes([last[0] ^ 1]))
    assert not spool.is_whole(known_by)
    spool.remove()
    assert list(tmp_path.iterdir()) == []
    assert not spool.is_whole(known_by)
