"""Reference devices: who looks after stations hears when one is due."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from mppcqa.queue.models import Lane, Notice, State, Task
from mppcqa.queue.registry import find
from mppcqa.runs.actions import load_station, start_run
from mppcqa.runs.models import Run, Station
from tests.web.formfields import opened


class _Log:
    """As much of an attempt's context as the routine needs."""

    def __init__(self) -> None:
        self.task = Task.objects.create(name="runs.references")
        self.lines: list[str] = []

    def log(self, text: str) -> None:
        self.lines.append(text)


def remind() -> dict[str, int]:
    routine = find("runs.references")
    assert routine is not None
    result = routine.function(_Log())
    assert result is not None
    return result


@pytest.fixture
def station(campaign: SimpleNamespace) -> Station:
    station: Station = campaign.stations[1]
    station.reference_device = campaign.devices[0]
    station.save()
    return station


def test_who_looks_after_stations_is_told_until_it_was_measured(
    station: Station, operator: User, campaign: SimpleNamespace
) -> None:
    keeper = User.objects.create_user("keeper")
    keeper.user_permissions.add(Permission.objects.get(codename="change_station"))
    User.objects.create_user("guest")
    Run.objects.filter(station=station).delete()
    assert remind() == {"due": 1}
    told = Notice.objects.filter(text__contains=station.reference_device.serial)
    assert {notice.user.username for notice in told} == {"keeper", operator.username}

    load_station(station, {1: station.reference_device.serial}, by=operator)
    run = start_run(station, by=operator)
    assert remind() == {"due": 1}  # asked for, not measured
    run.task_group.tasks.filter(name="runs.acquire").update(state=State.SUCCEEDED)
    assert remind() == {"due": 0}
    Run.objects.filter(pk=run.pk).update(created_at=timezone.now() - dt.timedelta(days=8))
    assert remind() == {"due": 1}
    Lane.objects.update(holder=None)


def test_a_station_without_a_reference_device_reminds_nobody(campaign: SimpleNamespace) -> None:
    assert remind() == {"due": 0}
    assert not Notice.objects.exists()


def test_the_reference_device_is_scanned_into_the_form(
    station: Station, operator: User, campaign: SimpleNamespace
) -> None:
    client = Client()
    client.force_login(operator)
    address = f"/catalogue/stations/{station.pk}/"
    page = client.get(address)
    assert f'value="{campaign.devices[0].serial}"' in page.content.decode()
    values = {"name": station.name, "stage": station.stage, "slots": 4, "program": ""}
    values |= opened(client, address)
    values |= {"make_safe": "", "time_limit_s": 60, "reference_every_days": 3}
    values |= {"expiry": "block", "bad_contact": "block"}
    refused = client.post(address, {**values, "reference_device": "NOBODY-1"})
    assert "No device has this serial number." in refused.content.decode()
    wanted = campaign.devices[1]
    assert client.post(address, {**values, "reference_device": wanted.serial}).status_code == 302
    station.refresh_from_db()
    assert (station.reference_device, station.reference_every_days) == (wanted, 3)
