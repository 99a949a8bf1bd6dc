"""What was done to devices: pages, report, tables in and out, and who sees it."""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from mppcqa.cli.import_records import records as import_command
from mppcqa.exchange import imports
from mppcqa.exchange.exports import write_list
from mppcqa.exchange.mapping import ColumnMapping
from mppcqa.exchange.records import RecordsRefused, import_records
from mppcqa.inventory.models import Device, Institute
from mppcqa.inventory.records import DeviceRecord
from mppcqa.limits.records import NewRecord, add_records, follow
from mppcqa.queue.models import Task
from mppcqa.reports.device import device_report
from mppcqa.results.models import Measurement, Standing
from tests.campaign import measured_run
from tests.exchange.test_imports import bring
from tests.views.test_device_view import report_text
from tests.web.formfields import forms_of

ADD = "/devices/records/add/"
FLUENCE = "fluence_neq_cm2"
DAY = dt.timedelta(days=1)


def form(**changed: str) -> dict[str, str]:
    return {
        "particle": "neutron",
        "energy_mev": "1",
        FLUENCE: "1e10",
        "done_at": "2026-05-01 14:30",
        "uncertainty": "10",
        "remark": "box 3",
    } | changed


def irradiated(device: Device, when: dt.datetime, fluence: float = 1e10) -> DeviceRecord:
    facts = {"particle": "neutron", FLUENCE: fluence}
    (row,) = add_records([NewRecord("irradiation", when, facts, devices=[device.pk])])
    return row


def charts_of(client: Client, page: str) -> list[dict[str, Any]]:
    """The definitions of a page's charts."""
    text = client.get(page).content.decode()
    found = re.findall(r'<script id="chart-[^>]*type="application/json">(.*?)</script>', text, re.S)
    return [json.loads(one) for one in found]


def test_a_person_records_an_irradiation_once_its_effect_was_seen(
    campaign: SimpleNamespace, browser_client: Client
) -> None:
    device = campaign.devices[0]
    page = f"{ADD}?devices={device.pk}"
    looked = browser_client.post(page, form())
    assert looked.status_code == 200
    assert not DeviceRecord.objects.exists()
    assert "0 → 1 × 10¹⁰" in looked.content.decode()
    assert browser_client.post(page, form(confirmed="1")).status_code == 302
    row = DeviceRecord.objects.get()
    assert (row.kind, row.device, row.remark, row.uncertainty) == (
        "irradiation",
        device,
        "box 3",
        0.1,
    )
    assert row.done_at == dt.datetime(2026, 5, 1, 14, 30, tzinfo=dt.UTC)
    assert row.facts == {"particle": "neutron", "energy_mev": 1.0, FLUENCE: 1e10}
    assert row.made_by is not None
    task = Task.objects.get(name="limits.follow_records")
    assert task.requested_by == row.made_by
    text = browser_client.get(device.get_absolute_url()).content.decode()
    assert text.count("Fluence 1 × 10¹⁰ n_eq/cm2") == 2  # its card and the history
    assert "± 10 %" in report_text(device_report(device))


def test_many_devices_are_recorded_at_once_from_their_list(
    campaign: SimpleNamespace, browser_client: Client
) -> None:
    ticked = [str(one.pk) for one in campaign.devices[:3]]
    asked = {"list": "devices", "action": "record", "row": ticked}
    led = browser_client.post("/devices/", asked)
    assert led.status_code == 302
    page = led.headers["Location"] + "&kind=thermal_cycling"
    cycles = {"thermal_cycles": "12", "lowest_c": "-40", "highest_c": "60"}
    sent = cycles | {"done_at": "2026-05-01", "confirmed": "1"}
    assert browser_client.post(page, sent).status_code == 302
    found = DeviceRecord.objects.order_by("device")
    assert [row.device for row in found] == campaign.devices[:3]
    assert {row.facts["thermal_cycles"] for row in found} == {12.0}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"done_at": "yesterday"}, "“yesterday” is no date"),
        ({"done_at": "2031-01-01"}, "lies in the future"),
        ({FLUENCE: "much"}, "“much” is no number"),
        ({FLUENCE: ""}, "At least one is needed"),
        ({FLUENCE: "-1"}, "Fluence: from 0 to"),
        ({"particle": ""}, "This field is required"),
    ],
)
def test_what_is_no_record_is_told_at_its_field(
    campaign: SimpleNamespace, browser_client: Client, change: dict[str, str], said: str
) -> None:
    page = f"{ADD}?devices={campaign.devices[0].pk}"
    answer = browser_client.post(page, form(**change, confirmed="1"))
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not DeviceRecord.objects.exists()


