"""Registering and loading: all faults at once, and nothing lost of what was typed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from mppcqa.codes import scanned_serial
from mppcqa.inventory.models import Device
from mppcqa.runs.models import LoadedDevice, Station
from mppcqa.stages import get_stage
from mppcqa.web.runs.form import RunForm
from tests.web.formfields import forms_of, opened


def test_register_one(browser_client: Client, campaign: SimpleNamespace) -> None:
    values = {"serial": " gx-900 ", "device_type": campaign.kind.pk, "lot": "L2"}
    response = browser_client.post("/devices/register/", values | {"show": ""})
    assert response.headers["Location"] == "/devices/GX-900/"
    assert Device.objects.get(serial="GX-900").lot.name == "L2"


def test_a_refused_device_keeps_what_was_typed(
    browser_client: Client, campaign: SimpleNamespace
) -> None:
    values = {"serial": "GX-000", "device_type": campaign.kind.pk, "lot": "my lot"}
    response = browser_client.post("/devices/register/", values)
    page = response.content.decode()
    assert response.status_code == 422
    assert "registered already" in page
    assert 'value="my lot"' in page
    assert 'value="GX-000"' in page


def _checked(browser_client: Client, upload: dict[str, object]) -> tuple[str, str]:
    """Address and page of an uploaded table after its check, with the suggested mapping."""
    response = browser_client.post("/imports/", {"kind": "devices", **upload})
    assert response.status_code == 302, response.content.decode()
    address = response.headers["Location"]
    page = browser_client.get(address)
    suggested = [
        one.fields
        for one in forms_of(page.content.decode(), address)
        if one.fields.get("action") == ["check"]
    ]
    form = {name: to[0] for name, to in suggested[0].items() if name.startswith("to-")}
    browser_client.post(address, {"action": "check", **form, **opened(browser_client, address)})
    return address, browser_client.get(address).content.decode()


def test_a_table_shows_every_fault_and_registers_nothing(
    browser_client: Client, campaign: SimpleNamespace
) -> None:
    text = "serial;type\nGX-000;S12045(X)\nNEW-1;S12045(X)\nNEW-1;S12045(X)\nNEW-2;toaster\n"
    address, page = _checked(browser_client, {"text": text})
    for fault in ("GX-000 is registered already", "NEW-1 stands in row", "toaster"):
        assert fault in page
    browser_client.post(address, {"action": "import", **opened(browser_client, address)})
    assert Device.objects.count() == 4
    written = b"".join(browser_client.get(f"{address}faults.csv").streaming_content).decode()
    assert len(written.splitlines()) == 1 + 3
    mark = opened(browser_client, address)
    browser_client.post(address, {"action": "import", "leave_out": "on", **mark})
    assert Device.objects.count() == 5


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_an_uploaded_table(
    browser_client: Client, campaign: SimpleNamespace, encoding: str
) -> None:
    text = "Serie\tTipo\tBandeja\tFila\tColumna\tNúmero\nUP-1\tS12045(X)\tT-1\t3\t4\t7\n"
    file = SimpleUploadedFile("table.csv", text.encode(encoding))
    address, page = _checked(browser_client, {"file": file})
    assert "no faults" in page
    assert not Device.objects.filter(serial="UP-1").exists()
    browser_client.post(address, {"action": "import", **opened(browser_client, address)})
    device = Device.objects.get(serial="UP-1")
    assert (device.tray_row, device.tray_column) == (3, 4)
    assert device.maker_values == {"Número": 7.0}


def test_binary_and_empty_uploads(browser_client: Client, campaign: SimpleNamespace) -> None:
    for data in (b"PK\x03\x04\x00\x00rubbish", b"\n\n", b"\x00\x01\x02"):
        file = SimpleUploadedFile("table.csv", data)
        response = browser_client.post("/imports/", {"kind": "devices", "file": file})
        assert response.status_code == 422
        assert "invalid" in response.content.decode()


def test_loading_shows_each_fault_at_its_slot(
    browser_client: Client, campaign: SimpleNamespace
) -> None:
    typed = {"slot-1": "gx-000", "slot-2": "nobody-<b>", "slot-3": "GX-000"}
    response = browser_client.post("/stations/darkbox-1/load/", typed)
    page = response.content.decode()
    assert response.status_code == 422
    assert 'id="slot-2-faults"' in page
    assert 'id="slot-3-faults"' in page
    assert 'value="gx-000"' in page
    assert "<b>" not in page
    assert not LoadedDevice.objects.exists()


def test_loading_by_qr_code_and_unloading(
    browser_client: Client, campaign: SimpleNamespace
) -> None:
    typed = {"slot-1": "http://some.host:8000/devices/GX-001/", "slot-4": "gx-002"}
    assert browser_client.post("/stations/darkbox-1/load/", typed).status_code == 302
    assert set(LoadedDevice.objects.values_list("slot", "device__serial")) == {
        (1, "GX-001"),
        (4, "GX-002"),
    }
    unload = "/stations/darkbox-1/unload/"
    browser_client.post(unload, {"slot": "one"})
    assert LoadedDevice.objects.count() == 2
    one = opened(browser_client, "/stations/darkbox-1/", unload, slot="1")
    browser_client.post(unload, {"slot": "1", **one})
    assert LoadedDevice.objects.get().slot == 4
    browser_client.post(unload, opened(browser_client, "/stations/darkbox-1/", unload))
    assert not LoadedDevice.objects.exists()


def test_a_refused_run_keeps_the_form(browser_client: Client, loaded: Station) -> None:
    values = {"p-events": "77", "p-temperature_c": "20", "p-bias_v": "71 abc", "p-light": "1"}
    response = browser_client.post("/stations/darkbox-1/start/", values)
    page = response.content.decode()
    assert response.status_code == 422
    assert 'value="71 abc"' in page
    assert "abc” is no number" in page


def test_the_form_follows_the_stage() -> None:
    stage = get_stage("pde")
    form = RunForm(stage)
    assert list(form.fields) == [parameter.key for parameter in stage.parameters]
    values = {f"p-{key}": form.get_initial_for_field(f, key) for key, f in form.fields.items()}
    values["p-bias_v"] = "71.5; 72 72.5"
    sent = RunForm(stage, values)
    assert sent.is_valid(), sent.errors
    assert sent.cleaned_data["bias_v"] == [71.5, 72.0, 72.5]


def test_a_list_says_how_it_is_written_and_refuses_a_comma_between_digits(
    browser_client: Client, loaded: Station
) -> None:
    """71,72 was taken for 71.72."""
    values = {"p-events": "300", "p-temperature_c": "20", "p-bias_v": "71,72", "p-light": "1"}
    response = browser_client.post("/stations/darkbox-1/start/", values)
    page = response.content.decode()
    assert response.status_code == 422
    assert "Numbers, with blanks between them." in page
    assert "71,72” may be one number or several: write 71.72 or 71 72." in page


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("gx-001", "/devices/GX-001/"),
        ("http://host/devices/GX-001/", "/devices/GX-001/"),
        ("T-1", "/trays/T-1/"),
        ("GX", "/devices/?q=GX"),
        ("", "/devices/"),
    ],
)
def test_the_scan_box(
    browser_client: Client, campaign: SimpleNamespace, address: str, target: str
) -> None:
    assert browser_client.get("/find/", {"q": address}).headers["Location"] == target


def test_a_scan_of_a_quoted_address() -> None:
    assert scanned_serial("https://x.y/devices/A%3A1/\r\n") == "A:1"
