"""Lists go out as they are, in each format, and come in again."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import openpyxl
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest
import uproot
from django.test import Client

from mppcqa.exchange import imports, writers
from mppcqa.exchange.exports import write_list
from mppcqa.inventory.models import Device
from mppcqa.testing.models import Measurement, Standing


def test_values_in_each_format(campaign: SimpleNamespace, tmp_path: Path) -> None:
    filters = {"q": "GX-001"}
    paths = {form: tmp_path / f"v.{end}" for form, end in writers.FORMATS.items()}
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
    assert plain["uncertainty"].to_pylist() == table["uncertainty"].to_pylist()
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


def test_excel_has_an_end(
    campaign: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "EXCEL_ROWS", 100)
    with pytest.raises(writers.ExportRefused, match="more rows"):
        write_list("values", "excel", tmp_path / "v.xlsx", {})
    assert list(tmp_path.iterdir()) == []


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
    first, second = (pq.read_table(one).drop(["analysis"]) for one in (path, again))
    assert first.to_pylist() == second.to_pylist()


def test_from_the_page(browser_client: Client, campaign: SimpleNamespace) -> None:
    page = browser_client.get("/exports/", {"q": "GX-00", "what": "devices"})
    assert "q: GX-00" in page.content.decode()
    response = browser_client.post("/exports/", {"q": "GX-001", "what": "devices", "form": "csv"})
    body = b"".join(response.streaming_content).decode()
    assert [line.split(",")[0] for line in body.splitlines()[1:]] == ['"GX-001"']
    assert browser_client.post("/exports/", {"what": "keys", "form": "csv"}).status_code == 302