def test_a_record_is_corrected_and_withdrawn_on_pages(
    campaign: SimpleNamespace, browser_client: Client
) -> None:
    device = campaign.devices[0]
    row = irradiated(device, timezone.now() - DAY)
    page = f"{ADD}?replaces={row.pk}"
    shown = forms_of(browser_client.get(page).content.decode(), page)
    (sent,) = [{k: v[0] for k, v in one.fields.items()} for one in shown if FLUENCE in one.fields]
    assert sent[FLUENCE] == "10000000000"
    browser_client.post(page, {**sent, FLUENCE: "3e10", "confirmed": "1"})
    new = DeviceRecord.objects.get(withdrawn_at=None)
    assert (new.facts[FLUENCE], new.done_at) == (3e10, row.done_at.replace(microsecond=0))
    browser_client.post(f"/devices/records/{new.pk}/withdraw/", {"why": ""})
    assert DeviceRecord.objects.filter(withdrawn_at=None).exists()
    browser_client.post(f"/devices/records/{new.pk}/withdraw/", {"why": "not this one"})
    assert not DeviceRecord.objects.filter(withdrawn_at=None).exists()
    text = browser_client.get(device.get_absolute_url()).content.decode()
    assert "not this one" in text
    assert "What was done" not in report_text(device_report(device))


def test_before_and_after_are_one_chart(
    campaign: SimpleNamespace, operator: User, browser_client: Client
) -> None:
    device = campaign.devices[0]
    campaign.run.measured_at = timezone.now() - 10 * DAY
    campaign.run.save()
    irradiated(device, timezone.now() - 5 * DAY)
    measured_run(campaign.stations[0], campaign.devices, operator)
    page = f"/devices/{device.serial}/course/?quantity=pde"
    (chart,) = charts_of(browser_client, page)
    points = chart["datasets"]["points"]
    assert sorted({one["x"] for one in points}) == [0.0, 1e10]
    # One series a setting, each with both.
    assert len(points) == 2 * len({one["s"] for one in points}) == 6
    # What was not measured on both sides has no such chart.
    other = f"/devices/{campaign.devices[1].serial}/course/"
    assert charts_of(browser_client, other) == []


def test_two_runs_are_compared_whatever_was_done_between(
    campaign: SimpleNamespace, operator: User, browser_client: Client
) -> None:
    campaign.run.measured_at = timezone.now() - 10 * DAY
    campaign.run.save()
    irradiated(campaign.devices[0], timezone.now() - 5 * DAY)
    later = measured_run(campaign.stations[0], campaign.devices, operator)
    page = f"/runs/{campaign.run.pk}/compare/?with={later.pk}&quantity=pde"
    text = browser_client.get(page).content.decode()
    # A row for each bias, of each device alike.
    assert len(re.findall(f">\\s*{campaign.devices[0].serial}\\s*<", text)) == len(
        re.findall(f">\\s*{campaign.devices[1].serial}\\s*<", text)
    )
    assert campaign.devices[0].serial in text


TABLE = """Serial;Kind;Date;Particle;Dose [kGy];Fluence [neq/cm^2];Time [min];T [°C];Remark
GX-000;Irradiation;2026-05-01 10:00;proton;1,5;2e11;;;cyclotron
GX-001;annealing;2026-05-02;;;;90;60;
"""


