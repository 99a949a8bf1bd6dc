"""Instruments: what stands where and until when it is calibrated, and what a run keeps of it."""

from __future__ import annotations

import datetime as dt
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from mppcqa.queue.models import Lane
from mppcqa.runs.actions import RunRefused, load_station, resume_run, save_station, start_run
from mppcqa.runs.calibrating import (
    Found,
    InstrumentRefused,
    calibrate,
    counting,
    map_channels,
    place,
    take_away,
    withdraw,
)
from mppcqa.runs.instruments import ChannelLine, Instrument, Standing, ending_soon
from mppcqa.runs.models import Run, Station
from mppcqa.store.reading import verify

pytestmark = pytest.mark.django_db
DAY = dt.date(2026, 3, 1)
TABLE: dict[str, Any] = {
    "quantity": "responsivity",
    "unit": "A/W",
    "against": "light",
    "against_unit": "nm",
    "points": ((470.0, 0.25, 0.003), (405.0, 0.21, 0.005)),
}


def today() -> dt.date:
    return timezone.now().date()


@pytest.fixture
def station(campaign: SimpleNamespace) -> Station:
    found: Station = campaign.stations[1]
    load_station(found, {1: campaign.devices[0].serial})
    return found


@pytest.fixture
def diode(station: Station) -> Instrument:
    made = Instrument.objects.create(name="diode", kind="photodiode", serial="S1337-7")
    place(made, station, DAY)
    return made


def ends(instrument: Instrument, until: dt.date | None, **more: Any) -> Any:
    return calibrate(instrument, Found(DAY, "PTB", until, **more))


def test_a_station_is_calibrated_until_the_first_of_its_instruments_ends(
    station: Station, diode: Instrument
) -> None:
    lamp = Instrument.objects.create(name="lamp", kind="light source")
    place(lamp, station, DAY)
    far, near = today() + dt.timedelta(days=400), today() + dt.timedelta(days=3)
    ends(diode, far)
    row = ends(lamp, near)
    station.refresh_from_db()
    assert station.calibrated_until == near
    assert Lane.objects.get(name=station.lane).calibrated_until == near
    assert [(one.name, one.standing) for one in ending_soon()] == [("lamp", Standing.SOON)]
    # The later one of a quantity counts, whatever its end; another quantity counts beside it.
    calibrate(lamp, Found(DAY + dt.timedelta(days=1), "PTB", far))
    station.refresh_from_db()
    assert (station.calibrated_until, ending_soon()) == (far, [])
    ends(lamp, near, **TABLE)
    station.refresh_from_db()
    assert station.calibrated_until == near
    take_away(lamp, today())
    station.refresh_from_db()
    assert station.calibrated_until == far
    assert row.standing_on(near + dt.timedelta(days=1)) == Standing.EXPIRED
    assert row.standing_on(near) == Standing.SOON  # the last day is a good one


def test_an_expired_calibration_blocks_or_warns_as_the_station_says(
    station: Station, diode: Instrument, operator: User
) -> None:
    ends(diode, today() - dt.timedelta(days=1))
    with pytest.raises(RunRefused, match=r"calibration of diode ended .* give the reason"):
        start_run(Station.objects.get(pk=station.pk), by=operator)
    run = start_run(Station.objects.get(pk=station.pk), by=operator, override="new lamp")
    assert run.task_group is not None
    assert run.task_group.tasks.earliest("pk").override == "new lamp"
    run.task_group.tasks.all().delete()
    Run.objects.filter(pk=run.pk).update(task_group=None)
    held = Station.objects.get(pk=station.pk)
    held.expiry = Station.Expiry.WARN
    save_station(held)
    assert Lane.objects.get(name=station.lane).calibrated_until is None
    assert held.calibrated_until is not None
    assert start_run(held, by=operator).pk != run.pk


def test_a_run_keeps_what_it_had_whatever_comes_after(
    station: Station, diode: Instrument, operator: User
) -> None:
    old, checked = ends(diode, None, **TABLE), ends(diode, None)
    Instrument.objects.create(name="in the cupboard", kind="meter")
    line = ChannelLine(slot=1, first=0, last=15, instrument=diode, to_first=16)
    first = map_channels(station, [line], by=operator)
    run = start_run(station, by=operator)
    again = {**TABLE, "points": ((405.0, 0.5, 0.1),)}
    new = calibrate(diode, Found(today(), "PTB", **again))
    map_channels(station, [ChannelLine(slot=2, first=0, last=0, instrument=diode, to_first=0)])
    take_away(diode, today())
    withdraw(old, "the lamp was dirty", by=operator)
    run.refresh_from_db()
    assert {row.calibration for row in run.instruments.all()} == {old, checked}
    assert run.channel_map == first
    assert [one.to_last for one in run.channel_map.lines.all()] == [31]
    assert counting([diode.pk])[diode.pk] == [checked, new]
    assert run.task_group is not None
    # What is measured anew has what stands there now: nothing.
    run.task_group.tasks.update(state="failed", attempt=1)
    resume_run(run, by=operator)
    assert not run.instruments.exists()


