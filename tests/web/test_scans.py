"""What a scan does and what a person is told, whatever the scanner made of the code."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from mppcqa.codes import CodeRefused, Kind, read, write
from mppcqa.inventory.campaign import FIRST, Campaign
from mppcqa.inventory.models import Device, DeviceType, Institute, Person, Shipment, Tray
from mppcqa.inventory.moving import move_by_hand
from mppcqa.inventory.shipping import pack, send_packed
from mppcqa.inventory.states import Move
from mppcqa.queue import submit
from mppcqa.queue.models import State, Task
from mppcqa.runs.models import Run, Station
from tests.pens import pen_of


class Scanner:
    """A person with a scanner, at a page of a station or of none."""

    def __init__(self, client: Client, page: str = "") -> None:
        self.client, self.page = client, page

    def __call__(self, code: str, **more: str) -> dict[str, Any]:
        sent = {"code": code, "station": self.page, **more}
        answer = self.client.post("/scan/", sent)
        assert answer.status_code == 200, answer.content
        said: dict[str, Any] = answer.json()
        said["text"] = "\n".join([said["title"], *said["lines"]])
        return said


@pytest.fixture
def at_station(browser_client: Client, campaign: SimpleNamespace) -> Scanner:
    return Scanner(browser_client, "darkbox-1")


@pytest.fixture
def anywhere(browser_client: Client, campaign: SimpleNamespace) -> Scanner:
    return Scanner(browser_client)


def loaded(name: str = "darkbox-1") -> dict[int, str]:
    return dict(Station.objects.get(name=name).loaded.values_list("slot", "device__serial"))


@pytest.mark.parametrize(
    ("kind", "name", "slot"),
    [
        (Kind.DEVICE, "GX-001", 0),
        (Kind.TRAY, "Tray 7/b", 0),
        (Kind.TRAY, "bañera ñ", 0),
        (Kind.STATION, "pde-1", 0),
        (Kind.SLOT, "pde 1", 3),
        (Kind.BOX, "12", 0),
    ],
)
@pytest.mark.parametrize("url", ["", "https://qa.example.org", "http://10.0.0.1:8000/mppcqa"])
def test_what_is_written_is_read_again(kind: Kind, name: str, slot: int, url: str) -> None:
    code = read(write(kind, name, slot=slot, url=url) + "\r")
    assert (code.kind, code.name, code.slot) == (kind, name, slot)


@pytest.mark.parametrize(
    "code", ["", ".", ".STAR", ".TRAY", ".TO", ".SLOT x", ".SLOT 3", "x" * 400]
)
def test_what_says_nothing_is_refused(code: str) -> None:
    with pytest.raises(CodeRefused):
        read(code)


def test_from_an_empty_station_to_a_run_of_four_in_five_scans(at_station: Scanner) -> None:
    for slot in range(1, 5):
        said = at_station(f"GX-00{slot - 1}")
        assert said["tone"] == "good"
        assert said["title"] == f"GX-00{slot - 1} → slot {slot}"
    said = at_station(".START")
    assert said["tone"] == "good"
    assert said["title"] == "Started with 4 devices"
    run = Run.objects.latest("pk")
    assert [row.device.serial for row in run.slots.all()] == [f"GX-00{n}" for n in range(4)]
    # A second scan of it asks for no second run.
    assert "measuring already" in at_station(".START")["text"]
    assert Run.objects.count() == 2
    # The last scan that did something is taken back.
    assert at_station(".UNDO")["title"] == "Taken back"
    assert run.task_group is not None
    assert not run.task_group.tasks.exclude(state__in=[State.KILLED]).exists()


def test_a_station_in_hand_takes_what_is_scanned_on_any_page(anywhere: Scanner) -> None:
    assert anywhere("https://qa.example.org/stations/darkbox-1/")["go"] == "/stations/darkbox-1/"
    said = anywhere("https://qa.example.org/devices/GX-002/")
    assert said["station"] == "darkbox-1"
    assert loaded() == {1: "GX-002"}
    assert "Scans go to" in anywhere.client.get("/devices/").content.decode()
    anywhere(".DONE")
    assert anywhere("GX-001")["go"] == "/devices/GX-001/"
    assert loaded() == {1: "GX-002"}


def test_a_slot_is_scanned_or_has_the_cursor(at_station: Scanner) -> None:
    at_station(".SLOT 3 darkbox-1")
    at_station("GX-000")
    at_station("GX-001")
    at_station("GX-002", slot="4")
    assert loaded() == {3: "GX-000", 1: "GX-001", 4: "GX-002"}
    assert "no slot 9" in at_station(".SLOT 9 darkbox-1")["text"]


def test_a_tray_loads_what_lies_in_it(at_station: Scanner) -> None:
    said = at_station(".TRAY T-1")
    assert said["title"] == "4 devices are loaded"
    assert loaded() == {n + 1: f"GX-00{n}" for n in range(4)}
    assert "All 4 slots" not in at_station(".UNDO")["text"]
    assert loaded() == {}
    Station.objects.update(slots=3)
    said = at_station(".TRAY T-1")
    assert (said["tone"], loaded()) == ("bad", {})
    assert "more devices than darkbox-1 has free slots (3)" in said["text"]


def test_a_tray_as_large_as_the_fixture_is_loaded_as_it_lies(at_station: Scanner) -> None:
    Station.objects.update(slots=20)
    Device.objects.filter(serial="GX-003").update(tray_row=3, tray_column=4)
    at_station(".TRAY T-1")
    assert loaded() == {1: "GX-000", 2: "GX-001", 3: "GX-002", 20: "GX-003"}


def test_unloading_and_taking_that_back(at_station: Scanner) -> None:
    at_station("GX-000", slot="2")
    assert at_station(".UNLOAD")["title"] == "1 device is out"
    assert loaded() == {}
    at_station(".UNDO")
    assert loaded() == {2: "GX-000"}
    at_station(".UNLOAD")
    assert "empty already" in at_station(".UNLOAD")["text"]


def test_to_a_tray_in_two_scans_and_back(anywhere: Scanner, campaign: SimpleNamespace) -> None:
    Tray.objects.create(name="T7", rows=1, columns=1)
    assert "Put what into T7" in anywhere(".TO T7")["text"]
    anywhere("GX-001")
    assert anywhere(".TO T7")["title"] == "GX-001 → T7"
    device = Device.objects.get(serial="GX-001")
    assert (str(device.tray), device.tray_row, device.tray_column) == ("T7", 0, 0)
    anywhere("GX-002")
    assert "T7 is full" in anywhere(".TO T7")["text"]
    anywhere("GX-001")
    anywhere(".TO T-1")
    anywhere(".UNDO")
    device.refresh_from_db()
    assert str(device.tray) == "T7"


def test_what_sits_in_a_station_goes_to_a_tray_at_once(at_station: Scanner) -> None:
    Tray.objects.create(name="T7", rows=2, columns=2)
    at_station("GX-000")
    at_station("GX-001")
    assert at_station(".TO T7")["title"] == "GX-000, GX-001 → T7"
    assert loaded() == {}
    assert Device.objects.filter(tray__name="T7").count() == 2
    at_station(".UNDO")
    assert loaded() == {1: "GX-000", 2: "GX-001"}
    assert Device.objects.filter(tray__name="T-1").count() == 4


def test_an_unknown_serial_is_registered_when_scanned_again(at_station: Scanner) -> None:
    said = at_station("GX-777")
    assert (said["tone"], said["choices"]) == (
        "ask",
        [
            {"text": "Register: S12045(X)", "code": ".YES S12045(X)"},
            {"text": "It is the box of a delivery", "code": ".DELIVERY GX-777"},
        ],
    )
    assert not Device.objects.filter(serial="GX-777").exists()
    said = at_station("gx-777")
    assert said["title"] == "GX-777 → slot 1"
    device = Device.objects.get(serial="GX-777")
    assert device.location == Station.objects.get(name="darkbox-1").institute
    # Another scan between the two is no yes.
    at_station("GX-778")
    at_station("GX-000")
    at_station("GX-778")
    assert not Device.objects.filter(serial="GX-778").exists()
    assert (
        "Yes to what?"
        in Scanner(at_station.client)(".UNDO")["text"] + Scanner(at_station.client)(".YES")["text"]
    )


def test_one_scan_registers_while_a_person_says_so(
    anywhere: Scanner, campaign: SimpleNamespace
) -> None:
    DeviceType.objects.filter(pk=campaign.kind.pk).update(serial_pattern=r"GX-\d{3}")
    said = anywhere(".NEW")
    assert said["registers"], said
    assert anywhere("GX-500")["title"] == "GX-500 is registered"
    assert anywhere("GX-501")["go"] == "/devices/GX-501/"
    # What was cut off, fits no pattern, or fits one that takes anything is asked about.
    for odd in ("GX-50", "XY-1"):
        assert anywhere(odd)["title"] == f"{odd} is not registered"
    assert anywhere(".UNDO")["title"] == "Taken back"
    assert not anywhere(".DONE")["registers"]
    assert anywhere("GX-502")["tone"] == "ask"
    assert list(
        Device.objects.filter(serial__startswith="GX-50").values_list("serial", flat=True)
    ) == ["GX-500"]


def test_registering_is_taken_back_while_nothing_happened(anywhere: Scanner) -> None:
    anywhere("GX-777")
    anywhere(".YES")
    anywhere(".UNDO")
    assert not Device.objects.filter(serial="GX-777").exists()
    anywhere("GX-777")
    anywhere(".YES")
    move_by_hand(Device.objects.get(serial="GX-777"), Move.HOLD, "dusty")
    assert "has a history" in anywhere(".UNDO")["text"]
    assert Device.objects.filter(serial="GX-777").exists()


def test_of_several_types_one_is_chosen(anywhere: Scanner) -> None:
    DeviceType.objects.create(name="S13360")
    said = anywhere("GX-777")
    assert [one["text"] for one in said["choices"]] == [
        "Register: S12045(X)",
        "Register: S13360",
        "It is the box of a delivery",
    ]
    assert "Choose its type" in anywhere("GX-777")["text"]
    anywhere("GX-777")
    said = anywhere(said["choices"][1]["code"])
    assert Device.objects.get(serial="GX-777").device_type.name == "S13360"
    # A type that says what its serials look like is meant before one that takes all.
    DeviceType.objects.create(name="Q", serial_pattern="Q[0-9]+")
    assert [one["code"] for one in anywhere("Q12")["choices"]] == [".YES Q", ".DELIVERY Q12"]


@pytest.mark.parametrize(
    ("code", "meant"),
    [
        ("GX/001", "GX-001"),  # a German scanner at an English computer
        ("GXß001", "GX-001"),  # and the other way round
        ("GX'001", "GX-001"),  # at a Spanish computer
        ("httpsÖ--qa.example.org-devices-GXß001-", "GX-001"),
        (".TRAY T/1", "4 devices"),
    ],
)
def test_another_keyboard_layout_is_understood_and_told(
    at_station: Scanner, code: str, meant: str
) -> None:
    said = at_station(code)
    assert said["tone"] == "ask"
    assert meant in said["title"]
    assert "keyboard layout" in said["text"]
    assert loaded()


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("GX-000GX-001", "two codes in one scan, GX-000 and GX-001"),
        ("GX-000 GX-001", "two codes in one scan, GX-000 and GX-001"),
        ("GX-000\tGX-999", "two codes in one scan, GX-000 and GX-999"),
        ("https://a.b/devices/GX-000/https://a.b/devices/GX-001/", "two codes in one scan"),
        ("GX-00", "Was it cut off? GX-000 begins so"),
        ("https://a.b/dev", "Was it cut off?"),
        (".STAR", "Was it cut off?"),
        (".TRAY T-9", "There is no tray T-9"),
        (".STATION pde-9", "There is no station pde-9"),
        (".BOX x", "There is no shipment x"),
        ("<b>", "no code that is known"),
        ("", "Nothing was scanned"),
        ("G" * 500, "too long"),
    ],
)
def test_what_a_scanner_gets_wrong_is_told_and_nothing_is_done(
    at_station: Scanner, code: str, told: str
) -> None:
    said = at_station(code)
    assert said["tone"] in ("bad", "ask")
    assert told in said["text"]
    assert loaded() == {}
    assert Device.objects.count() == 4


def test_the_same_device_twice_and_one_of_another_type(
    at_station: Scanner, campaign: SimpleNamespace
) -> None:
    at_station("GX-000")
    assert "sits in slot 1 of this station already" in at_station("GX-000")["text"]
    Station.objects.filter(name="darkbox-1").update(
        device_type=DeviceType.objects.create(name="S13360")
    )
    assert "only S13360 fits" in at_station("GX-001")["text"]
    assert "sits in darkbox-1, slot 1" in Scanner(at_station.client, "pde-1")("GX-000")["text"]


def test_while_the_station_measures_nothing_moves(at_station: Scanner) -> None:
    at_station("GX-000")
    at_station(".START")
    task = Task.objects.filter(lane="station:darkbox-1").latest("pk")
    from mppcqa.queue.models import Lane

    Lane.objects.filter(name=task.lane).update(holder=task)
    for code in ("GX-001", ".UNLOAD", ".TRAY T-1"):
        assert "is measuring" in at_station(code)["text"], code
    assert loaded() == {1: "GX-000"}
    assert at_station(".STOP")["title"] == "Stopping"
    task.refresh_from_db()
    assert task.state == State.KILLED


def test_what_runs_is_stopped_whole_and_named(at_station: Scanner) -> None:
    assert "Nothing runs" in at_station(".STOP")["text"]
    at_station("GX-000")
    at_station(".START")
    group = Run.objects.latest("pk").task_group
    assert group is not None
    said = at_station(".STOP")
    assert (said["title"], said["lines"]) == ("Stopping", [str(group)])
    assert {task.state for task in group.tasks.all()} == {State.KILLED}
    assert {task.kill_reason for task in group.tasks.all()} == {"stopped by a scan"}
    alone = submit("exchange.backup", {"folder": "/srv"}, lane="station:darkbox-1")
    assert at_station(".STOP")["lines"] == [str(alone)]
    alone.refresh_from_db()
    assert alone.state == State.KILLED


def test_codes_in_the_wrong_order(anywhere: Scanner) -> None:
    for code in (".START", ".STOP", ".UNLOAD"):
        assert "Of which station?" in anywhere(code)["text"]
    assert "There is no scan to take back" in anywhere(".UNDO")["text"]
    anywhere(".STATION darkbox-1")
    assert "is empty: load devices first" in anywhere(".START")["text"]
    assert "Nothing runs" in anywhere(".STOP")["text"]


def test_what_stands_in_the_form_is_started(at_station: Scanner) -> None:
    at_station("GX-000")
    stage = Station.objects.get(name="darkbox-1").stage
    page = at_station.client.get("/stations/darkbox-1/").content.decode()
    assert "data-run-form" in page
    assert stage == "darkbox"
    said = at_station(".START", **{"p-temperatures_c": "no number"})
    assert said["tone"] == "bad"
    assert not Run.objects.filter(stage="darkbox").exists()


def test_a_box_and_a_page_are_opened(anywhere: Scanner, campaign: SimpleNamespace) -> None:
    other = Institute.objects.create(name="elsewhere")
    box = pack(campaign.place, other, ["GX-003"], by=User.objects.get())
    assert anywhere(f".BOX {box.pk}")["go"] == f"/packing/?box={box.pk}"
    send_packed(box, by=pen_of())
    assert anywhere(f".BOX {box.pk}")["go"] == f"/shipments/{box.pk}/"
    assert anywhere("t-1")["go"] == "/trays/T-1/"
    assert Shipment.objects.count() == 1


def test_rights_are_those_of_the_pages(campaign: SimpleNamespace) -> None:
    client = Client()
    guest = User.objects.create_user("guest", password="only-looking-7")
    client.force_login(guest)
    scanner = Scanner(client, "darkbox-1")
    for code in ("GX-000", ".TRAY T-1", ".START", ".STOP", ".TO T-1"):
        assert "Your account may not" in scanner(code)["text"], code
    assert "Register" not in str(scanner("GX-777")["choices"])
    assert "may not" in scanner("GX-777")["text"]
    guest.user_permissions.add(Permission.objects.get(codename="add_loadeddevice"))
    assert scanner("GX-000")["tone"] == "good"
    assert "may not" in scanner(".UNDO")["text"]
    assert loaded() == {1: "GX-000"}


def test_a_bound_person_scans_what_is_seen(anywhere: Scanner, operator: User) -> None:
    theirs = Campaign.objects.create(name="Theirs")
    Device.objects.filter(serial="GX-001").update(campaign=theirs)
    Person.objects.update_or_create(user=operator, defaults={"campaign_id": FIRST})
    assert "not registered" in anywhere("GX-001")["text"]
    assert anywhere("GX-000")["go"] == "/devices/GX-000/"
