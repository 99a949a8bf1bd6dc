"""Devices and runs that somebody chose by filters: the same on pages, in exports and analyses."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from hypothesis import given
from hypothesis import strategies as st

from mppcqa.inventory.assembly import Mount, mount
from mppcqa.inventory.models import Device, DeviceType, Institute, Tag
from mppcqa.inventory.naming import rename_device
from mppcqa.results.models import Standing
from mppcqa.results.selection import (
    DEVICE_FILTERS,
    chosen_devices,
    chosen_runs,
    identified_devices,
    kept_filters,
    whole_number,
)
from mppcqa.runs.actions import load_station
from mppcqa.runs.models import LoadedDevice
from tests.campaign import measured_run


def serials(viewer: User | None = None, **asked: object) -> list[str]:
    rows = chosen_devices({key: str(value) for key, value in asked.items()}, viewer)
    return sorted(rows.values_list("serial", flat=True))


ALL = ["GX-000", "GX-001", "GX-002", "GX-003"]


def test_what_says_nothing_is_no_filter(campaign: SimpleNamespace) -> None:
    assert serials() == ALL
    assert serials(q="", type="", tray="", outcome="", stage="", state="", part_of="") == ALL
    assert serials(outcome="nonsense", state="nonsense") == ALL
    assert kept_filters({"q": "GX", "tray": "", "page": "3"}, DEVICE_FILTERS) == {"q": "GX"}


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("gx-00", ALL),
        ("GX-002", ["GX-002"]),
        (" gx-002 ", ["GX-002"]),
        ("X-002", []),
        ("GX-01", []),
    ],
)
def test_serials_are_found_by_how_they_begin(
    campaign: SimpleNamespace, q: str, found: list[str]
) -> None:
    assert serials(q=q) == found


def test_a_former_serial_is_found_whole_and_not_by_its_beginning(
    campaign: SimpleNamespace,
) -> None:
    rename_device(campaign.devices[0], "AB-900", reason="label was misprinted")
    assert serials(q="GX-000") == ["AB-900"]
    assert serials(q="GX-00") == ["GX-001", "GX-002", "GX-003"]
    assert serials(serials="ab-900,GX-003,no-such") == ["AB-900", "GX-003"]


def test_what_a_device_refers_to_is_chosen_by_its_number(campaign: SimpleNamespace) -> None:
    kind, place = DeviceType.objects.create(name="B"), Institute.objects.create(name="UTFSM")
    Device.objects.filter(serial="GX-001").update(device_type=kind, location=place, lot=None)
    assert serials(type=kind.pk) == ["GX-001"]
    assert serials(place=place.pk) == ["GX-001"]
    assert serials(type=campaign.kind.pk, place=place.pk) == []
    assert serials(lot="L1") == ["GX-000", "GX-002", "GX-003"]
    assert serials(tray="T-1") == ALL
    assert serials(tray="T-2") == []
    tag = Tag.objects.create(name="odd")
    campaign.devices[2].tags.add(tag)
    assert serials(tag="odd") == ["GX-002"]
    # What no row can have is nobody's number, and not every device's.
    assert serials(type="9" * 30) == []
    assert serials(type="0") == []
    assert serials(type="abc") == ALL, "what is no number asks for nothing"


@given(st.text(max_size=12) | st.integers(-5, 2**70).map(str))
def test_a_number_in_an_address_is_one_that_a_row_can_have_or_nobodys(text: str) -> None:
    found = whole_number(text)
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit()):
        assert found is None
    else:
        assert found in (int(digits), 0)
        assert found == int(digits) or int(digits) >= 2**31


def test_verdicts_are_those_of_the_stage_that_is_asked_for(campaign: SimpleNamespace) -> None:
    outcomes = ("pass", "warning", "fail", "")
    for device, outcome in zip(campaign.devices, outcomes, strict=True):
        Standing.objects.filter(device=device).update(outcome=outcome)
    Standing.objects.create(
        device=campaign.devices[0], stage="darkbox", outcome="fail",
        analysis=Standing.objects.filter(stage="pde")[0].analysis,
    )  # fmt: skip
    new = Device.objects.create(serial="NEW", device_type=campaign.kind)
    assert serials(stage="pde", outcome="fail") == ["GX-002"]
    assert serials(outcome="fail") == ["GX-000", "GX-002"], "at any stage"
    assert serials(stage="darkbox") == ["GX-000"]
    assert serials(stage="pde") == ALL
    assert serials(stage="pde", outcome="none") == [new.serial]
    assert serials(stage="darkbox", outcome="none") == ["GX-001", "GX-002", "GX-003", "NEW"]
    rows = identified_devices({"stage": "pde", "outcome": "fail", "q": "GX"}, None)
    assert rows.count() == 4, "what asks for verdicts is left out"


def test_a_device_of_several_verdicts_is_chosen_once(campaign: SimpleNamespace) -> None:
    Standing.objects.update(outcome="fail")
    Standing.objects.create(
        device=campaign.devices[0], stage="darkbox", outcome="fail",
        analysis=Standing.objects.filter(stage="pde")[0].analysis,
    )  # fmt: skip
    assert serials(outcome="fail") == ALL


def test_parts_are_those_of_every_depth(campaign: SimpleNamespace) -> None:
    kind = DeviceType.objects.create(name="board", rows=1, columns=1)
    whole, board = (Device.objects.create(serial=s, device_type=kind) for s in ("MOD", "BRD"))
    day = dt.date(2026, 3, 2)
    mount(
        [Mount(board.pk, whole.pk, since=day), Mount(campaign.devices[0].pk, board.pk, since=day)]
    )
    assert serials(part_of="mod") == ["BRD", "GX-000"]
    assert serials(part_of="BRD") == ["GX-000"]
    assert serials(part_of="GX-000") == []
    assert serials(part_of="no such") == []


def test_states_are_those_that_people_are_shown(campaign: SimpleNamespace, operator: User) -> None:
    load_station(campaign.stations[0], {1: "GX-000", 2: "GX-001"}, by=operator)
    assert serials(state="loaded") == ["GX-000", "GX-001"]
    assert serials(state="in_test") == []
    assert serials(state="in_tray") == ["GX-002", "GX-003"]
    from mppcqa.runs.actions import start_run
    from mppcqa.stages import get_stage

    start_run(campaign.stations[0], "pde", get_stage("pde").clean({}), by=operator)
    assert serials(state="in_test") == ["GX-000", "GX-001"]
    assert serials(state="loaded") == []
    LoadedDevice.objects.filter(device=campaign.devices[0]).delete()
    assert serials(state="in_test") == ["GX-001"]


def test_runs_are_chosen_by_stage_and_station(campaign: SimpleNamespace, operator: User) -> None:
    other = measured_run(campaign.stations[1], campaign.devices, operator)
    assert set(chosen_runs({}, None)) == {campaign.run, other}
    assert list(chosen_runs({"station": "pde-1"}, None)) == [campaign.run]
    assert set(chosen_runs({"stage": "pde", "station": ""}, None)) == {campaign.run, other}
    assert list(chosen_runs({"stage": "darkbox"}, None)) == []
    assert list(chosen_runs({"station": "no such"}, None)) == []
