"""A plain fact of a device is declared once, and from there stands wherever devices do."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pyarrow.csv as arrow_csv
from django.test import Client

from mppcqa.exchange import imports
from mppcqa.exchange.exports import write_list
from mppcqa.inventory.device_fields import DEVICE_FIELDS
from mppcqa.inventory.models import Device
from tests.exchange.test_imports import bring
from tests.views.test_device_view import report_text
from tests.web.formfields import opened

EDIT = "/devices/GX-001/edit/"
FIELD = next(one for one in DEVICE_FIELDS if one.key == "maker_serial")


def test_what_a_table_brings_stands_on_page_list_and_report_and_goes_out(
    campaign: SimpleNamespace, browser_client: Client, tmp_path: Path
) -> None:
    kind = campaign.devices[0].device_type.name
    head = FIELD.headings[0].title()
    text = f"serial,type,{head}\nGX-001,{kind},HPK-77 ñ\nNEW-1,{kind},K-1\n"
    imports.apply(bring(text, stage="", existing="update"))
    found = dict(Device.objects.exclude(maker_serial="").values_list("serial", "maker_serial"))
    assert found == {"GX-001": "HPK-77 ñ", "NEW-1": "K-1"}
    page = browser_client.get("/devices/GX-001/").content.decode()
    assert FIELD.title.replace("'", "&#39;") in page
    assert "HPK-77 ñ" in page
    listed = browser_client.get("/devices/", {"q": "GX-00"}).content.decode()
    assert "HPK-77 ñ" in listed
    none = browser_client.get("/devices/", {"q": "GX-002"}).content.decode()
    # It can be chosen there; nobody is shown an empty column.
    assert FIELD.title.replace("'", "&#39;") not in none.split("<table")[1]
    paper = browser_client.get("/devices/GX-001/report.pdf").content
    assert "HPK-77" in report_text(paper)
    target = tmp_path / "devices.csv"
    write_list("devices", "csv", target, {"q": "GX-001"})
    assert arrow_csv.read_csv(target)[FIELD.key].to_pylist() == ["HPK-77 ñ"]


def test_a_person_writes_it_and_too_much_is_told(
    campaign: SimpleNamespace, browser_client: Client
) -> None:
    sent = opened(browser_client, EDIT)
    answer = browser_client.post(EDIT, {**sent, FIELD.key: "  B-12 "})
    assert answer.status_code == 302
    assert Device.objects.get(serial="GX-001").maker_serial == "B-12"
    sent = opened(browser_client, EDIT)
    answer = browser_client.post(EDIT, {**sent, FIELD.key: "x" * 101})
    assert answer.status_code == 422
    assert "100" in answer.content.decode()
    assert Device.objects.get(serial="GX-001").maker_serial == "B-12"


def test_a_cell_that_is_too_long_is_a_fault_of_its_row(campaign: SimpleNamespace) -> None:
    from mppcqa.inventory.device_rows import DeviceRows

    rows = [{"serial": "L-1", "device_type": campaign.devices[0].device_type.name}]
    plan = DeviceRows().plan([{**rows[0], FIELD.key: "x" * (FIELD.most + 1)}], [4])
    assert [(fault.row, fault.column) for fault in plan.faults] == [(4, FIELD.key)]
    assert "Maker's serial number" in plan.faults[0].text
