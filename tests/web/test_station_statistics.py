"""The stations' page: control charts, the alarm that holds verdicts, R&R and agreement."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.test import Client

from mppcqa.limits.models import Verdict
from mppcqa.limits.tasks import judge_run
from mppcqa.queue.models import Notice, Task
from mppcqa.results.models import Analysis, QuantityRow
from mppcqa.runs.alarms import StationAlarm
from mppcqa.runs.models import Run, Station
from mppcqa.stages import get_stage
from mppcqa.statistics.references import looked, watch
from mppcqa.statistics.repeats import repeats
from mppcqa.views.shown import shown_quantities
from mppcqa.web.statistics.gauge_data import agreement, compared, gauge
from tests.drifting import FIRST, days_of, measured, steady

PAGE = "/statistics/stations/"


class Quiet:
    """What a routine gets of its task, as far as judging needs it."""

    def __init__(self) -> None:
        self.task = Task.objects.create(name="limits.judge")
        self.lines: list[str] = []

    def log(self, text: str) -> None:
        self.lines.append(text)


def judged(run: Run) -> dict[str, object]:
    result: dict[str, object] = judge_run(Quiet(), run_id=run.pk)  # type: ignore[arg-type]
    return result


@pytest.fixture
def watched(campaign: SimpleNamespace) -> Station:
    station: Station = campaign.stations[0]
    station.reference_device = campaign.devices[0]
    station.save()
    return station


def test_a_drift_holds_verdicts_until_somebody_says_what_was_found(
    watched: Station, campaign: SimpleNamespace, browser_client: Client, operator: User
) -> None:
    runs = days_of(watched, campaign.devices[0], [*steady(20), *[64.0] * 4])
    said = [judged(run) for run in runs[20:]]
    alarm = StationAlarm.objects.get()
    assert (alarm.quantity, alarm.off > 0) == ("gain_adc", True)
    assert [one for one in said if "held" in one]
    other = measured(watched, [campaign.devices[1]], FIRST + dt.timedelta(days=40), [61.0])
    assert judged(other) == {"held": alarm.pk}
    assert not Verdict.objects.filter(analysis__run_file__run=other).exists()
    assert Notice.objects.filter(user=operator, text__contains="otherwise than before").count() == 1
    page = browser_client.get(PAGE).content.decode()
    assert "wait to be judged" in page
    assert "drifts" in page
    refused = browser_client.post(
        f"/statistics/alarms/{alarm.pk}/close/", {"why": " "}, follow=True
    )
    assert "Say what was found" in refused.content.decode()
    sent = {"why": "the LED was exchanged", "anew": "1"}
    page = browser_client.post(f"/statistics/alarms/{alarm.pk}/close/", sent, follow=True)
    assert "The alarm is closed" in page.content.decode()
    asked = Task.objects.filter(name="limits.judge", about_id=str(other.pk))
    assert asked.exists()
    judged(other)
    assert Verdict.objects.filter(analysis__run_file__run=other).exists()
    again = browser_client.post(f"/statistics/alarms/{alarm.pk}/close/", sent, follow=True)
    assert "closed this alarm already" in again.content.decode()
    # A new baseline: what was measured before says nothing any more.
    assert looked(watched) == []


def test_what_was_seen_to_is_not_told_again(watched: Station, campaign: SimpleNamespace) -> None:
    runs = days_of(watched, campaign.devices[0], [*steady(20), *[66.0] * 3])
    alarm = watch(runs[-1])
    assert alarm is not None
    assert watch(runs[-1]) is None
    alarm.closed_at = FIRST + dt.timedelta(days=23)
    alarm.save()
    assert watch(runs[-1]) is None
    more = [measured(watched, [campaign.devices[0]], FIRST + dt.timedelta(days=24 + n), [66.0])
            for n in range(3)]  # fmt: skip
    assert watch(more[-1]) is not None


def test_a_steady_station_and_other_devices_raise_nothing(
    watched: Station, campaign: SimpleNamespace, browser_client: Client
) -> None:
    runs = days_of(watched, campaign.devices[0], steady(25))
    assert watch(runs[-1]) is None
    odd = measured(watched, [campaign.devices[1]], FIRST + dt.timedelta(days=30), [90.0])
    assert watch(odd) is None
    page = browser_client.get(PAGE).content.decode()
    assert "in control" in page
    found = next(one for one in looked(watched) if one.watched.quantity.key == "gain_adc")
    # Means over channels 0 … 3, of which each is one more than the first.
    values = np.array(steady(25)) + 1.5
    assert found.watched.values == pytest.approx(values)
    assert found.drift.centre == pytest.approx(values[:15].mean())


def test_gauge_and_agreement_say_what_was_put_in(
    campaign: SimpleNamespace, browser_client: Client, operator: User
) -> None:
    """Two stations, of which the second is 3 high; devices that differ by 5; repeats by 0.5."""
    other = Station.objects.create(name="pde-2", stage="pde", slots=4)
    rng = np.random.default_rng(4)
    true = rng.normal(60, 5, len(campaign.devices))
    for n in range(6):
        for station, shift in ((campaign.stations[0], 0.0), (other, 3.0)):
            values = (true + shift + rng.normal(0, 0.5, len(true))).tolist()
            measured(station, campaign.devices, FIRST + dt.timedelta(days=n), values, operator)
    asked = f"{PAGE}?station={campaign.stations[0].pk}&quantity=gain_adc&with=s{other.pk}"
    # Jinja2 tells tests nothing of what a page is made of.
    row = QuantityRow.objects.get(stage="pde", key="gain_adc")
    shown = shown_quantities(get_stage("pde"), {row.key: row})[row.key]
    found = repeats("pde", row)
    lines = {one["name"]: one for one in gauge(found, shown)["lines"]}
    made = compared(campaign.stations[0], row, shown, found, f"s{other.pk}")
    assert made is not None
    said = agreement(made)
    assert lines["repeats"]["sigma"] == pytest.approx(0.5, rel=0.4)
    assert lines["devices"]["low"] < 5 < lines["devices"]["high"]
    assert said["facts"][0][1] == pytest.approx(3.0, abs=4 * said["facts"][0][2])
    assert said["far"]
    page = browser_client.get(asked).content.decode()
    assert "differ" in page
    assert "Of operators there is one alone" in page
    # Each has a detector known to 5 %: that moves them by 60 * 0.05 * sqrt(2), by one of both only
    # as far as they differ.
    part = {"quantities": ["gain_adc"], "relative": 0.05}
    one_of_both = {"reference detector: PD-1": {**part, "kind": "reference detector", "of": "PD-1"}}
    for shared, size in (({"reference detector": part}, 4.3), (one_of_both, 0.15)):
        Analysis.objects.update(shared=shared)
        made = compared(campaign.stations[0], row, shown, repeats("pde", row), f"s{other.pk}")
        assert made is not None
        assert made.shared == pytest.approx(size, rel=0.3)
        assert agreement(made)["far"] == (size < 1)
