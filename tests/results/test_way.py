"""What comes next for a device: its campaign's stages, samples, repeats and holds."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.campaign import FIRST, Campaign
from mppcqa.inventory.models import Device
from mppcqa.inventory.moving import move_by_hand
from mppcqa.inventory.states import Move
from mppcqa.inventory.way import Condition
from mppcqa.limits.models import Waiver
from mppcqa.queue.models import State, Task
from mppcqa.results.models import Outcome, Standing
from mppcqa.results.way import DONE, HOLD, way_of, ways, with_next
from mppcqa.runs.actions import load_station, unload_station
from mppcqa.runs.models import Run
from tests.campaign import measured_run
from tests.web.formfields import opened


def plan(stages: list[str], **conditions: Condition) -> None:
    kept = {stage: one.as_kept() for stage, one in conditions.items()}
    Campaign.objects.filter(pk=FIRST).update(stages=stages, conditions=kept)


def outcome(device: Device, stage: str, what: str) -> None:
    """Whatever was judged before, this stands now."""
    row = Standing.objects.filter(device=device, stage="pde").get()
    Standing.objects.update_or_create(
        device=device, stage=stage, defaults={"outcome": what, "analysis": row.analysis}
    )


@pytest.mark.parametrize("take", [1, 3, 4, 10])
def test_a_sample_takes_so_many_of_each_that_follow_each_other(take: int) -> None:
    condition = Condition(take, 10)
    taken = [condition.takes(number) for number in range(500)]
    for start in range(490):
        assert sum(taken[start : start + 10]) == take


def test_stages_in_their_order_then_nothing_more(campaign: SimpleNamespace) -> None:
    device = campaign.devices[0]
    assert way_of(device) is None  # its campaign says nothing of stages
    plan(["pde", "darkbox"])
    outcome(device, "pde", Outcome.INCOMPLETE)
    assert (way_of(device).next, way_of(device).stations) == ("pde", ("pde-1",))
    outcome(device, "pde", Outcome.WARNING)
    way = way_of(device)
    assert (way.next, way.text, way.where) == ("darkbox", "Dark Box", "darkbox-1")
    outcome(device, "darkbox", Outcome.PASS)
    assert way_of(device).next == DONE


def test_who_fails_is_repeated_once_then_held(campaign: SimpleNamespace, operator: User) -> None:
    device = campaign.devices[0]
    plan(["pde", "darkbox"], pde=Condition(repeat=True, hold=True))
    outcome(device, "pde", Outcome.FAIL)
    assert (way_of(device).next, way_of(device).text) == ("pde", "PDE, again")
    measured_run(campaign.stations[0], campaign.devices, operator)
    outcome(device, "pde", Outcome.FAIL)
    assert (way_of(device).next, way_of(device).why) == (HOLD, "it failed at PDE")
    move_by_hand(device, Move.HOLD, "failed")
    device.refresh_from_db()
    assert way_of(device).text == "on hold: somebody decides"
    # Without a hold it goes on, as one that somebody waived does.
    move_by_hand(device, Move.RELEASE)
    device.refresh_from_db()
    plan(["pde", "darkbox"])
    assert way_of(device).next == "darkbox"
    plan(["pde", "darkbox"], pde=Condition(hold=True))
    verdict = Standing.objects.get(device=device, stage="pde").verdict
    verdict.waiver = Waiver.objects.create(verdict=verdict)
    verdict.save()
    assert way_of(device).next == "darkbox"


def test_a_list_asks_the_same_as_a_page(campaign: SimpleNamespace, operator: User) -> None:
    """Random standings under random conditions: the query and the device's own way agree."""
    rows = [{"serial": f"GX-{n}", "device_type": campaign.kind.name} for n in range(100, 130)]
    register_devices(rows, by=operator)
    devices = list(Device.objects.all())
    analysis = Standing.objects.filter(stage="pde").first().analysis
    chance = random.Random(18)  # noqa: S311
    for _round in range(6):
        Standing.objects.all().delete()
        stages = chance.sample(["pde", "darkbox", "iv"], 3)
        conditions = {
            stage: Condition(
                chance.choice([1, 2]), chance.choice([2, 3, 4]), chance.random() < 0.5,
                chance.random() < 0.5,
            )
            for stage in stages
        }  # fmt: skip
        plan(stages, **conditions)
        Standing.objects.bulk_create(
            Standing(device=one, stage=stage, analysis=analysis, outcome=what)
            for one in devices
            for stage in stages
            if (what := chance.choice([*Outcome.values, "", None])) is not None
        )
        told = ways((one.pk, one.state, one.campaign_id) for one in devices)
        for wanted in (*stages, HOLD, DONE):
            found = set(with_next(Device.objects.all(), wanted).values_list("pk", flat=True))
            assert found == {pk for pk, way in told.items() if way.next == wanted}, wanted


