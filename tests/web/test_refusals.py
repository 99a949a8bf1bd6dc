"""What an action refuses is told politely and changes nothing; an error of ours never is."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from django.test import Client

from mppcqa.cli import main
from mppcqa.inventory.models import Device
from mppcqa.queue.models import Lane, Task
from mppcqa.refused import Fault, Refused
from mppcqa.runs.actions import load_station
from mppcqa.runs.models import LoadedDevice, Run, Station
from tests.web.formfields import forms_of

PLANTED = "not enough values to unpack (expected 3, got 2)"


def _bug(*_given: object, **_named: object) -> None:
    raise ValueError(PLANTED)


FORMS = {
    "load": ("mppcqa.web.stations.views.load_station", "/stations/pde-1/load/", {"slot-1": "GX-1"}),
    "unload": ("mppcqa.web.stations.views.unload_station", "/stations/pde-1/unload/", {}),
    "start": ("mppcqa.web.stations.starting.start_run", "/stations/pde-1/start/", None),
    "resume": ("mppcqa.web.runs.views.resume_run", "/runs/{run}/resume/", {}),
    "move": ("mppcqa.web.devices.views.move_by_hand", "/devices/GX-000/state/", {"move": "hold"}),
    "register": ("mppcqa.web.devices.register.register_devices", "/devices/register/", None),
    "rename": ("mppcqa.web.devices.edit.rename_device", "/devices/GX-000/rename/", None),
    "again": ("mppcqa.web.tasks.views.run_again", "/queue/{task}/again/", {}),
    "export": ("mppcqa.web.exports.views.ask_export", "/exports/", {"what": "devices"}),
    "many": (
        "mppcqa.web.devices.listing.move_all_by_hand",
        "/devices/",
        {"list": "devices", "action": "install", "confirmed": "1"},
    ),
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", FORMS)
def test_an_error_of_ours_is_no_polite_refusal(
    browser_client: Client,
    campaign: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    name: str,
) -> None:
    action, address, sent = FORMS[name]
    monkeypatch.setattr(action, _bug)
    task = Task.objects.create(name="reports.device", state="failed")
    if sent is None:
        sent = _filled(browser_client, PAGES[name], address, campaign)
    if name == "many":
        sent = {**sent, "row": [campaign.devices[0].pk]}
    browser_client.raise_request_exception = False
    with caplog.at_level(logging.ERROR):
        answer = browser_client.post(address.format(run=campaign.run.pk, task=task.pk), sent)
    assert answer.status_code == 500
    assert PLANTED not in answer.content.decode()
    assert PLANTED in caplog.text


PAGES = {
    "start": "/stations/pde-1/",
    "rename": "/devices/GX-000/edit/",
    "register": "/devices/register/",
}


def _filled(
    client: Client, page: str, address: str, campaign: SimpleNamespace
) -> dict[str, list[str]]:
    """What the form of a page sends."""
    if page == "/stations/pde-1/":
        load_station(campaign.stations[0], {1: campaign.devices[1].serial})
    forms = forms_of(client.get(page).content.decode(), page)
    (form,) = (one for one in forms if one.action == address)
    return form.fields | ({"serial": ["NEW-1"]} if "serial" in form.fields else {})


@pytest.mark.django_db
def test_a_refusal_is_told_and_nothing_is_done(
    browser_client: Client, campaign: SimpleNamespace
) -> None:
    answer = browser_client.post("/stations/pde-1/load/", {"slot-1": "no such", "slot-2": "GX-000"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert page.count("is-invalid") == 1
    assert not LoadedDevice.objects.exists()
    before = Run.objects.count()
    form = _filled(browser_client, "/stations/pde-1/", "/stations/pde-1/start/", campaign)
    Lane.objects.update_or_create(
        name=Station.objects.get(name="pde-1").lane,
        defaults={"exclusive": True, "maintenance": "the box is open"},
    )
    answer = browser_client.post("/stations/pde-1/start/", form)
    assert answer.status_code == 422
    assert "is out of service" in answer.content.decode()
    assert Run.objects.count() == before
    sent = {"serial": "GX-000", "device_type": campaign.kind.pk}
    answer = browser_client.post("/devices/register/", sent)
    assert answer.status_code == 422
    # The fault stands at its field.
    assert 'id="id_serial_error"' in answer.content.decode()
    assert Device.objects.count() == len(campaign.devices)


def test_a_command_shows_an_error_of_ours_as_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("mppcqa.cli.demonstration.prepare", _bug)
    answer = CliRunner().invoke(main, ["demo", "--arrays", "1"])
    assert not isinstance(answer.exception, SystemExit)
    assert answer.exception is not None


def test_a_refusal_has_each_fault_with_what_it_is_about() -> None:
    refused = Refused(["the lot is unknown", Fault("too long", field="serial", row=4)])
    assert [(str(one), one.field, one.row) for one in refused.faults] == [
        ("the lot is unknown", "", None),
        ("too long", "serial", 4),
    ]
    assert str(refused) == "the lot is unknown; too long"
    assert not issubclass(Refused, ValueError)
    assert Refused("no").faults == ["no"]
