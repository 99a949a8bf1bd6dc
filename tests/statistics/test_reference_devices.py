"""What a station measured of its reference device, day by day, and when that is an alarm."""

from __future__ import annotations

import datetime as dt
import math
import statistics
from types import SimpleNamespace

import numpy as np
import pytest
from django.contrib.auth.models import User

from mppcqa.limits.holding import AlarmRefused, alarm_words, close_alarm, hold
from mppcqa.queue.models import Task
from mppcqa.results.models import Measurement
from mppcqa.runs.alarms import StationAlarm, open_alarm
from mppcqa.runs.models import Run, Station
from mppcqa.statistics import references as room
from mppcqa.statistics.references import Watched, looked, references, watch
from tests.drifting import FIRST, measured

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


@pytest.fixture
def station(campaign: SimpleNamespace) -> Station:
    """A station of its own, whose reference device is the first one."""
    made: Station = Station.objects.create(
        name="pde-9", stage="pde", slots=4, reference_device=campaign.devices[0]
    )
    return made


def gain(station: Station, since: dt.datetime | None = None) -> Watched:
    return next(one for one in references(station, since) if one.quantity.key == "gain_adc")


def test_a_day_has_the_mean_of_its_runs_with_its_uncertainty(
    station: Station, campaign: SimpleNamespace
) -> None:
    reference = campaign.devices[0]
    measured(station, [reference], FIRST, [60.0])
    last = measured(station, [reference], FIRST + 2 * HOUR, [62.0])
    next_day = measured(station, [reference], FIRST + DAY, [65.0])
    found = gain(station)
    assert found.days == [FIRST.date(), (FIRST + DAY).date()]
    # Means over channels 0 … 3, of which each is one more than the first.
    assert found.groups[0] == pytest.approx([61.5, 63.5])
    assert found.groups[1] == pytest.approx([66.5])
    assert found.values == pytest.approx([62.5, 66.5])
    assert found.runs == [last.pk, next_day.pk]

    def error(first: float) -> float:
        """Of a run's mean: 2 % of each value, independent of the others."""
        return math.sqrt(math.fsum((0.02 * (first + n)) ** 2 for n in range(4))) / 4

    assert found.errors[1] == pytest.approx(error(65.0))
    assert found.errors[0] == pytest.approx(math.hypot(error(60.0), error(62.0)) / 2)


def test_days_are_those_of_utc_and_of_measuring(
    station: Station, campaign: SimpleNamespace
) -> None:
    east = dt.timezone(dt.timedelta(hours=9))
    late = dt.datetime(2026, 1, 6, 3, tzinfo=east)
    measured(station, [campaign.devices[0]], late, [60.0])
    assert gain(station).days == [dt.date(2026, 1, 5)]


def test_other_devices_in_the_run_and_other_stations_say_nothing(
    station: Station, campaign: SimpleNamespace
) -> None:
    reference, *others = campaign.devices
    measured(station, [others[0], reference], FIRST, [10.0, 60.0])
    measured(station, [others[1]], FIRST + DAY, [20.0])
    measured(campaign.stations[0], [reference], FIRST + 2 * DAY, [30.0])
    found = gain(station)
    assert (found.days, found.groups) == ([FIRST.date()], [pytest.approx([61.5])])


def test_what_was_measured_before_a_change_of_the_station_is_left_out(
    station: Station, campaign: SimpleNamespace
) -> None:
    for n in range(3):
        measured(station, [campaign.devices[0]], FIRST + n * DAY, [60.0 + n])
    assert gain(station, FIRST).days == [(FIRST + n * DAY).date() for n in (1, 2)]
    assert references(station, FIRST + 9 * DAY) == []


def test_a_mean_without_an_uncertainty_of_each_channel_has_none(
    station: Station, campaign: SimpleNamespace
) -> None:
    run = measured(station, [campaign.devices[0]], FIRST, [60.0])
    values = Measurement.objects.filter(analysis__run_file__run=run, channel=2)
    values.update(statistical=None)
    assert math.isnan(gain(station).errors[0])
    assert gain(station).values == pytest.approx([61.5])


def test_a_part_that_moves_all_channels_together_is_in_the_uncertainty(
    station: Station, campaign: SimpleNamespace
) -> None:
    run = measured(station, [campaign.devices[0]], FIRST, [60.0])
    Measurement.objects.filter(analysis__run_file__run=run).update(statistical=0.3, systematic=0.4)
    assert gain(station).errors[0] == pytest.approx(0.5 / math.sqrt(4))