def test_number_of_queries_does_not_depend_on_the_devices(
    campaign: SimpleNamespace, operator: User
) -> None:
    plan(["pde", "darkbox"], pde=Condition(repeat=True))
    asked = [(one.pk, one.state, one.campaign_id) for one in Device.objects.all()]
    Standing.objects.update(outcome=Outcome.FAIL)
    counts = []
    for some in (asked[:1], asked):
        with CaptureQueriesContext(connection) as queries:
            ways(some)
        counts.append(len(queries))
    assert counts == [4, 4]


def test_the_form_keeps_what_holds_for_a_stage(campaign: SimpleNamespace, operator: User) -> None:
    client = Client()
    client.force_login(operator)
    page = f"/catalogue/campaigns/{FIRST}/"
    sent = {"name": "Main campaign", "stages": "PDE; repeat; hold\nDark Box; every 10\nIV; 3 of 10"}
    assert client.post(page, sent | opened(client, page)).status_code == 302
    found = Campaign.objects.get(pk=FIRST)
    assert found.stages == ["pde", "darkbox", "iv"]
    assert found.conditions == {
        "pde": {"repeat": True, "hold": True},
        "darkbox": {"take": 1, "of": 10},
        "iv": {"take": 3, "of": 10},
    }
    # It comes back as it was typed, in the reader's language, and is taken in it as well.
    assert "Dark Box; every 10" in client.get(page).content.decode()
    client.cookies.load({"django_language": "es"})
    again = opened(client, page)
    assert "PDE; repetir; retener" in client.get(page).content.decode()
    assert client.post(page, sent | again | {"stages": "PDE; repetir; cada 5"}).status_code == 302
    found.refresh_from_db()
    assert found.conditions == {"pde": {"take": 1, "of": 5, "repeat": True}}
    for wrong in ("PDE; sometimes", "PDE; 3 of 2", "PDE; every 0", "PDE; every 99999"):
        wrongly = sent | opened(client, page) | {"stages": wrong}
        assert client.post(page, wrongly).status_code == 422, wrong
    found.refresh_from_db()
    assert found.stages == ["pde"]


def test_pages_and_scans_say_what_comes_next(campaign: SimpleNamespace, operator: User) -> None:
    client = Client()
    client.force_login(operator)
    assert 'data-label="Next"' not in client.get("/devices/").content.decode()
    plan(["pde", "darkbox"])
    outcome(campaign.devices[0], "pde", Outcome.PASS)
    assert 'data-label="Next"' in client.get("/devices/?next=darkbox").content.decode()
    assert "GX-000" in client.get("/devices/?next=darkbox").content.decode()
    assert "GX-000" not in client.get("/devices/?next=pde").content.decode()
    page = client.get("/devices/GX-000/").content.decode()
    assert 'href="/stations/darkbox-1/"' in page
    said = client.post("/scan/", {"code": "GX-000"}).json()
    assert said["lines"][0] == "Next: Dark Box → darkbox-1"
    said = client.post("/scan/", {"code": "GX-000", "station": "pde-1"}).json()
    assert "next in its campaign is “Dark Box”" in said["lines"][-1]


def test_the_same_devices_again_in_one_touch(campaign: SimpleNamespace, operator: User) -> None:
    station = campaign.stations[1]
    client = Client()
    client.force_login(operator)
    load_station(station, {2: "GX-001", 3: "GX-002"}, by=operator)
    client.post("/scan/", {"code": ".START", "station": station.name})
    first = Run.objects.first()
    assert "measuring already" in str(
        client.post("/scan/", {"code": ".AGAIN", "station": station.name}).json()
    )
    client.post("/scan/", {"code": ".STOP", "station": station.name})
    assert "Start again" in client.get(f"/runs/{first.pk}/").content.decode()
    unload_station(station, by=operator)
    client.post(f"/runs/{first.pk}/again/")
    second = Run.objects.first()
    assert second.pk != first.pk
    assert list(second.slots.values_list("slot", "device__serial")) == [
        (2, "GX-001"),
        (3, "GX-002"),
    ]
    assert second.parameters == first.parameters
    Task.objects.filter(group=second.task_group).update(state=State.KILLED)
    unload_station(station, by=operator)
    load_station(station, {2: "GX-003"}, by=operator)
    said = client.post("/scan/", {"code": ".AGAIN", "station": station.name}).json()
    assert "sit others than in" in said["lines"][0]
    assert Run.objects.first() == second
