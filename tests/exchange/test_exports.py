"""Lists go out as they are, in each format, and come in again."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import openpyxl
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest
import uproot
from click.testing import CliRunner
from django.conf import settings
from django.db import connection
from django.test import Client

from mppcqa.exchange import imports, lists, writers
from mppcqa.exchange.exports import write_list
from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import Device, Tag
from mppcqa.results.models import Measurement, Standing


def test_values_in_each_format(campaign: SimpleNamespace, tmp_path: Path) -> None:
    filters = {"q": "GX-001"}
    paths = {
        form: tmp_path / f"v.{end}"
        for form, end in {one.key: one.suffix for one in writers.writers().values()}.items()
    }
    for form, path in paths.items():
        assert write_list("values", form, path, filters) == 160
    table = pq.read_table(paths["parquet"])
    rows = Measurement.objects.filter(device__serial="GX-001").order_by("value")
    assert sorted(table["value"].to_pylist()) == list(rows.values_list("value", flat=True))
    assert set(table["serial"].to_pylist()) == {"GX-001"}
    assert set(table["quantity"].to_pylist()) >= {"pde", "gain_adc"}
    with uproot.open(paths["root"]) as file:
        arrays = file["list"].arrays(library="np")
    assert arrays["value"].tolist() == table["value"].to_pylist()
    assert arrays["serial"].tolist() == table["serial"].to_pylist()
    plain = arrow_csv.read_csv(paths["csv"])
    assert plain["statistical"].to_pylist() == table["statistical"].to_pylist()
    sheet = openpyxl.load_workbook(paths["excel"]).active
    assert [cell.value for cell in sheet[1]] == table.column_names
    assert sheet.max_row == 161


def test_only_chosen_values(campaign: SimpleNamespace, tmp_path: Path) -> None:
    path = tmp_path / "v.parquet"
    assert write_list("values", "parquet", path, {"stage": "darkbox"}) == 0
    n = write_list("values", "parquet", path, {"stage": "pde", "quantity": "breakdown_voltage_v"})
    assert n == 4 * 16
    Standing.objects.filter(device=campaign.devices[0]).delete()
    assert write_list("values", "parquet", path, {}) == 3 * 160
    assert write_list("values", "parquet", path, {"every": "1"}) == 4 * 160


def test_no_text_runs_as_a_formula(campaign: SimpleNamespace, tmp_path: Path) -> None:
    evil = "=cmd|' /C calc'!A0"
    Device.objects.filter(serial="GX-000").update(maker_values={evil: "+1+1", "Vop [V]": -3})
    write_list("devices", "csv", tmp_path / "d.csv", {})
    write_list("devices", "excel", tmp_path / "d.xlsx", {})
    lines = (tmp_path / "d.csv").read_text().splitlines()
    assert f'"\'{evil}"' in lines[0]
    assert '"\'+1+1"' in lines[1]
    sheet = openpyxl.load_workbook(tmp_path / "d.xlsx").active
    cells = [cell for row in sheet for cell in row if cell.value is not None]
    assert [cell.value for cell in cells if cell.data_type == "f"] == []


def test_numbers_of_the_maker_go_out_as_numbers(campaign: SimpleNamespace, tmp_path: Path) -> None:
    """One that is a text all the same is among the others, and no name comes twice."""
    given = [
        {"Vop [V]": -54.25, "a b": 1, "a-b": "x", "verdict_pde": "mine", "wafer": 2**60 + 1},
        {"Vop [V]": 55, "a b": 2, "serial": 7, "other_maker_values": 8},
    ]
    for device, values in zip(campaign.devices, given, strict=False):
        Device.objects.filter(pk=device.pk).update(maker_values=values)
    paths = {
        form: tmp_path / f"d.{end}"
        for form, end in {one.key: one.suffix for one in writers.writers().values()}.items()
    }
    for form, path in paths.items():
        assert write_list("devices", form, path, {}) == 4
    table = pq.read_table(paths["parquet"])
    assert len(set(table.column_names)) == len(table.column_names)
    assert table["Vop [V]"].to_pylist() == [-54.25, 55.0, None, None]
    assert table["wafer"].to_pylist()[0] == str(2**60 + 1)
    assert json.loads(table["other_maker_values"][1].as_py()) == {
        "serial": 7,
        "other_maker_values": 8,
    }
    assert json.loads(table["other_maker_values"][0].as_py()) == {"verdict_pde": "mine"}
    sheet = openpyxl.load_workbook(paths["excel"]).active
    place = [cell.value for cell in sheet[1]].index("Vop [V]")
    assert sheet[2][place].value == -54.25
    assert arrow_csv.read_csv(paths["csv"])["Vop [V]"].to_pylist() == [-54.25, 55.0, None, None]
    with uproot.open(paths["root"]) as file:
        tree = file["list"]
        assert tree["a_b"].array().tolist()[:2] == [1.0, 2.0]
        assert tree["a_b_2"].array().tolist()[0] == "x"


def test_an_exported_list_comes_back_as_it_went(campaign: SimpleNamespace, tmp_path: Path) -> None:
    first = campaign.devices[0]
    first.tags.add(*(Tag.objects.create(name=name) for name in ("spare", "best")))
    Device.objects.filter(pk=first.pk).update(maker_values={"Vop [V]": 54.25})
    before = list(Device.objects.order_by("pk").values())
    for form, ending in (("csv", "csv"), ("excel", "xlsx"), ("parquet", "parquet")):
        path = tmp_path / f"d.{ending}"
        write_list("devices", form, path, {})
        row = imports.take_in([path.read_bytes()], path.name, kind="devices")
        row.existing = "update"
        imports.check(row)
        assert not row.faults, row.found
        imports.apply(row)
        assert list(Device.objects.order_by("pk").values()) == before
    table = pq.read_table(tmp_path / "d.parquet")
    assert table["tags"].to_pylist() == ["best; spare", None, None, None]


@pytest.mark.parametrize(
    "asked",
    [
        *(["devices", "--tag", "nope"], ["devices", "--tray", "nope"], ["values", "--stage", "no"]),
        *(["values", "--quantity", "no"], ["runs", "--serial", "GX"], ["devices", "--every"]),
        ["devices", "--outcome", "fehl"],
    ],
)
def test_a_filter_that_names_nothing_is_told(
    campaign: SimpleNamespace, tmp_path: Path, asked: list[str]
) -> None:
    """It would else be no filter, or an empty file that looks like an answer."""
    from mppcqa.cli.export import export

    path = tmp_path / "x.csv"
    done = CliRunner().invoke(export, [asked[0], str(path), *asked[1:]])
    assert done.exit_code != 0
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert not path.exists()
    assert any(word in done.output for word in asked[1:])


def test_excel_has_an_end(
    campaign: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mppcqa.exchange.writers.excel.EXCEL_ROWS", 100)
    with pytest.raises(writers.ExportRefused, match="more rows"):
        write_list("values", "excel", tmp_path / "v.xlsx", {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(
    not settings.DATABASES["default"]["ENGINE"].endswith("mysql"), reason="MariaDB counts its reads"
)
def test_each_device_of_a_long_list_is_read_once(
    campaign: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = 3000
    kind = campaign.devices[0].device_type.name
    register_devices([{"serial": f"L-{one:05d}", "device_type": kind} for one in range(n)])
    monkeypatch.setattr(lists, "PIECE", 100)
    before = _rows_read()
    assert write_list("devices", "csv", tmp_path / "d.csv", {}) == n + 4
    assert _rows_read() - before < 10 * n


def _rows_read() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
        return sum(int(count) for _name, count in cursor.fetchall())


def test_what_goes_out_comes_in_again(campaign: SimpleNamespace, tmp_path: Path) -> None:
    path = tmp_path / "v.parquet"
    n = write_list("values", "parquet", path, {"stage": "pde"})
    row = imports.take_in([path.read_bytes()], path.name, kind="values", stage="pde")
    row.existing = "update"
    imports.check(row)
    assert row.faults == 0, row.faults_path.read_text()
    imports.apply(row)
    assert row.found["done"] == {"values": n, "devices": 4, "skipped": 0}
    again = tmp_path / "w.parquet"
    write_list("values", "parquet", again, {"stage": "pde"})
    numbers = ["analysis", "analysis_uuid"]
    first, second = (pq.read_table(one).drop(numbers) for one in (path, again))
    assert first.to_pylist() == second.to_pylist()


def test_from_the_page(browser_client: Client, campaign: SimpleNamespace) -> None:
    page = browser_client.get("/exports/", {"q": "GX-00", "what": "devices"})
    assert "q: GX-00" in page.content.decode()
    response = browser_client.post("/exports/", {"q": "GX-001", "what": "devices", "form": "csv"})
    body = b"".join(response.streaming_content).decode()
    assert [line.split(",")[0] for line in body.splitlines()[1:]] == ['"GX-001"']
    assert browser_client.post("/exports/", {"what": "keys", "form": "csv"}).status_code == 302
