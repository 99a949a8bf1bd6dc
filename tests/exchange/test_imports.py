"""Tables come in whole or not at all, and every fault is told at once."""

from __future__ import annotations

import datetime as dt
import io
import math
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mppcqa.exchange import imports
from mppcqa.exchange.by_channel import ByChannel
from mppcqa.exchange.mapping import ColumnMapping, suggest
from mppcqa.exchange.models import Import
from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.device_writing import make_ready
from mppcqa.inventory.models import Device, DeviceType, Maker, Tray
from mppcqa.results.models import Measurement, Standing
from mppcqa.stages import get_stage
from mppcqa.tables import Reading, TableError, open_source
from mppcqa.tables.maker_words import mean_of
from tests.waiting import PATIENCE_S

HEAD = "serial;V_br,IV [V];I_dark(+4 V) [µA]"


@pytest.fixture
def singles(db: None) -> list[Device]:
    """Five devices of one channel."""
    DeviceType.objects.create(name="single", rows=1, columns=1)
    return register_devices([{"serial": f"A-{n}", "device_type": "single"} for n in range(5)])


def bring(data: bytes | str, stage: str = "tray_survey", **how: Any) -> Import:
    """A table as far as its check."""
    content = data.encode() if isinstance(data, str) else data
    kind = "values" if stage else "devices"
    row = imports.take_in([content], "table", kind=kind, stage=stage)
    for name, value in how.items():
        setattr(row, name, value)
    row.save()
    imports.check(row)
    return row


def told(row: Import) -> str:
    return row.faults_path.read_text(encoding="utf-8-sig")


def excel(rows: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def parquet(**columns: Any) -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target)
    return target.getvalue()


TABLES = {
    "commas": f"{HEAD}\nA-0;51,25;0,01\nA-1;51,5;0,02\n",
    "points": f"{HEAD}\nA-0;51.25;1e-2\nA-1;51.5;+.02\n",
    "mark": "\ufeff" + f"{HEAD}\nA-0;51.25;0.01\n\n; ;\na-1 ;51.5;0.02\n",
    "tabs": f"# remark; of a program\n{HEAD}\nA-0;51.25;0.01\nA-1;51.5;0.02\n".replace(";", "\t"),
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_any_way_of_writing_a_table(singles: list[Device], name: str, encoding: str) -> None:
    if name == "mark" and encoding == "cp1252":
        encoding = "utf-8"
    row = bring(TABLES[name].encode(encoding))
    assert row.faults == 0, told(row)
    assert not Measurement.objects.exists()
    imports.apply(row)
    rows = Measurement.objects.values_list("device__serial", "quantity__key", "value")
    assert set(rows) == {
        ("A-0", "breakdown_voltage_iv_v", 51.25),
        ("A-1", "breakdown_voltage_iv_v", 51.5),
        ("A-0", "dark_current_above_na", 10.0),
        ("A-1", "dark_current_above_na", 20.0),
    }
    assert Standing.objects.get(device__serial="A-0", stage="tray_survey").outcome


def test_commas_in_head_and_numbers_separate_nothing(singles: list[Device]) -> None:
    row = bring("serial;V_br,IV [V]\nA-0;51,25\nA-1;51,5\n")
    assert row.faults == 0, told(row)
    assert row.found["counts"]["values"] == 2


def test_a_number_that_excel_took_for_a_date_is_told_as_such(singles: list[Device]) -> None:
    day = dt.datetime(2026, 1, 5)
    row = bring(excel([["serial", "V_br,IV (V)"], ["A-0", day], ["A-1", "5. Jan"]]))
    faults = told(row)
    assert row.faults == 2, faults
    assert "“2026-01-05” is a date" in faults
    assert "enter the cell again" in faults
    assert "“5. Jan” is no number" in faults


def test_excel_and_parquet_mean_the_same(singles: list[Device]) -> None:
    heads = ["serial", "V_br,IV (V)", "error V_br,IV"]
    for data in (
        excel([heads, ["A-0", 51.25, 0.1], ["A-1", 52, None]]),
        parquet(**dict(zip(heads, (["A-0", "A-1"], [51.25, 52.0], [0.1, None]), strict=True))),
    ):
        row = bring(data, existing="update")
        assert row.faults == 0, told(row)
        imports.apply(row)
        analysis = Standing.objects.get(device__serial="A-0").analysis_id
        rows = Measurement.objects.filter(analysis=analysis).order_by("device")
        assert list(rows.values_list("value", "statistical")) == [(51.25, 0.1), (52.0, None)]


def test_all_faults_of_a_table_at_once(singles: list[Device]) -> None:
    lines = [
        "A-0;51.3;nan",
        "A-0;51.4;",
        "A-1;51.x;0.1",
        "A-2;inf;0.1",
        "nobody;51.3;0.1",
        ";51.3;0.1",
        "A-3;-5;0.1",
        "A-4;51.3;0.1;7;8",
    ]
    row = bring("\n".join(["serial;V_br,IV [V];V_br,SPS [V]", *lines]))
    text = told(row)
    wanted = ("nan is no", "51.x", "inf is no", "NOBODY is not", "is empty", "-5 V", "5 cells")
    assert [word for word in wanted if word not in text] == []
    assert "stand in row 2 already" in text
    assert [line.split(",")[0] for line in text.splitlines()[1:]].count("3") == 1
    with pytest.raises(imports.ImportRefused):
        imports.apply(row)
    assert not Measurement.objects.exists()
    assert not Standing.objects.exists()


def test_formulas_are_no_values(singles: list[Device]) -> None:
    row = bring(excel([["serial", "V_br,IV"], ["A-0", "=1+50"], ["A-1", "#N/A"], ["A-2", 51]]))
    assert "holds a formula" in told(row)
    assert row.faults == 1  # "#N/A" says that there is no value
    assert row.found["counts"] == row.found["counts"] | {"values": 1, "empty": 2}


def test_units_that_do_not_fit(singles: list[Device]) -> None:
    row = bring(
        "serial,V_br,IV [A]\n".replace("V_br,IV", '"V_br,IV').replace("[A]", '[A]"') + "A-0,1\n"
    )
    assert "the unit A is not that of the quantity" in told(row)


def bomb() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<x/>")
        with archive.open("xl/worksheets/sheet1.xml", "w") as file:
            for _more in range(64):
                file.write(b"0" * (1 << 20))
    return target.getvalue()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"\x00\x01\x02\x03", "binary"),
        (b"a" + b",a" * 1_000_000 + b"\n", "columns"),
        (b"a" + b",a" * 5_000 + b"\n1\n", "columns"),
        (b"\xd0\xcf\x11\xe0 old", "damaged"),
        (bomb(), "unpack"),
        (b"PK\x03\x04broken", "damaged"),
        (b"PAR1broken", "damaged"),
        (parquet(a=[[1], [2]]), "lists"),
    ],
)
def test_what_is_no_table_is_refused(db: None, data: bytes, why: str) -> None:
    with pytest.raises(TableError, match=why):
        imports.take_in([data], "table", kind="devices")
    assert not Import.objects.exists()


