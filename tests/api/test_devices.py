"""Devices as programs read them: as on the pages, within what the person sees."""

from __future__ import annotations

from types import SimpleNamespace

from django.contrib.auth.models import User

from mppcqa.api.devices import DeviceQuery
from mppcqa.api.schemas import Values
from mppcqa.inventory.models import Device, Institute
from mppcqa.people.actions import invite
from mppcqa.people.roles import ROLES
from mppcqa.results.models import Standing
from mppcqa.web.devices.listing import DEVICES
from tests.api.conftest import Program, program_of


def test_pages_by_key_go_over_every_device_once(program: Program) -> None:
    seen, after = [], ""
    while True:
        page = program.read(f"devices?limit=3&sort=-serial&after={after}")
        seen += [one["serial"] for one in page["items"]]
        if not (after := page["next"] or ""):
            break
    assert seen == sorted(Device.objects.values_list("serial", flat=True), reverse=True)


def test_filters_are_those_of_the_page_by_name_or_number(program: Program) -> None:
    kind = Device.objects.earliest("pk").device_type
    every = Device.objects.filter(device_type=kind).count()
    for text in (kind.name, kind.pk):
        assert len(program.read(f"devices?type={text}&limit=500")["items"]) == every
    assert {one.key for one in DEVICES.filters} <= set(DeviceQuery.model_fields)
    stands = Standing.objects.exclude(outcome="").earliest("pk")
    found = program.read(f"devices?stage={stands.stage}&outcome={stands.outcome}")["items"]
    assert stands.device.serial in {one["serial"] for one in found}
    assert {one["verdicts"][stands.stage]["outcome"] for one in found} == {stands.outcome}


def test_what_there_is_not_is_named_with_what_there_is(program: Program) -> None:
    for asked, field, near in (
        ("type=S1204", "type", "S12045(X)"),
        ("colour=red", "colour", ""),
        ("sort=serail", "sort", "serial"),
        ("fields=seral", "fields", "serial"),
    ):
        answer = program.get(f"devices?{asked}")
        assert answer.status_code == 422, asked
        [fault] = answer.json()["errors"]
        assert fault["field"] == field
        assert near in fault["message"]


def test_only_the_fields_that_were_asked_for_come(program: Program) -> None:
    [item] = program.read("devices?limit=1&fields=serial,state")["items"]
    assert set(item) == {"serial", "state"}


def test_one_device_says_what_its_verdicts_rest_on(
    program: Program, campaign: SimpleNamespace
) -> None:
    serial = campaign.devices[0].serial
    told = program.read(f"devices/{serial.lower()}")
    assert told["serial"] == serial
    stages = {one["stage"]: one for one in told["standings"]}
    assert stages
    for one in stages.values():
        assert one["limits"]
        assert told["verdicts"][one["stage"]]["outcome"] == one["outcome"]
    answer = program.read(f"devices/{serial}/values?stage=pde")
    Values.model_validate(answer)
    values = answer["items"]
    assert values
    assert {one["stage"] for one in values} == {"pde"}
    assert all(one["unit"] is not None and "condition" in one for one in values)
    assert program.read(f"devices/{serial}/history")["items"]
    files = program.read(f"devices/{serial}/files")["items"]
    assert {one["run"] for one in files} >= {one["run"] for one in stages.values() if one["run"]}


def test_who_has_the_answer_is_told_that_it_is_the_same(
    program: Program, campaign: SimpleNamespace
) -> None:
    path = f"devices/{campaign.devices[0].serial}"
    tag = program.get(path).headers["ETag"]
    assert program.get(path, **{"If-None-Match": tag}).status_code == 304
    Device.objects.filter(pk=campaign.devices[0].pk).update(maker_serial="new")
    assert program.get(path, **{"If-None-Match": tag}).status_code == 200


def test_what_is_anothers_is_not_there(program: Program, operator: User) -> None:
    ours, theirs = (Institute.objects.create(name=name) for name in ("Ours", "Theirs"))
    Device.objects.update(owner=theirs)
    mine = Device.objects.earliest("pk")
    Device.objects.filter(pk=mine.pk).update(owner=ours)
    partner = invite("pat", ROLES["partner"], institute=ours, by=operator)
    bound = program_of(partner)
    assert [one["serial"] for one in bound.read("devices")["items"]] == [mine.serial]
    assert bound.read(f"devices/{mine.serial}")["owner"] == "Ours"
    other = Device.objects.latest("pk").serial
    for rest in ("", "/values", "/history", "/files"):
        assert bound.get(f"devices/{other}{rest}").status_code == 404
