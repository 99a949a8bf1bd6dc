"""Devices that are somewhere, or unfit, are not taken for something else: by no door."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from django.test import Client
from django.utils.translation import override

from mppcqa.exchange import imports
from mppcqa.inventory.device_rows import Plan
from mppcqa.inventory.device_writing import Ready, make_ready
from mppcqa.inventory.models import Device, DeviceMove, Institute, Shipment
from mppcqa.inventory.moving import Held, MoveRefused, move_by_hand
from mppcqa.inventory.receiving import receive
from mppcqa.inventory.shipping import ShipmentRefused, send
from mppcqa.inventory.states import IN_THE_WAY, TABLE, DeviceState, Move, table_as_text
from mppcqa.limits.decisions import grant_waiver
from mppcqa.limits.models import Verdict
from mppcqa.queue.actions import kill_group
from mppcqa.queue.models import Lane, State, Task
from mppcqa.queue.repeats import again
from mppcqa.results.models import Outcome, Standing
from mppcqa.runs.actions import RunRefused, SlotFaults, load_station, start_run, unload_station
from mppcqa.runs.models import LoadedDevice, RunSlot
from mppcqa.runs.state_check import check_states
from tests.databases import command
from tests.pens import browser_of, pen_of, signed
from tests.waiting import PATIENCE_S
from tests.web.formfields import opened
from tests.workers import child_environment, running_worker, wait_until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with override("en"):
        yield


@pytest.fixture
def browser(operator: User) -> Client:
    """Of who did not measure, and so may release."""
    return browser_of()


@pytest.fixture
def there(campaign: SimpleNamespace) -> Institute:
    return Institute.objects.create(name="Valparaíso")


def stored(serial: str) -> str:
    return str(Device.objects.values_list("state", flat=True).get(serial=serial))


def ship_form(campaign: SimpleNamespace, there: Institute, *serials: str) -> dict[str, Any]:
    return {
        "origin": campaign.place.pk,
        "destination": there.pk,
        "serials": "\n".join(serials),
        **signed(),
    }


def test_what_sits_in_a_running_station_is_not_shipped(
    browser: Client, campaign: SimpleNamespace, there: Institute
) -> None:
    station = campaign.stations[0]
    load_station(station, {2: "GX-000"})
    form = ship_form(campaign, there, "GX-000", "GX-001")
    page = browser.post("/shipments/new/", form)
    assert page.status_code == 422
    assert "GX-000 sits in pde-1, slot 2; unload it there first" in page.content.decode()
    run = start_run(station)
    page = browser.post("/shipments/new/", form).content.decode()
    assert f"GX-000 is in test (pde-1, slot 2, run {run.pk}); wait for the end" in page
    assert not Shipment.objects.exists()
    assert {stored("GX-000"), stored("GX-001")} == {"loaded", "in_tray"}
    with pytest.raises(RunRefused, match="wait for the end of the measurement or stop it"):
        unload_station(station)
    kill_group(run.task_group)
    assert unload_station(station) == 1
    assert browser.post("/shipments/new/", form).status_code == 302
    assert {stored("GX-000"), stored("GX-001")} == {"shipped"}


def test_what_is_under_way_is_neither_shipped_nor_loaded_nor_moved(
    browser: Client, campaign: SimpleNamespace, there: Institute
) -> None:
    shipment = send(campaign.place, there, ["GX-000"])
    with pytest.raises(ShipmentRefused, match=f"shipment {shipment.pk}"):
        send(campaign.place, there, ["GX-000"])
    with pytest.raises(SlotFaults, match="receive that shipment first"):
        load_station(campaign.stations[0], {1: "GX-000"})
    assert not LoadedDevice.objects.exists()
    moved = {"location": there.pk, "tray_name": "T-1", "tray_row": 0, "tray_column": 0}
    address = "/devices/GX-000/edit/"
    page = browser.post(address, moved | opened(browser, address))
    assert page.status_code == 422
    assert "is on its way already" in page.content.decode()
    for move in ("retire", "hold", "install", "find", "ship", "nonsense"):
        browser.post("/devices/GX-000/state/", {"move": move, "why": "as I like"})
    device = Device.objects.get(serial="GX-000")
    assert (device.state, device.location) == ("shipped", campaign.place)


def test_what_fails_is_shipped_only_where_the_shipment_says_so(
    browser: Client, campaign: SimpleNamespace, there: Institute, operator: User
) -> None:
    Standing.objects.filter(device=campaign.devices[0]).update(outcome=Outcome.FAIL)
    form = ship_form(campaign, there, "GX-000", "GX-001")
    page = browser.post("/shipments/new/", form)
    assert page.status_code == 422
    assert "GX-000 fails (PDE)" in page.content.decode()
    page = browser.post("/shipments/new/", form | {"exempt": "allowed"}).content.decode()
    assert "give the reason why" in page
    assert not Shipment.objects.exists()
    told = {"exempt": "allowed", "exempt_why": "they want to see one"}
    page = browser.post("/shipments/new/", form | told, follow=True).content.decode()
    assert "they want to see one" in page
    assert Shipment.objects.get().exempt_why == "they want to see one"
    assert receive(Shipment.objects.get(), ["GX-000", "GX-001"]) == 2
    back = {**ship_form(campaign, there, "GX-000"), "origin": there.pk}
    back |= {"destination": campaign.place.pk, "exempt": "return"}
    assert browser.post("/shipments/new/", back).status_code == 302
    # One with a waiver that holds is no longer failing.
    Standing.objects.filter(device=campaign.devices[2]).update(outcome=Outcome.FAIL)
    verdict = Verdict.objects.get(device=campaign.devices[2])
    Verdict.objects.filter(pk=verdict.pk).update(outcome=Outcome.FAIL)
    verdict.refresh_from_db()
    with pytest.raises(ShipmentRefused, match="GX-002 fails"):
        send(campaign.place, there, ["GX-002"])
    grant_waiver(verdict, "good enough for a spare", by=pen_of())
    assert send(campaign.place, there, ["GX-002"]).sent_at is not None


def test_what_began_to_fail_in_the_box_does_not_leave(
    browser: Client, campaign: SimpleNamespace, there: Institute
) -> None:
    form = ship_form(campaign, there, "GX-000", "GX-001") | {"pack": ""}
    assert browser.post("/shipments/new/", form).status_code == 302
    box = Shipment.objects.get()
    address = f"/shipments/{box.pk}/"
    assert {stored("GX-000"), stored("GX-001")} == {"packed"}
    with pytest.raises(SlotFaults, match=f"GX-000 is packed for shipment {box.pk}; unpack it"):
        load_station(campaign.stations[0], {1: "GX-000"})
    with pytest.raises(ShipmentRefused, match="not sent yet"):
        receive(box, ["GX-000"])
    Standing.objects.filter(device=campaign.devices[0]).update(outcome=Outcome.FAIL)
    page = browser.post(address, signed(send=""))
    assert page.status_code == 422
    assert "GX-000 fails (PDE)" in page.content.decode()
    browser.post(address, {"serials": "gx-000"})
    browser.post(address, signed(send=""))
    assert (stored("GX-000"), stored("GX-001")) == ("in_tray", "shipped")
    browser.post(address, {"serials": "GX-001"})
    assert stored("GX-001") == "received"


def test_an_emptied_box_is_no_shipment(
    browser: Client, campaign: SimpleNamespace, there: Institute
) -> None:
    browser.post("/shipments/new/", ship_form(campaign, there, "GX-000") | {"pack": ""})
    address = f"/shipments/{Shipment.objects.get().pk}/"
    assert browser.post(address, {"all": ""}).headers["Location"] == "/shipments/"
    assert not Shipment.objects.exists()
    assert stored("GX-000") == "in_tray"
    assert browser.get(address).status_code == 404


def test_what_is_received_while_it_sits_in_a_slot_is_told_as_a_contradiction(
    browser: Client, campaign: SimpleNamespace, there: Institute
) -> None:
    shipment = send(campaign.place, there, ["GX-000"])
    station = campaign.stations[0]
    # As an older version let it come to be.
    LoadedDevice.objects.create(station=station, slot=1, device=campaign.devices[0])
    address = f"/shipments/{shipment.pk}/"
    page = browser.post(address, {"serials": "GX-000"})
    assert page.status_code == 422
    told = page.content.decode()
    assert "GX-000 sits in pde-1, slot 1, so it can" in told
    assert "unload it there if it did, or leave it out" in told
    with pytest.raises(RunRefused, match="is on its way already"):
        start_run(station)
    faults = check_states(repair=True)
    assert [fault.facts for fault in faults] == [""]
    assert "a person must say what is so" in str(faults[0])
    assert unload_station(station) == 1
    assert stored("GX-000") == "shipped"
    assert browser.post(address, {"serials": "GX-000"}).status_code == 302
    assert (stored("GX-000"), check_states()) == ("received", [])


def test_what_came_along_can_t_sit_in_a_slot(campaign: SimpleNamespace, there: Institute) -> None:
    shipment = send(campaign.place, there, ["GX-000"])
    load_station(campaign.stations[0], {3: "GX-001"})
    with pytest.raises(ShipmentRefused, match="GX-001 sits in pde-1, slot 3"):
        receive(shipment, ["GX-000", "GX-001"], others_are_known=True)
    assert Shipment.objects.get().received_at is None


@pytest.mark.parametrize("move", [Move.RETIRE, Move.LOSE, Move.HOLD, Move.INSTALL])
def test_what_is_retired_lost_held_or_installed_is_not_measured(
    browser: Client, campaign: SimpleNamespace, there: Institute, move: Move
) -> None:
    browser.post("/devices/GX-000/state/", {"move": move, "why": "dropped on the floor"})
    assert stored("GX-000") == TABLE[move].to
    with pytest.raises(SlotFaults, match="on its page"):
        load_station(campaign.stations[0], {1: "GX-000"})
    with pytest.raises(ShipmentRefused, match="on its page"):
        send(campaign.place, there, ["GX-000"])
    page = browser.get("/devices/GX-000/").content.decode()
    assert "dropped on the floor" in page
    assert f"</i>{TABLE[move].to.label}</span>" in page
    assert not LoadedDevice.objects.exists()


def test_a_move_by_hand_needs_its_reason(browser: Client, campaign: SimpleNamespace) -> None:
    page = browser.post("/devices/GX-000/state/", {"move": "retire", "why": " "}, follow=True)
    assert "Give the reason" in page.content.decode()
    assert (stored("GX-000"), DeviceMove.objects.count()) == ("in_tray", 0)


def test_who_moved_what_why_is_kept(
    browser: Client, campaign: SimpleNamespace, operator: User
) -> None:
    load_station(campaign.stations[0], {1: "GX-000"}, by=operator)
    unload_station(campaign.stations[0], by=operator)
    browser.post("/devices/GX-000/state/", {"move": "hold", "why": "scratched"})
    rows = DeviceMove.objects.order_by("pk").values_list(
        "move", "former", "state", "why", "moved_by__username"
    )
    assert list(rows) == [
        ("load", "in_tray", "loaded", "pde-1, slot 1", "rosa"),
        ("unload", "loaded", "in_tray", "pde-1, slot 1", "rosa"),
        ("hold", "in_tray", "on_hold", "scratched", "nora"),
    ]
    page = browser.get("/devices/GX-000/").content.decode()
    assert "Loaded into a station" in page
    assert "scratched" in page


def test_devices_are_chosen_and_shown_by_their_state(
    browser: Client, campaign: SimpleNamespace, operator: User
) -> None:
    station = campaign.stations[0]
    load_station(station, {1: "GX-000", 2: "GX-001"})
    move_by_hand(campaign.devices[2], Move.HOLD, "scratched")
    run = start_run(station)
    RunSlot.objects.filter(run=run, slot=2).delete()  # loaded after the run was asked for

    def listed(state: str) -> set[str]:
        page = browser.get("/devices/", {"state": state}).content.decode()
        return {serial for serial in ("GX-000", "GX-001", "GX-002", "GX-003") if serial in page}

    assert listed("in_test") == {"GX-000"}
    assert listed("loaded") == {"GX-001"}
    assert listed("on_hold") == {"GX-002"}
    assert listed("in_tray") == {"GX-003"}
    assert listed("") == listed("nonsense") == {"GX-000", "GX-001", "GX-002", "GX-003"}
    page = browser.get("/devices/").content.decode()
    assert page.count("</i>in test</span>") == page.count("</i>on hold</span>") == 1
    assert "</i>in test</span>" in browser.get("/devices/GX-000/").content.decode()


def test_a_measurement_that_is_repeated_finds_its_devices_gone(
    transactional_db: None, campaign: SimpleNamespace, there: Institute
) -> None:
    """The last door: whoever asks for it again, the task itself looks before it measures."""
    station = campaign.stations[0]
    load_station(station, {1: "GX-000", 2: "GX-001"})
    run = start_run(station)
    kill_group(run.task_group)
    unload_station(station)
    send(campaign.place, there, ["GX-000"])
    load_station(station, {1: "GX-001"})
    first = run.task_group.tasks.earliest("pk")
    with running_worker("--station", station.name):
        repeated = again(first)

        def ended() -> bool:
            repeated.refresh_from_db()
            return not repeated.is_open

        wait_until(ended, what="the measurement ended")
    assert repeated.state == State.FAILED
    assert "GX-000 is on its way already" in repeated.error_text
    assert "GX-001 is no longer in pde-1, slot 2; load it there" in repeated.error_text
    assert not run.files.exists()


def test_a_state_is_written_in_one_place(campaign: SimpleNamespace) -> None:
    device = campaign.devices[0]
    stale = Device.objects.get(pk=device.pk)
    move_by_hand(device, Move.HOLD, "scratched")
    stale.maker_values = {"Vop": 55}
    stale.save()
    assert stored("GX-000") == "on_hold"
    device.state = DeviceState.AT_REST
    with pytest.raises(TypeError, match=r"inventory\.moving"):
        device.save(update_fields=["state"])
    with pytest.raises(TypeError, match=r"inventory\.moving"):
        Device.objects.filter(pk=device.pk).update(state=DeviceState.AT_REST)
    with pytest.raises(TypeError, match=r"inventory\.moving"), transaction.atomic():
        Device.objects.bulk_update([device], ["state"])
    assert stored("GX-000") == "on_hold"


def test_a_station_that_holds_devices_is_not_removed(
    browser: Client, campaign: SimpleNamespace
) -> None:
    station = campaign.stations[1]
    load_station(station, {1: "GX-000"})
    address = f"/catalogue/stations/{station.pk}/"
    mark = opened(browser, address, f"{address}remove/")
    page = browser.post(f"{address}remove/", mark, follow=True)
    assert "is in use" in page.content.decode()
    assert LoadedDevice.objects.count() == 1


def test_a_device_of_another_institute_is_not_loaded(
    campaign: SimpleNamespace, there: Institute
) -> None:
    Device.objects.filter(serial="GX-000").update(location=there)
    with pytest.raises(SlotFaults, match="GX-000 is at Valparaíso, and pde-1 is not"):
        load_station(campaign.stations[0], {1: "GX-000"})


def test_what_was_missing_counts_as_lost_until_it_is_found(
    browser: Client, campaign: SimpleNamespace, there: Institute
) -> None:
    shipment = send(campaign.place, there, ["GX-000", "GX-001"])
    receive(shipment, ["GX-000"], missing_is_known=True)
    assert stored("GX-001") == "lost"
    browser.post("/devices/GX-001/state/", {"move": "find", "why": "under the table"})
    assert stored("GX-001") == "in_tray"
    shipment.refresh_from_db()
    assert not shipment.missing.exists()
    assert "found again elsewhere: GX-001" in shipment.note
    load_station(campaign.stations[0], {1: "GX-001"})


Do = Callable[[], Any]


def at_once(*deeds: Do) -> list[Exception]:
    """Several people at the same moment: none of them can write before all of them wait."""
    refused: list[Exception] = []

    def person(deed: Do) -> None:
        try:
            with override("en"):
                deed()
        except (MoveRefused, ShipmentRefused, SlotFaults, RunRefused) as error:
            refused.append(error)
        finally:
            connections.close_all()

    people = [Thread(target=person, args=[deed]) for deed in deeds]
    with transaction.atomic():
        Device.objects.update(parent=None)
        for one in people:
            one.start()
        time.sleep(0.5)
    for one in people:
        one.join(PATIENCE_S)
    return refused


@pytest.mark.parametrize("deed", ["ship", "load", "same slot", "retire"])
def test_of_two_people_at_one_device_the_second_is_told(
    transactional_db: None, campaign: SimpleNamespace, there: Institute, deed: str
) -> None:
    pde, darkbox = campaign.stations
    deeds: dict[str, Do] = {
        "ship": lambda: send(campaign.place, there, ["GX-000"]),
        "load": lambda: load_station(darkbox, {1: "GX-000"}),
        "same slot": lambda: load_station(pde, {1: "GX-001"}),
        "retire": lambda: move_by_hand(campaign.devices[0], Move.RETIRE, "broken"),
    }
    refused = at_once(lambda: load_station(pde, {1: "GX-000"}), deeds[deed])
    assert len(refused) == 1, refused
    assert check_states() == []
    assert LoadedDevice.objects.filter(slot=1).count() <= 1


def test_a_run_begins_or_the_station_is_unloaded(
    transactional_db: None, campaign: SimpleNamespace
) -> None:
    station = campaign.stations[0]
    load_station(station, {1: "GX-000"})
    # Nothing takes the task: what was asked for stays as it is.
    refused = at_once(lambda: start_run(station), lambda: unload_station(station))
    assert len(refused) == 1, refused
    waits = Task.objects.filter(name="runs.acquire").count()
    assert waits == station.loaded.count()
    assert Lane.objects.filter(holder__isnull=False).count() <= 1


def test_the_check_finds_what_was_written_past_it_and_sets_it_right(
    transactional_db: None, campaign: SimpleNamespace, there: Institute
) -> None:
    load_station(campaign.stations[0], {1: "GX-000"})
    shipment = send(campaign.place, there, ["GX-001"])
    with connection.cursor() as cursor:
        cursor.execute("UPDATE inventory_device SET state = 'at_rest' WHERE serial = 'GX-000'")
        cursor.execute("UPDATE inventory_device SET state = 'packed' WHERE serial = 'GX-001'")
        cursor.execute("UPDATE inventory_device SET state = 'loaded' WHERE serial = 'GX-002'")
    environment = child_environment()
    found = command(environment, "states", "check", "--json")
    told = [json.loads(line) for line in found.stdout.splitlines()]
    assert {(one["serial"], one["stored"], one["facts"]) for one in told} == {
        ("GX-000", "at_rest", "loaded"),
        ("GX-001", "packed", "shipped"),
        ("GX-002", "loaded", "in_tray"),
    }
    assert found.returncode == 1
    assert command(environment, "states", "check", "--repair").returncode == 0
    assert command(environment, "states", "check").returncode == 0
    assert [stored(f"GX-00{n}") for n in range(4)] == ["loaded", "shipped", "in_tray", "in_tray"]
    assert receive(shipment, ["GX-001"]) == 1


def test_the_documentation_has_the_table() -> None:
    assert table_as_text() in (ROOT / "docs" / "device-states.md").read_text()
    printed = command(child_environment(), "states", "table")
    assert printed.stdout == table_as_text()


def test_every_state_is_left_by_some_move_and_says_how() -> None:
    for state in DeviceState:
        assert any(state in rule.former for rule in TABLE.values()), state
    free = TABLE[Move.LOAD].former
    assert set(DeviceState) - free == IN_THE_WAY.keys()


def test_moves_hold_their_devices(campaign: SimpleNamespace) -> None:
    """A change that meets another state than the one it looked at is refused, not written."""
    with transaction.atomic():
        held = Held([campaign.devices[0].pk])
        with connection.cursor() as cursor:
            cursor.execute("UPDATE inventory_device SET state = 'retired' WHERE serial = 'GX-000'")
        with pytest.raises(MoveRefused, match="look again"):
            held.move(Move.HOLD)
    assert stored("GX-000") == "retired"


def test_a_table_that_was_checked_moves_nothing_that_left_meanwhile(
    campaign: SimpleNamespace, there: Institute, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "serial,tray,tray_row,tray_column\nGX-000,T-1,3,3\nGX-001,T-1,3,4\n"
    row = imports.take_in([text.encode()], "t.csv", kind="devices")
    row.existing = "update"
    row.save()
    imports.check(row)
    assert row.faults == 0

    def leaves(plan: Plan) -> Ready:
        if not Shipment.objects.exists():
            send(campaign.place, there, ["GX-001"])
        return make_ready(plan)

    monkeypatch.setattr(imports, "make_ready", leaves)
    with pytest.raises(imports.ImportRefused, match="GX-001 is on its way already"):
        imports.apply(row)
    assert stored("GX-001") == "shipped"
    assert Device.objects.get(serial="GX-000").tray_row == 0
    imports.check(row)
    assert [(fault["row"], fault["column"]) for fault in row.found["faults"]] == [(3, "tray")]


@pytest.mark.parametrize("now", ["in_tray", "at_rest", "registered"])
def test_what_was_missing_on_arrival_is_lost_whatever_is_stored(
    campaign: SimpleNamespace, there: Institute, now: str
) -> None:
    box = send(campaign.place, there, ["GX-000", "GX-001"])
    receive(box, ["GX-001"], missing_is_known=True)
    assert (stored("GX-000"), check_states()) == ("lost", [])
    with connection.cursor() as cursor:
        cursor.execute("UPDATE inventory_device SET state = %s WHERE serial = 'GX-000'", [now])
    (fault,) = check_states(repair=True)
    assert (fault.serial, fault.facts) == ("GX-000", "lost")
    assert "missing on arrival" in str(fault)
    assert (stored("GX-000"), check_states()) == ("lost", [])