def test_existing_devices_are_faults_skipped_or_updated(singles: list[Device]) -> None:
    text = "serial,type,Vop [V]\nA-0,single,55.5\nB-9,single,56\n"
    refused = bring(text, stage="")
    assert refused.faults == 1
    skipped = bring(text, stage="", existing="skip")
    assert skipped.found["counts"]["skipped"] == 1
    imports.apply(bring(text, stage="", existing="update"))
    assert Device.objects.get(serial="A-0").maker_values == {"Vop [V]": 55.5}
    assert Device.objects.get(serial="B-9").maker_values == {"Vop [V]": 56.0}


def test_the_only_type_need_not_be_named(singles: list[Device]) -> None:
    row = bring("B-1\nB-2\n", stage="")
    assert row.faults == 0, told(row)
    DeviceType.objects.create(name="double", rows=1, columns=2)
    assert bring("B-3\n", stage="").faults


BY_CHANNEL = """Serial;Lot;Channel;Vop [V];Id (nA)
N-1;L7;1;55,1;10
N-1;L7;2;55,2;20
N-2;L7;1;55,3;30
N-2;L7;2;;40
"""


def test_a_makers_list_with_a_row_a_channel(singles: list[Device]) -> None:
    row = bring(BY_CHANNEL, stage="")
    assert row.faults == 0, told(row)
    imports.apply(row)
    first, second = (Device.objects.get(serial=one) for one in ("N-1", "N-2"))
    assert first.lot is not None
    assert first.lot.name == "L7"
    assert first.maker_values == {
        "Vop ch1 [V]": 55.1, "Id ch1 (nA)": 10, "Vop ch2 [V]": 55.2, "Id ch2 (nA)": 20
    }  # fmt: skip
    assert mean_of(first.maker_values, "operating voltage") == pytest.approx(55.15)
    assert mean_of(second.maker_values, "dark current") == pytest.approx(35e-9)