def test_a_table_of_records_comes_in_with_its_units(
    campaign: SimpleNamespace, tmp_path: Path
) -> None:
    path = tmp_path / "done.csv"
    path.write_text(TABLE)
    assert import_records(path, only_check=True) == 2
    assert not DeviceRecord.objects.exists()
    assert import_records(path) == 2
    first, second = DeviceRecord.objects.order_by("device")
    assert first.facts == {"particle": "proton", "dose_gy": 1500.0, FLUENCE: 2e11}
    assert first.remark == "cyclotron"
    assert second.facts == {"annealing_h": 1.5, "temperature_c": 60.0}
    # The same table again would count everything twice.
    with pytest.raises(RecordsRefused, match="row 2"):
        import_records(path)
    assert DeviceRecord.objects.count() == 2


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("GX-001", "GX-777", "row 3: GX-777 is not registered"),
        ("annealing", "magic", "row 3: kind"),
        ("2026-05-02", "soon", "row 3: “soon” is no date"),
        (";90;", ";long;", "row 3: Time"),
        ("[kGy]", "[V]", "Dose"),
        ("Date", "Nothing", "No column is the date"),
        ("proton", "", "row 2: particle"),
        (";2e11;", ";2e11;5", "row 2: Time [min]: Irradiation has no such field"),
    ],
)
def test_a_table_with_a_fault_brings_nothing_and_names_its_row(
    campaign: SimpleNamespace, tmp_path: Path, old: str, new: str, said: str
) -> None:
    path = tmp_path / "done.csv"
    path.write_text(TABLE.replace(old, new, 1))
    done = CliRunner().invoke(import_command, [str(path)])
    assert done.exit_code == 1
    assert said in done.output
    assert not DeviceRecord.objects.exists()


def test_records_go_out_and_come_in_again(campaign: SimpleNamespace, tmp_path: Path) -> None:
    path = tmp_path / "done.csv"
    path.write_text(TABLE)
    import_records(path)
    out = tmp_path / "out.csv"
    assert write_list("records", "csv", out, {}) == 2
    before = list(DeviceRecord.objects.order_by("device").values_list("kind", "facts", "done_at"))
    DeviceRecord.objects.all().delete()
    assert import_records(out) == 2
    after = list(DeviceRecord.objects.order_by("device").values_list("kind", "facts", "done_at"))
    assert after == before


def test_who_is_bound_sees_and_changes_records_of_the_own_devices_alone(
    campaign: SimpleNamespace, tmp_path: Path
) -> None:
    ours = Institute.objects.create(name="Ours")
    own, other = campaign.devices[:2]
    Device.objects.filter(pk=own.pk).update(owner=ours)
    mine, theirs = (irradiated(one, timezone.now() - DAY) for one in (own, other))
    user = User.objects.create_superuser("bound", password="finger-spectrum-9")
    user.person.institute = ours
    user.person.save()
    client = Client()
    client.force_login(user)
    assert client.get(f"/devices/{other.serial}/course/").status_code == 404
    assert client.get(f"{ADD}?replaces={theirs.pk}").status_code == 404
    assert client.post(f"/devices/records/{theirs.pk}/withdraw/", {"why": "x"}).status_code == 404
    page = client.get(f"{ADD}?devices={own.pk},{other.pk}").content.decode()
    assert own.serial in page
    assert other.serial not in page
    out = tmp_path / "out.csv"
    assert write_list("records", "csv", out, {}, viewer=user) == 1
    with out.open(encoding="utf-8-sig") as file:
        assert [row["serial"] for row in csv.DictReader(file)] == [own.serial]
    client.post(f"/devices/records/{mine.pk}/withdraw/", {"why": "mine"})
    assert DeviceRecord.objects.get(withdrawn_at=None) == theirs


def test_a_table_of_values_says_when_they_were_measured(
    campaign: SimpleNamespace,
) -> None:
    device = campaign.devices[0]
    irradiated(device, dt.datetime(2026, 5, 1, tzinfo=dt.UTC))
    follow([device.pk])
    text = f"serial,channel,gain_adc,bias_v\n{device.serial},0,33.0,71\n"

    def brought(measured: str) -> set[Any]:
        row = bring(text, stage="darkbox", existing="update")
        mapping = ColumnMapping.from_json(row.mapping)
        imports.set_mapping(row, replace(mapping, fill={"measured_at": measured}))
        imports.check(row)
        imports.apply(row)
        standing = Standing.objects.get(device=device, stage="darkbox")
        rows = Measurement.objects.filter(analysis=standing.analysis, device=device)
        return {at.get(FLUENCE) for at in rows.values_list("condition__at", flat=True)}

    assert brought("2026-04-30") == {None}
    assert brought("2026-05-02 08:00") == {1e10}
