"""By which limits a device is judged: its campaign's and type's before the general ones."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from mppcqa.inventory.campaign import Campaign
from mppcqa.inventory.models import Device, DeviceType
from mppcqa.limits import judging
from mppcqa.limits.judging import active_limits, limits_of, own_limits
from mppcqa.limits.models import Limit, LimitSet
from mppcqa.stages import get_stage


def limits(version: int, *, kind: DeviceType | None = None, of: Campaign | None = None) -> LimitSet:
    made: LimitSet = LimitSet.objects.create(
        stage="pde",
        version=version,
        title=f"v{version}",
        device_type=kind,
        campaign=of,
        active=True,
    )
    return made


@pytest.fixture
def world(campaign: SimpleNamespace) -> SimpleNamespace:
    """Two campaigns and types; device n is of campaign n // 2 and type n % 2."""
    first = Campaign.objects.order_by("pk")[0]
    campaign.campaigns = [first, Campaign.objects.create(name="Upgrade")]
    campaign.kinds = [campaign.kind, DeviceType.objects.create(name="B")]
    for n, device in enumerate(campaign.devices):
        Device.objects.filter(pk=device.pk).update(
            campaign=campaign.campaigns[n // 2], device_type=campaign.kinds[n % 2]
        )
    campaign.general = LimitSet.objects.get(stage="pde", active=True)
    return campaign


def judged_by(world: SimpleNamespace, **named: LimitSet) -> list[LimitSet]:
    found = limits_of(get_stage("pde"), [one.pk for one in world.devices], **named)
    by_device = {device: one for one, devices in found for device in devices}
    return [by_device[one.pk] for one in world.devices]


def test_the_nearest_limits_judge_a_device(world: SimpleNamespace) -> None:
    assert judged_by(world) == [world.general] * 4
    of_type = limits(90, kind=world.kinds[1])
    assert judged_by(world) == [world.general, of_type, world.general, of_type]
    of_campaign = limits(91, of=world.campaigns[1])
    # A campaign's come before a type's.
    assert judged_by(world) == [world.general, of_type, of_campaign, of_campaign]
    of_both = limits(92, kind=world.kinds[1], of=world.campaigns[1])
    assert judged_by(world) == [world.general, of_type, of_campaign, of_both]
    assert judged_by(world, without=of_both) == [world.general, of_type, of_campaign, of_campaign]
    stage = get_stage("pde")
    for n, expected in enumerate(judged_by(world)):
        kind, place = world.kinds[n % 2].pk, world.campaigns[n // 2].pk
        assert active_limits(stage, kind, place) == expected
    assert active_limits(stage) == world.general


def test_limits_that_are_not_in_use_or_of_another_stage_judge_nothing(
    world: SimpleNamespace,
) -> None:
    one = limits(90, kind=world.kinds[1])
    LimitSet.objects.filter(pk=one.pk).update(active=False)
    LimitSet.objects.create(
        stage="darkbox", version=90, title="x", device_type=world.kinds[1], active=True
    )
    assert judged_by(world) == [world.general] * 4
    assert own_limits("pde") == {(None, None): world.general}
    assert own_limits("pde", without=world.general) == {}


def test_of_two_in_use_for_the_same_the_later_counts(world: SimpleNamespace) -> None:
    limits(90, kind=world.kinds[1])
    later = limits(91, kind=world.kinds[1])
    assert own_limits("pde")[None, world.kinds[1].pk] == later


def test_many_devices_are_asked_about_a_piece_at_a_time(
    world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits(90, kind=world.kinds[1])
    whole = judged_by(world)
    monkeypatch.setattr(judging, "BATCH", 1)
    assert judged_by(world) == whole


def test_where_there_are_none_the_first_are_what_the_stage_proposes(db: None) -> None:
    stage = get_stage("darkbox")
    assert not LimitSet.objects.filter(stage="darkbox").exists()
    made = active_limits(stage)
    assert (made.version, made.active, made.is_general) == (1, True, True)
    assert made.title == "Dark Box: proposed limits"
    bands = {
        (one.quantity.key, one.at, one.pass_low, one.pass_high, one.warn_low, one.warn_high)
        for one in Limit.objects.filter(limit_set=made).select_related("quantity")
    }
    assert bands == {
        (one.quantity, one.at, one.pass_low, one.pass_high, one.warn_low, one.warn_high)
        for one in stage.limits
    }
    assert active_limits(stage) == made, "made once"
    LimitSet.objects.filter(pk=made.pk).update(active=False)
    assert active_limits(stage).version == 2