@pytest.mark.parametrize(
    ("there", "now", "what"),
    [
        ("N-1;L7;2", "N-1;L7;1", "channel 1 of N-1 stands in row 2 already"),
        ("N-1;L7;2", "N-1;L8;2", "“L8” here and “L7” in row 2, of the same device"),
        ("N-1;L7;2", "N-1;L7;", "names no channel"),
        ("N-1;L7;2", "N-1;L7;S13360-1", "names no channel"),
        ("N-1;L7;2", "N-1;L7;-2", "names no channel"),
        ("N-2;L7;2", "N-1;L7;3", "sort the table by serial number"),
    ],
)
def test_rows_of_a_channel_that_contradict_each_other_are_faults(
    singles: list[Device], there: str, now: str, what: str
) -> None:
    row = bring(BY_CHANNEL.replace(there, now), stage="")
    assert row.faults
    assert what in told(row)


@pytest.mark.parametrize("wrong", ["N-1;L7;1;55,2;20", "N-1;L8;2;55,2;20", "N-1;L7;2;55,2;20;7;8"])
def test_a_device_of_which_a_row_is_wrong_is_left_out_whole(
    singles: list[Device], wrong: str
) -> None:
    """Else it would lack a channel, or have what a refused row says."""
    table = BY_CHANNEL + "N-3;L7;1;55,4;50\nN-3;L7;2;55,5;60\n"
    row = bring(table.replace("N-1;L7;2;55,2;20", wrong), stage="", leave_out=True)
    assert row.faults
    imports.apply(row)
    assert not Device.objects.filter(serial="N-1").exists()
    assert Device.objects.get(serial="N-3").maker_values["Vop ch1 [V]"] == 55.4


def test_rows_without_a_serial_number_are_not_one_device(singles: list[Device]) -> None:
    row = bring(BY_CHANNEL.replace("N-2", ""), stage="")
    assert told(row).count("serial number") >= 2


@given(st.integers(1, 40), st.integers(1, 7), st.integers(1, 9))
def test_rows_of_a_channel_become_devices_wherever_pieces_end(
    devices: int, channels: int, piece: int
) -> None:
    rows = [
        {"serial": f"N-{n}", "channel": str(c), "maker_values": {"Vop [V]": n + c / 10}}
        for n in range(devices)
        for c in range(channels)
    ]
    gather, found = ByChannel({"channel": "Ch"}), []
    for at in range(0, len(rows), piece):
        some = rows[at : at + piece]
        found += gather.take(some, range(at, at + len(some)))[0]
    found += gather.take([], [], last=True)[0]
    assert gather.faults == []
    assert [one["serial"] for one in found] == [f"N-{n}" for n in range(devices)]
    assert {len(one["maker_values"]) for one in found} == {channels if channels > 1 else 2}


def test_two_devices_never_share_a_place(campaign: SimpleNamespace) -> None:
    text = "serial,type,tray,row,column\nN-1,S12045(X),T-1,0,0\nN-2,S12045(X),T-1,3,3\n"
    row = bring(text + "N-3,S12045(X),T-1,3,3\n", stage="")
    assert "holds GX-000 already" in told(row)
    assert "holds N-2 already" in told(row)


def test_an_update_changes_what_the_table_gives_and_nothing_else(campaign: SimpleNamespace) -> None:
    maker = Maker.objects.create(name="Other")
    DeviceType.objects.create(name="new type", maker=maker)
    before = {one.serial: one for one in Device.objects.select_related("lot", "tray")}
    text = "serial,type,tray,row,column,lot,Vop [V]\nGX-000,,T-1,0,1,,\nGX-001,,T-1,0,0,,54.5\n"
    text += "GX-002,new type,,,,L-7,\nGX-900,S12045(X),,,,L-8,\n"
    imports.apply(bring(text, stage="", existing="update"))
    now = {one.serial: one for one in Device.objects.select_related("lot", "tray", "device_type")}
    assert [(now[name].tray_row, now[name].tray_column) for name in ("GX-000", "GX-001")] == [
        (0, 1),
        (0, 0),
    ]
    assert now["GX-001"].maker_values == {**before["GX-001"].maker_values, "Vop [V]": 54.5}
    assert (now["GX-002"].device_type.name, str(now["GX-002"].lot)) == ("new type", "L-7")
    assert now["GX-002"].lot.maker == maker
    assert str(now["GX-900"].lot) == "L-8"
    for name in ("location_id", "parent_id", "registered_at", "maker_values"):
        assert getattr(now["GX-000"], name) == getattr(before["GX-000"], name), name
    for name in ("tray_id", "tray_row", "tray_column"):
        assert getattr(now["GX-002"], name) == getattr(before["GX-002"], name), name
    assert now["GX-003"].lot_id == before["GX-003"].lot_id


