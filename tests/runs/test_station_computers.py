"""A station's own computer: who it is, whether it is heard, what it can run, where it listens."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import signing
from django.utils import timezone

from mppcqa.queue.models import Lane, State, Task
from mppcqa.runs import bell
from mppcqa.runs.contact import (
    OtherComputer,
    Report,
    greet,
    heard,
    is_reached,
    known_programs,
    program_for,
)
from mppcqa.runs.models import Station, StationContact

SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def station(campaign: SimpleNamespace) -> Station:
    found: Station = campaign.stations[0]
    return found


def ago(station: Station, seconds: float) -> None:
    at = timezone.now() - seconds * SECOND
    StationContact.objects.filter(station=station).update(heard_at=at, since=at)


def test_what_a_computer_says_of_itself_is_kept_on_one_line_and_not_too_long(
    station: Station,
) -> None:
    programs = [{"name": "pde", "stages": ["pde"]}]
    made = greet(
        station,
        Report("one", 0.5, host="a\nb" * 200, problem="p" * 600, version="1.2", programs=programs),
    )
    row = StationContact.objects.get(pk=made.pk)
    assert (row.agent, row.version, row.clock_ahead_s) == ("one", "1.2", 0.5)
    assert "\n" not in row.host
    assert len(row.host) <= 200
    assert len(row.problem) <= 500
    assert row.since == row.heard_at
    assert known_programs(station) == programs


def test_a_computer_that_greets_again_has_been_there_since_the_first_time(
    station: Station,
) -> None:
    first = greet(station, Report("one", 0.0))
    again = greet(station, Report("one", 0.0))
    assert again.since == first.since
    assert again.heard_at > first.heard_at
    ago(station, 46)
    back = greet(station, Report("one", 0.0))
    assert back.since == back.heard_at, "it was silent, and begins anew"


@pytest.mark.parametrize(("seconds", "reached"), [(0, True), (44, True), (46, False)])
def test_a_computer_is_reached_until_it_was_silent_for_45_seconds(
    station: Station, seconds: float, reached: bool
) -> None:
    greet(station, Report("one", 0.0))
    ago(station, seconds)
    assert is_reached(StationContact.objects.get(station=station)) is reached


def test_a_second_computer_is_refused_while_the_first_answers_and_that_is_noted(
    station: Station,
) -> None:
    greet(station, Report("one", 0.0, host="bench-1"))
    with pytest.raises(OtherComputer, match="pde-1 is in use by the computer bench-1"):
        greet(station, Report("two", 0.0, host="bench-2\n"))
    row = StationContact.objects.get(station=station)
    assert (row.agent, row.host) == ("one", "bench-1")
    assert row.refused_host.strip() == "bench-2"
    assert row.refused_at is not None
    ago(station, 46)
    assert greet(station, Report("two", 0.0, host="bench-2")).agent == "two"
    with pytest.raises(OtherComputer, match="Say first who you are"):
        heard(station, "one", 0.0)


def test_a_computer_that_is_heard_is_noted_every_few_seconds_or_when_its_clock_jumps(
    station: Station,
) -> None:
    def row() -> StationContact:
        found: StationContact = StationContact.objects.get(station=station)
        return found

    greet(station, Report("one", 0.0))
    ago(station, 3)
    before = row()
    heard(station, "one", 0.9)
    assert row().heard_at == before.heard_at, "a moment ago is good enough"
    heard(station, "one", -1.1)
    assert (row().clock_ahead_s, row().since) == (-1.1, before.since)
    assert row().heard_at > before.heard_at
    ago(station, 6)
    former = row()
    heard(station, "one", -1.1)
    assert row().heard_at > former.heard_at
    assert row().since == former.since
    ago(station, 60)
    heard(station, "one", -1.1)
    assert row().since == row().heard_at


def test_a_computer_that_never_greeted_is_unknown(station: Station) -> None:
    assert known_programs(station) is None
    with pytest.raises(OtherComputer):
        heard(station, "one", 0.0)
    with pytest.raises(LookupError, match="has no program for this stage"):
        program_for(station, "pde")


def test_the_program_of_a_stage_is_the_chosen_one_or_the_only_one(station: Station) -> None:
    greet(station, Report("one", 0.0, programs=[
        {"name": "dark", "stages": ["darkbox"]}, {"name": "pde 3", "stages": ["pde", "iv"]},
    ]))  # fmt: skip
    assert program_for(station, "pde") == "pde 3"
    assert program_for(station, "darkbox") == "dark"
    with pytest.raises(LookupError, match="no program for this stage"):
        program_for(station, "stage2")
    greet(station, Report("one", 0.0, programs=[
        {"name": "pde 3", "stages": ["pde"]}, {"name": "any", "stages": []},
    ]))  # fmt: skip
    with pytest.raises(LookupError, match=r"choose one at the station \(pde 3, any; as it said"):
        program_for(station, "pde")
    assert program_for(station, "stage2") == "any", "a program without stages is for each"
    station.program_name = "any"
    assert program_for(station, "pde") == "any"
    station.program_name = "pde 3"
    with pytest.raises(LookupError, match="has no program “pde 3” for this stage"):
        program_for(station, "stage2")


@pytest.fixture
def home(settings: Any, tmp_path: Path) -> Path:
    settings.MPPCQA_HOME = tmp_path
    settings.MPPCQA_BELL = ""
    return tmp_path


@pytest.mark.parametrize(
    ("host", "begins"),
    [
        ("lab.example:8000", "http://lab.example:4711/?ticket="),
        ("lab.example", "http://lab.example:4711/?ticket="),
        ("[::1]:8000", "http://[::1]:4711/?ticket="),
        ("", "http://127.0.0.1:4711/?ticket="),
    ],
)
def test_a_station_listens_where_it_came_from_at_the_bells_own_port(
    station: Station, home: Path, host: str, begins: str
) -> None:
    assert bell.bell_address(station, host, secure=False) == "", "there is no bell yet"
    bell.open_bell(4711)
    address = bell.bell_address(station, host, secure=False)
    assert address.startswith(begins)
    assert bell.station_of(address.partition("ticket=")[2]) == station.pk
    bell.close_bell()
    bell.close_bell()
    assert bell.bell_address(station, host, secure=False) == ""


def test_behind_a_proxy_the_bell_is_where_the_setting_says(
    station: Station, home: Path, settings: Any
) -> None:
    bell.open_bell(4711)
    assert bell.bell_address(station, "lab.example", secure=True) == ""
    settings.MPPCQA_BELL = "https://lab.example/bell/"
    address = bell.bell_address(station, "lab.example", secure=True)
    assert address.startswith("https://lab.example/bell/?ticket=")
    (home / bell.FILE).write_text("no port")
    settings.MPPCQA_BELL = ""
    assert bell.bell_address(station, "lab.example", secure=False) == ""


def test_tickets_that_are_old_forged_or_for_something_else_do_not_count(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = signing.dumps(station.pk, salt=bell.SALT)
    assert bell.station_of(ticket) == station.pk
    assert bell.station_of(ticket[:-1] + ("A" if ticket[-1] != "A" else "B")) is None
    assert bell.station_of(signing.dumps(station.pk, salt="something else")) is None
    assert bell.station_of(signing.dumps([station.pk], salt=bell.SALT)) is None
    assert bell.station_of("") is None
    monkeypatch.setattr(bell, "TICKET_AGE_S", -1)
    assert bell.station_of(ticket) is None


def test_the_bell_rings_for_what_waits_at_stations_and_for_what_shall_end(
    station: Station, campaign: SimpleNamespace
) -> None:
    Station.objects.filter(pk=station.pk).update(remote=True)
    assert bell.stations_by_lane() == {station.lane: station.pk}
    here, there = (Lane.objects.get_or_create(name=name)[0] for name in ("work", station.lane))
    served = f"remote/{there.name}"
    now = timezone.now()

    def task(lane: Lane, state: State, served_by: str, **more: Any) -> int:
        made = Task.objects.create(name="x", lane=lane, state=state, served_by=served_by, **more)
        return int(made.pk)

    waits = task(there, State.QUEUED, served)
    task(there, State.RUNNING, served)
    task(here, State.QUEUED, "mppcqa.work")
    ends = task(there, State.RUNNING, served, kill_requested_at=now)
    task(there, State.KILLED, served, kill_requested_at=now)
    column = Task._meta.get_field("lane").column
    assert column in ("lane", "lane_id")
    assert {number for _lane, number in bell.queued()} == {waits}
    assert {number for _lane, number in bell.to_stop()} == {ends}
