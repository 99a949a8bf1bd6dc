"""What a station has done: its runs week by week, how long they took, its reference device."""

from __future__ import annotations

import datetime as dt
import math
import statistics
from itertools import pairwise
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User

from mppcqa.queue.models import Lane, State, Task, TaskGroup
from mppcqa.results.models import Analysis, Measurement
from mppcqa.runs.models import Run, Station
from mppcqa.views import station_record as room
from mppcqa.views.station_record import station_view
from tests.campaign import measured_run

START = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)
"""A Monday."""


@pytest.fixture
def station(campaign: SimpleNamespace) -> Station:
    """The other station of the campaign: nothing was measured there."""
    found: Station = campaign.stations[1]
    return found


def ran(
    station: Station, day: int, *tasks: tuple[State, float | None], error: str = ""
) -> tuple[Run, list[Task]]:
    """A run on a day after `START`, with tasks of these states and seconds."""
    lane, _new = Lane.objects.get_or_create(name="work")
    group = TaskGroup.objects.create(title="run")
    made = [
        Task.objects.create(
            name="runs.measure", lane=lane, group=group, state=state, run_s=seconds,
            error_text=error if state != State.SUCCEEDED else "",
        )
        for state, seconds in tasks
    ]  # fmt: skip
    run = Run.objects.create(
        stage=station.stage, station=station, parameters={}, task_group=group,
        created_at=START + dt.timedelta(days=day),
    )  # fmt: skip
    return run, made


GOOD, BAD, GOING = State.SUCCEEDED, State.FAILED, State.RUNNING


def test_runs_are_counted_by_how_they_ended_and_by_week(station: Station) -> None:
    ran(station, 0, (GOOD, 10.0), (GOOD, 20.0))
    ran(station, 6, (GOOD, 40.0), (BAD, 30.0), error="no light")
    ran(station, 7, (GOOD, 100.0))
    ran(station, 8, (GOING, None))
    view = station_view(station)
    assert view.states == (("succeeded", 2), ("failed", 1), ("running", 1))
    assert [(one.week, one.runs, one.failed) for one in view.weeks] == [
        (dt.date(2026, 3, 9), 1, 0), (dt.date(2026, 3, 2), 2, 1)
    ]  # fmt: skip
    assert [one.median for one in view.weeks] == ["100 s", "50 s"], "of all that ended"
    facts = dict(view.facts)
    assert (facts["Runs"], facts["Failed"]) == ("4", "1")
    assert facts["Latest run"] == "2026-03-10 08:00 UTC"
    assert view.as_of == START + dt.timedelta(days=8)
    assert "Looked at" not in facts