def test_a_table_of_values_is_read_between_its_points_and_not_beyond(diode: Instrument) -> None:
    row = ends(diode, None, **TABLE)
    row.refresh_from_db()
    assert row.points[0] == [405.0, 0.21, 0.005]
    value, error = row.value_at(437.5)
    assert value == pytest.approx(0.23)
    assert error == pytest.approx(0.004)  # the mean: neighbours do not make it smaller
    assert row.value_at(470.0) == (0.25, 0.003)
    for at in (404.0, 471.0):
        with pytest.raises(ValueError, match="says nothing at light"):
            row.value_at(at)
    factor = ends(diode, None, quantity="geometry", points=((None, 0.314, None),))
    assert factor.value_at() == (0.314, None)
    with pytest.raises(ValueError, match="say at which"):
        row.value_at()


def test_a_factor_of_slots_is_that_of_a_slot_that_was_measured(diode: Instrument) -> None:
    points = ((0.0, 1.0, 0.01), (2.0, 1.4, 0.01))
    row = ends(
        diode, None, quantity="geometry factor", unit="", against="Slot", against_unit="",
        points=points,
    )  # fmt: skip
    assert row.value_at(2.0) == (1.4, 0.01)
    with pytest.raises(ValueError, match="says nothing at Slot 1"):
        row.value_at(1.0)


@pytest.mark.parametrize(
    ("found", "field"),
    [
        ({"valid_until": DAY - dt.timedelta(days=1)}, "valid_until"),
        ({"points": ((None, 1.0, None),)}, "quantity"),
        ({"quantity": "gain"}, "points"),
        ({**TABLE, "against": ""}, "against"),
        ({**TABLE, "points": ((1.0, 2.0, None), (1.0, 3.0, None))}, "points"),
        ({**TABLE, "points": ((None, 2.0, None),)}, "points"),
        ({**TABLE, "points": ((1.0, 2.0, -0.1),)}, "points"),
        ({"done_on": dt.date(2999, 1, 1)}, "done_on"),
    ],
)
def test_a_calibration_that_makes_no_sense_is_refused(
    diode: Instrument, found: dict[str, Any], field: str
) -> None:
    with pytest.raises(InstrumentRefused) as caught:
        calibrate(diode, Found(**{"done_on": DAY, "done_by": "PTB"} | found))
    assert [one.field for one in caught.value.faults] == [field]
    assert not diode.calibrations.exists()


def test_a_certificate_is_kept_by_its_sum_and_must_be_what_its_name_says(
    diode: Instrument,
) -> None:
    good = SimpleUploadedFile("S1337 2026.pdf", b"%PDF-1.7 responsivity")
    row = calibrate(diode, Found(DAY, "PTB"), certificate=good)
    verify(row)
    assert row.original_name == "S1337 2026.pdf"
    with pytest.raises(Exception, match="not what the name says"):
        calibrate(diode, Found(DAY, "PTB"), certificate=SimpleUploadedFile("x.pdf", b"MZ"))
    assert diode.calibrations.count() == 1


def test_places_follow_each_other(campaign: SimpleNamespace, diode: Instrument) -> None:
    other = campaign.stations[0]
    with pytest.raises(InstrumentRefused, match="stands at darkbox-1 already"):
        place(diode, campaign.stations[1], DAY)
    with pytest.raises(InstrumentRefused, match="give that day or a later one"):
        place(diode, other, DAY - dt.timedelta(days=1))
    with pytest.raises(InstrumentRefused, match="yet to come"):
        place(diode, other, today() + dt.timedelta(days=2))
    place(diode, other, DAY + dt.timedelta(days=5))
    stays = [(one.station.name, one.until) for one in diode.placements.all()]
    assert stays == [("pde-1", None), ("darkbox-1", DAY + dt.timedelta(days=5))]
    take_away(diode, today())
    with pytest.raises(InstrumentRefused, match="stands at no station"):
        take_away(diode, today())


def test_a_channel_map_wires_each_channel_of_an_instrument_once(
    station: Station, diode: Instrument
) -> None:
    def line(**changed: Any) -> ChannelLine:
        usual = {"slot": 1, "first": 0, "last": 3, "instrument": diode, "to_first": 0}
        return ChannelLine(**usual | changed)

    elsewhere = Instrument.objects.create(name="elsewhere", kind="digitizer")
    with pytest.raises(InstrumentRefused) as caught:
        map_channels(
            station,
            [
                line(),
                line(slot=9, to_first=8),
                line(first=3, last=1, to_first=20),
                line(slot=2, to_first=3),
                line(slot=2, instrument=elsewhere),
            ],
        )
    assert [one.row for one in caught.value.faults] == [2, 3, 4, 5]
    assert not station.channel_maps.exists()
    for version in (1, 2):
        assert map_channels(station, [line()]).version == version


def test_what_a_station_had_before_becomes_a_calibration_of_the_whole(
    campaign: SimpleNamespace,
) -> None:
    until = today() - dt.timedelta(days=9)
    Station.objects.filter(name="pde-1").update(calibrated_until=until)
    import_module("mppcqa.runs.migrations.0004_stations_calibration").carry_over(apps, None)
    whole = Instrument.objects.get()
    assert (whole.kind, whole.station, whole.calibrated_until) == (
        Instrument.Kind.STATION,
        campaign.stations[0],
        until,
    )
    assert [one.valid_until for one in counting([whole.pk])[whole.pk]] == [until]
    assert whole.placements.get().station == campaign.stations[0]
