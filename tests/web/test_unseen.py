"""Whoever is bound to an institute hears of another's device what they hear of one that is not."""

from __future__ import annotations

import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from mppcqa.exchange import imports
from mppcqa.exchange.batches.contents import BatchRefused
from mppcqa.exchange.batches.taking import begin, take
from mppcqa.exchange.foreign.files import import_foreign
from mppcqa.exchange.foreign.mappings import find_mapping
from mppcqa.exchange.records import RecordsRefused, import_records
from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.assembly import AssemblyRefused, Mount, mount
from mppcqa.inventory.models import Device, DeviceType, Institute, Tray
from mppcqa.inventory.records import DeviceRecord
from mppcqa.queue.models import Notice
from mppcqa.results.models import Measurement
from mppcqa.runs.models import Run, Station
from tests.api.conftest import program_of
from tests.exchange.test_batches import curve
from tests.runs.test_reference_devices import remind
from tests.web.formfields import opened

OWN, OTHERS, NOBODYS = "GX-001", "GX-000", "GX-777"


@pytest.fixture
def bound(campaign: SimpleNamespace, operator: User) -> SimpleNamespace:
    """GX-001 is ours and all else another's; a person of ours who may do everything, and a page."""
    ours, theirs = (Institute.objects.create(name=name) for name in ("Ours", "Theirs"))
    Device.objects.update(owner=theirs)
    Device.objects.filter(serial=OWN).update(owner=ours)
    Run.objects.update(owner=theirs)
    person = User.objects.create_superuser("bound", password="finger-spectrum-9")
    person.person.institute = ours
    person.person.save()
    client = Client()
    client.force_login(person)
    person = User.objects.get(pk=person.pk)
    return SimpleNamespace(**vars(campaign), ours=ours, theirs=theirs, person=person, page=client)


def looked_at(client: Client, name: str, content: bytes) -> str:
    """What the page of other programs' files says of one for the own device; None is unsaid."""
    sent = {"device": OWN, "temperature_c": "20", "files": SimpleUploadedFile(name, content)}
    text = client.post("/runs/import/", sent).content.decode()
    return text[text.index("<main") :].replace(name, "NAME")


def test_whether_a_file_was_taken_in_elsewhere_is_not_told(
    bound: SimpleNamespace, tmp_path: Path, operator: User
) -> None:
    path = tmp_path / "iv_20C.csv"
    curve(path)
    device = Device.objects.get(serial=OTHERS)
    mapping = find_mapping("IV curve: bias [V], current [A]")
    run = import_foreign([path], mapping, device, channel=0, by=operator)
    text = looked_at(bound.page, path.name, path.read_bytes())
    assert f"run {run.pk}" not in text
    assert OTHERS not in text
    assert "allow-twice" not in text
    own = Client()
    own.force_login(operator)
    assert "allow-twice" in looked_at(own, path.name, path.read_bytes())


def test_a_name_that_says_anothers_device_says_nothing(
    bound: SimpleNamespace, tmp_path: Path, operator: User
) -> None:
    path = tmp_path / "iv.csv"
    curve(path)
    for name in (OTHERS, NOBODYS):
        text = looked_at(bound.page, f"{name}_20C.csv", path.read_bytes())
        assert "allow-device" not in text, name
    all_seeing = Client()
    all_seeing.force_login(operator)
    assert "allow-device" in looked_at(all_seeing, f"{OTHERS}_20C.csv", path.read_bytes())


def test_a_batch_finds_no_device_of_another(bound: SimpleNamespace, tmp_path: Path) -> None:
    path = tmp_path / "some.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for serial in (OTHERS, NOBODYS):
            curve(tmp_path / f"{serial}_20C.csv")
            archive.write(tmp_path / f"{serial}_20C.csv", f"{serial}_20C.csv")
    row = begin(path, "some.zip", by=bound.person)
    take(row)
    said = [(one.state, one.why) for one in row.files.order_by("pk")]
    assert said[0] == said[1]
    assert said[0][0] == "refused"
    words = []
    for serial in (OTHERS, NOBODYS):
        with pytest.raises(BatchRefused) as refused:
            begin(path, "again", device=serial, by=bound.person)
        words.append(str(refused.value).replace(serial, "…"))
    assert words[0] == words[1]


def test_values_of_anothers_device_are_refused_as_of_none(bound: SimpleNamespace) -> None:
    before = Measurement.objects.count()
    said = []
    for serial in (OTHERS, NOBODYS):
        table = f"serial;channel;V_br [V]\n{serial};0;51.25\n".encode()
        row = imports.take_in([table], "table", kind="values", stage="pde", by=bound.person)
        imports.check(row)
        assert row.faults == 1
        said.append(row.faults_path.read_text(encoding="utf-8-sig").replace(serial, "…"))
    assert said[0] == said[1]
    assert "not registered" in said[0]
    assert Measurement.objects.count() == before


def test_records_of_anothers_device_are_refused_as_of_none(
    bound: SimpleNamespace, tmp_path: Path
) -> None:
    said = []
    for serial in (OTHERS, NOBODYS):
        path = tmp_path / "table.csv"
        path.write_text(f"serial,date,fluence [1/cm2]\n{serial},2026-01-05,1e12\n")
        with pytest.raises(RecordsRefused) as refused:
            import_records(path, kind="irradiation", by=bound.person)
        said.append(str(refused.value).replace(serial, "…"))
    assert said[0] == said[1]
    assert not DeviceRecord.objects.exists()