def test_the_latest_analyses_alone_are_looked_at(
    station: Station, campaign: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(3):
        measured(station, [campaign.devices[0]], FIRST + n * DAY, [60.0])
    monkeypatch.setattr(room, "MOST", 2)
    assert gain(station).days == [(FIRST + n * DAY).date() for n in (1, 2)]


def test_a_station_without_a_reference_or_a_stage_that_is_here_has_nothing_to_watch(
    station: Station, campaign: SimpleNamespace, operator: User
) -> None:
    run = measured(station, [campaign.devices[0]], FIRST, [60.0])
    Station.objects.filter(pk=station.pk).update(stage="a_lost_one")
    assert references(Station.objects.get(pk=station.pk)) == []
    Station.objects.filter(pk=station.pk).update(stage="pde", reference_device=None)
    run.refresh_from_db()
    assert references(Station.objects.get(pk=station.pk)) == []
    assert watch(Run.objects.get(pk=run.pk)) is None
    assert watch(Run(stage="pde", station=None)) is None


STEADY = [60 + 0.5 * math.sin(2.4 * n) for n in range(20)]


def days_of(station: Station, campaign: SimpleNamespace, values: list[float]) -> list[Run]:
    device = campaign.devices[0]
    return [measured(station, [device], FIRST + n * DAY, [v]) for n, v in enumerate(values)]


def test_an_alarm_names_the_quantity_that_is_farthest_off_and_how_far(
    station: Station, campaign: SimpleNamespace
) -> None:
    runs = days_of(station, campaign, [*STEADY, 54.0, 54.0])
    alarm = watch(runs[-1])
    assert alarm is not None
    assert (alarm.station, alarm.device) == (station, campaign.devices[0])
    assert (alarm.run, alarm.quantity) == (runs[-1], "gain_adc")
    # The baseline is all but the last ten of 22; the average counts a quarter of the newest.
    base = np.array(STEADY[:12]) + 1.5
    average = float(base.mean())
    for value in [*STEADY[12:], 54.0, 54.0]:
        average = 0.25 * (value + 1.5) + 0.75 * average
    assert alarm.off == pytest.approx(
        (average - base.mean()) / statistics.stdev(base.tolist()), rel=1e-6
    )
    assert alarm.off < -3
    assert watch(runs[-1]) is None, "while an alarm is open there is no second one"
    words = alarm_words(alarm)
    assert "pde-9 measures its reference device GX-000 otherwise than before: Gain" in words
    assert f"off by {alarm.off:+.1f} σ" in words
    alarm.quantity = "gone"
    assert "gone is off by" in alarm_words(alarm)


def test_runs_wait_for_an_open_alarm_and_are_judged_when_it_is_closed(
    station: Station, campaign: SimpleNamespace, operator: User
) -> None:
    runs = [measured(station, [campaign.devices[1]], FIRST + n * DAY, [60.0]) for n in range(2)]
    assert hold(runs[0]) is None
    assert open_alarm(None) is None
    alarm = StationAlarm.objects.create(
        station=station, device=campaign.devices[0], quantity="gain_adc", off=4.2
    )
    assert [hold(one) for one in runs] == [alarm, alarm]
    assert open_alarm(campaign.stations[0].pk) is None
    with pytest.raises(AlarmRefused, match="Say what was found") as refused:
        close_alarm(alarm, "  ", anew=False)
    assert refused.value.faults[0].field == "why"
    assert open_alarm(station.pk) == alarm
    assert close_alarm(alarm, " the lamp aged ", anew=True, by=operator) == 2
    alarm.refresh_from_db()
    assert (alarm.why, alarm.anew, alarm.closed_by) == ("the lamp aged", True, operator)
    asked = Task.objects.filter(name="limits.judge").order_by("pk")
    assert [one.about_id for one in asked] == [str(one.pk) for one in runs]
    with pytest.raises(AlarmRefused, match="closed this alarm already"):
        close_alarm(alarm, "again", anew=False)
    assert Task.objects.filter(name="limits.judge").count() == 2


def test_closing_begins_the_average_anew_or_the_baseline_where_the_station_was_changed(
    station: Station, campaign: SimpleNamespace
) -> None:
    days_of(station, campaign, STEADY)
    (before,) = (one for one in looked(station) if one.watched.quantity.key == "gain_adc")
    assert (before.drift.baseline, before.drift.begin) == (10, 10)
    alarm = StationAlarm.objects.create(
        station=station, device=campaign.devices[0], quantity="gain_adc", off=4.2,
        closed_at=FIRST + 14 * DAY, anew=False,
    )  # fmt: skip
    (seen,) = (one for one in looked(station) if one.watched.quantity.key == "gain_adc")
    assert len(seen.watched.days) == 20
    assert (seen.drift.baseline, seen.drift.begin) == (10, 15), "the day itself was seen to"
    alarm.anew = True
    alarm.save()
    (new,) = (one for one in looked(station) if one.watched.quantity.key == "gain_adc")
    assert new.watched.days[0] == (FIRST + 15 * DAY).date()
    assert new.drift.baseline == 0, "too few to say anything"