@pytest.mark.django_db(transaction=True)
def test_others_register_while_a_table_of_devices_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the writing at the end keeps SQLite's other writers waiting."""
    DeviceType.objects.create(name="single", rows=1, columns=1)

    def register(serial: str) -> None:
        register_devices([{"serial": serial, "device_type": "single"}])
        connection.close()

    def between(plan: Any, serial: str) -> Any:
        with ThreadPoolExecutor(1) as other:
            other.submit(register, serial).result(timeout=PATIENCE_S)
        return make_ready(plan)

    harmless = bring("serial,type\nB-1,single\nB-2,single\n", stage="")
    monkeypatch.setattr(imports, "make_ready", lambda plan: between(plan, "C-1"))
    imports.apply(harmless)
    assert sorted(Device.objects.values_list("serial", flat=True)) == ["B-1", "B-2", "C-1"]
    beaten = bring("serial,type\nD-1,single\nD-2,single\n", stage="")
    monkeypatch.setattr(imports, "make_ready", lambda plan: between(plan, "D-2"))
    with pytest.raises(imports.ImportRefused, match="since the check"):
        imports.apply(beaten)
    assert not Device.objects.filter(serial="D-1").exists()
    assert Import.objects.get(pk=beaten.pk).state != Import.State.DONE


def test_long_tables_with_channels_and_conditions(campaign: SimpleNamespace) -> None:
    text = "serial,channel,quantity,overvoltage,value,uncertainty\n"
    text += "GX-000,1,Gain,1.5,100,1\nGX-000,16,gain_adc,2,120,1\nGX-000,17,gain_adc,2,1,1\n"
    text += "GX-001,2,weight,2,1,1\n"
    row = bring(text, stage="darkbox")
    row.mapping["channels_from"] = 1
    imports.check(row)
    assert row.faults == 2, told(row)
    row.leave_out = True
    imports.apply(row)
    rows = Measurement.objects.filter(quantity__stage="darkbox").order_by("channel")
    found = rows.values_list("channel", "value", "condition__at")
    assert [(channel, value, at["overvoltage_v"]) for channel, value, at in found] == [
        (0, 100.0, 1.5),
        (15, 120.0, 2.0),
    ]


def test_a_mapping_is_kept_by_name(singles: list[Device]) -> None:
    first = bring("serial;what is it\nA-0;51.3\n")
    mapping = ColumnMapping.from_json(first.mapping)
    columns = mapping.to_json()["columns"]
    columns["what is it"] = {"to": "value:breakdown_voltage_iv_v", "unit": "mV"}
    imports.set_mapping(first, ColumnMapping.from_json({**mapping.to_json(), "columns": columns}))
    saved = imports.save_mapping(first, "ours")
    second = bring("serial;what is it\nA-0;51300\n")
    imports.use_saved(second, saved)
    imports.check(second)
    assert second.faults == 0
    imports.apply(second)
    assert math.isclose(Measurement.objects.get().value, 51.3)


def test_heads_that_people_write() -> None:
    heads = ["S/N", "V_br IV [V]", "Sigma V_br IV", "dark current 4 V above breakdown (nA)", "Ch 3"]
    from mppcqa.tables import named_columns

    found = suggest(named_columns(heads), "values", get_stage("tray_survey")).columns
    assert [found[head].to for head in heads[:4]] == [
        "serial",
        "value:breakdown_voltage_iv_v",
        "statistical:breakdown_voltage_iv_v",
        "value:dark_current_above_na",
    ]


@settings(
    max_examples=80,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_any_file_is_read_or_refused(tmp_path: Any, data: bytes) -> None:
    path = tmp_path / "any"
    path.write_bytes(data)
    with suppress(TableError):
        for chunk in open_source(path, Reading()).chunks():
            assert all(len(column) == len(chunk) for column in chunk.cells)


def test_a_table_whose_tray_counts_from_1_is_told_of_and_read_so(singles: list[Device]) -> None:
    """Three rows of a tray of three fit either way: nothing but a word tells them apart."""
    Tray.objects.create(name="T9", rows=3, columns=3)
    lines = "".join(f"B-{n},single,T9,{n},{n}\n" for n in (1, 2))
    row = bring("serial,type,tray,row,column\n" + lines, stage="")
    assert (row.faults, len(row.found["warnings"])) == (0, 1)
    imports.set_mapping(row, replace(ColumnMapping.from_json(row.mapping), places_from=1))
    imports.check(row)
    assert (row.faults, row.found["warnings"]) == (0, [])
    imports.apply(row)
    places = Device.objects.filter(serial__startswith="B-").order_by("serial")
    assert list(places.values_list("tray_row", "tray_column")) == [(0, 0), (1, 1)]
    # One that has a 0 counts as we do, and asks nothing.
    other = "serial,type,tray,row,column\nC-1,single,T9,0,2\nC-2,single,T9,2,0\n"
    assert bring(other, stage="").found["warnings"] == []