def test_what_failed_is_named_with_its_error_the_latest_first(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [ran(station, day, (BAD, 1.0), error=f"fault {day}")[0] for day in range(4)]
    ran(station, 5, (GOOD, 1.0))
    assert [(one.pk, one.why) for one in station_view(station).failures] == [
        (run.pk, f"fault {day}") for day, run in reversed(list(enumerate(runs)))
    ]
    monkeypatch.setattr(room, "FAILURES", 2)
    assert [one.why for one in station_view(station).failures] == ["fault 3", "fault 2"]


def test_a_task_that_was_repeated_counts_no_more(station: Station) -> None:
    _run, (failed,) = ran(station, 0, (BAD, 500.0), error="a fuse")
    Task.objects.create(
        name=failed.name, lane=failed.lane, group=failed.group, state=GOOD, run_s=30.0,
        repeat_of=failed,
    )  # fmt: skip
    view = station_view(station)
    assert view.states == (("succeeded", 1),)
    assert view.failures == ()
    assert [one.median for one in view.weeks] == ["30 s"]


def test_durations_are_of_runs_that_succeeded_and_whose_time_is_known(station: Station) -> None:
    assert station_view(station).durations is None
    ran(station, 0, (GOOD, 10.0), (GOOD, 20.0))
    ran(station, 1, (BAD, 999.0))
    ran(station, 2, (GOOD, None))
    course = station_view(station).durations
    assert course is not None
    (line,) = course.lines
    assert [(one.day, one.value) for one in line.moments] == [(START.date(), 30.0)]
    assert course.y.unit == "s"
    assert not course.joined
    weeks = station_view(station).weeks
    assert (weeks[0].runs, weeks[0].median) == (3, "514.5 s")


def test_the_latest_runs_alone_are_looked_at_and_that_is_said(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "RUNS", 2)
    for day in range(3):
        ran(station, day, (GOOD, 10.0 * day))
    view = station_view(station)
    assert dict(view.facts)["Runs"] == "2"
    assert dict(view.facts)["Looked at"] == "the latest 2 runs"
    assert view.durations is not None
    assert [one.value for one in view.durations.lines[0].moments] == [10.0, 20.0]


def test_a_station_without_runs_says_what_it_is(station: Station) -> None:
    facts = dict(station_view(station).facts)
    assert facts["Institute"] == "Jefferson Lab"
    assert (facts["Slots"], facts["Calibrated until"], facts["Reference device"]) == (
        "4", "—", "—"
    )  # fmt: skip
    assert "Latest run" not in facts
    Station.objects.filter(pk=station.pk).update(calibrated_until=dt.date(2026, 12, 31))
    station.refresh_from_db()
    view = station_view(station)
    assert dict(view.facts)["Calibrated until"] == "2026-12-31"
    assert (view.stage, view.states, view.weeks, view.reference) == ("Dark Box", (), (), "")


def test_a_reference_device_has_control_charts_with_the_limits_of_moving_ranges(
    campaign: SimpleNamespace, operator: User
) -> None:
    station, device = campaign.stations[0], campaign.devices[0]
    station.reference_device = device
    station.save()
    for _again in range(3):
        measured_run(station, [device], operator)
    shifts = [0.0, 0.2, -0.1, 0.4]
    analyses = list(Analysis.objects.filter(counts=True).order_by("pk"))
    for analysis, shift in zip(analyses, shifts, strict=True):
        mine = Measurement.objects.filter(
            analysis=analysis, device=device, quantity__key="breakdown_voltage_v"
        )
        mine.update(value=70.0 + shift, statistical=0.08)
    view = station_view(station)
    chart = next(one for one in view.references if "reakdown" in one.title)
    (line,) = chart.lines
    assert [one.value for one in line.moments] == pytest.approx([70 + one for one in shifts])
    # The standard error of a mean over sixteen channels.
    assert line.moments[0].high - line.moments[0].value == pytest.approx(0.08 / math.sqrt(16))
    assert line.moments[0].value - line.moments[0].low == pytest.approx(0.08 / math.sqrt(16))
    moved = [abs(b - a) for a, b in pairwise(shifts)]
    sigma = statistics.fmean(moved) / 1.128
    levels = dict(chart.levels)
    assert levels["mean"] == pytest.approx(70 + statistics.fmean(shifts))
    assert levels["+3σ"] - levels["mean"] == pytest.approx(3 * sigma)
    assert levels["mean"] - levels["−3σ"] == pytest.approx(3 * sigma)
    assert chart.y.unit == "V"
    assert view.reference == "GX-000"
    efficiency = next(one for one in view.references if "fficiency" in one.title)
    assert efficiency.y.unit == "%"
    # Each value is known to a hundredth of itself, and there are sixteen.
    moment = efficiency.lines[0].moments[0]
    assert moment.high - moment.value == pytest.approx(0.01 * moment.value / 4)
    # Nothing moved: the mean alone, for no limits can be said.
    assert [name for name, _level in efficiency.levels] == ["mean"]


def test_two_values_of_a_reference_device_have_no_limits_yet(
    campaign: SimpleNamespace, operator: User
) -> None:
    station = campaign.stations[0]
    station.reference_device = campaign.devices[0]
    station.save()
    measured_run(station, campaign.devices[:1], operator)
    assert {one.levels for one in station_view(station).references} == {()}
    station.reference_device = campaign.devices[3]
    station.save()
    assert {len(one.lines[0].moments) for one in station_view(station).references} == {1}