def test_a_stations_reference_device_of_another_is_not_named(bound: SimpleNamespace) -> None:
    station = bound.stations[1]
    Station.objects.filter(pk=station.pk).update(reference_device=Device.objects.get(serial=OTHERS))
    address = f"/catalogue/stations/{station.pk}/"
    assert OTHERS not in bound.page.get(address).content.decode()
    values = {"name": station.name, "stage": station.stage, "slots": 4, "program": ""}
    values |= opened(bound.page, address)
    values |= {"make_safe": "", "time_limit_s": 60, "reference_every_days": 3}
    values |= {"expiry": "block", "bad_contact": "block"}
    said = []
    for serial in (OTHERS, NOBODYS):
        answer = bound.page.post(address, {**values, "reference_device": serial})
        assert answer.status_code == 422
        said.append("No device has this serial number." in answer.content.decode())
    assert said == [True, True]
    # Whoever sees none can't take it away unawares.
    assert bound.page.post(address, {**values, "reference_device": ""}).status_code == 302
    station.refresh_from_db()
    assert station.reference_device is not None
    assert station.reference_every_days == 3
    Run.objects.filter(station=station).delete()
    assert remind() == {"due": 1}
    told = Notice.objects.filter(text__contains=OTHERS)
    assert bound.person.pk not in {one.user_id for one in told}
    assert told.exists()


def edited(bound: SimpleNamespace, **sent: Any) -> str:
    """What the form of the own device answers."""
    address = f"/devices/{OWN}/edit/"
    values = {"tray_name": "T-1", "tray_row": "0", "tray_column": "1"}
    answer = bound.page.post(address, {**values, **opened(bound.page, address), **sent})
    text: str = answer.content.decode()
    return text


def test_a_device_is_made_part_of_none_that_is_not_seen(bound: SimpleNamespace) -> None:
    for serial in (OTHERS, NOBODYS):
        text = edited(bound, parent_serial=serial)
        assert "There is none of that name." in text, serial
    Device.objects.filter(serial=OWN).update(parent=Device.objects.get(serial=OTHERS))
    address = f"/devices/{OWN}/edit/"
    assert OTHERS not in bound.page.get(address).content.decode()
    edited(bound, parent_serial="", tray_column="7")
    assert Device.objects.get(serial=OWN).parent.serial == OTHERS  # type: ignore[union-attr]
    # A program that says null means it: it is told that nothing was cleared.
    program = program_of(bound.person)
    for nothing in (None, "", " "):
        answer = program.send("patch", f"devices/{OWN}", {"parent": nothing, "lot": None})
        assert answer.status_code == 422, nothing
        [fault] = answer.json()["errors"]
        assert fault["field"] == "parent"
        assert OTHERS not in answer.content.decode()
    assert Device.objects.get(serial=OWN).parent.serial == OTHERS  # type: ignore[union-attr]
    assert program.send("patch", f"devices/{OWN}", {"lot": None}).status_code == 200


def test_a_place_that_anothers_device_has_is_taken_by_a_device(bound: SimpleNamespace) -> None:
    text = edited(bound, tray_column="0")
    assert "A device lies there already." in text
    assert OTHERS not in text


def test_trays_of_others_are_not_in_the_catalogue(bound: SimpleNamespace) -> None:
    tray = Tray.objects.create(name="T-SECRET", rows=2, columns=2)
    register_devices([{"serial": "N-1", "device_type": bound.kind.name, "tray": tray.name}])
    Device.objects.filter(serial="N-1").update(owner=bound.theirs)
    assert tray.name not in bound.page.get("/catalogue/trays/").content.decode()
    assert "T-1" in bound.page.get("/catalogue/trays/").content.decode()
    for address in (f"/catalogue/trays/{tray.pk}/", f"/catalogue/trays/{tray.pk + 99}/"):
        assert bound.page.get(address).status_code == 404
    assert bound.page.post(f"/catalogue/trays/{tray.pk}/remove/").status_code == 404
    for name in (tray.name, "T-NONE"):
        assert "There is none of that name." in edited(bound, tray_name=name)


def test_what_is_mounted_at_a_place_is_not_named(bound: SimpleNamespace, operator: User) -> None:
    DeviceType.objects.create(name="board", rows=1, columns=1)
    register_devices([{"serial": "BOARD", "device_type": "board"}])
    board, part = (Device.objects.get(serial=one) for one in ("BOARD", OTHERS))
    Device.objects.filter(pk=board.pk).update(owner=bound.ours)
    mine = Device.objects.get(serial=OWN)
    mount([Mount(part.pk, board.pk, {"pos": "1"})], by=operator)
    with pytest.raises(AssemblyRefused) as refused:
        mount([Mount(mine.pk, board.pk, {"pos": "1"})], by=bound.person)
    assert "a device of another owner or campaign is in BOARD" in str(refused.value)
    assert OTHERS not in str(refused.value)
