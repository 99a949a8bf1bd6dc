"""Answers of the workbench: in the unit that is shown, each mark leading to its values."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.http import QueryDict

from mppcqa.charts.counted import Boxes, Cloud, Course
from mppcqa.charts.plots import Bars, CellMap
from mppcqa.columnar.questions import Questions
from mppcqa.inventory.models import Device, DeviceType, Lot
from mppcqa.results.models import Measurement, QuantityRow
from mppcqa.runs.models import Run
from mppcqa.views.workbench import answer as room
from mppcqa.views.workbench.answer import answer
from mppcqa.views.workbench.asked import Asked, read
from mppcqa.views.workbench.page import Answer

pytestmark = pytest.mark.django_db
WEDNESDAY = dt.datetime(2026, 3, 4, 12, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def world(campaign: SimpleNamespace, tmp_path: Path, settings: Any) -> SimpleNamespace:
    """The PDE of device n at 1.6 V is 0.2 + n / 10 in each channel; device 3 is of lot L2."""
    settings.MPPCQA_COLUMNAR = tmp_path / "columnar"
    settings.MPPCQA_COLUMNAR_KEEP_S = 0.0
    Run.objects.update(measured_at=WEDNESDAY)
    for n, device in enumerate(campaign.devices):
        Measurement.objects.filter(device=device, quantity__key="pde").update(value=0.2 + n / 10)
    campaign.other = Lot.objects.create(name="L2")
    Device.objects.filter(pk=campaign.devices[3].pk).update(lot=campaign.other)
    return campaign


def number(key: str) -> int:
    return QuantityRow.objects.get(stage="pde", key=key).pk


def asked(kind: str, **more: Any) -> Asked:
    given = QueryDict(mutable=True)
    given.update({"kind": kind, "q": str(number("pde")), **{k: str(v) for k, v in more.items()}})
    found = read(given)
    assert found.faults == []
    return found


def answered(kind: str, **more: Any) -> Answer:
    question = asked(kind, **more)
    return answer(question, Questions(chosen=question.chosen), None)


def query(address: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(address).query)


def marks(made: Answer) -> list[dict[str, Any]]:
    (rows,) = (list(one) for one in made.chart.data.values())
    return rows


def test_a_bar_leads_to_the_values_of_its_group_and_range_as_they_are_shown(
    world: SimpleNamespace,
) -> None:
    made = answered("histogram", by="lot")
    rows = marks(made)
    assert {row["g"] for row in rows} == {"L1", "L2"}
    assert sum(row["n"] for row in rows) == 64
    high = next(row for row in rows if row["g"] == "L2")
    assert high["low"] <= 50.0 <= high["high"], "percent"
    sent = query(high["href"])
    assert sent["lot"] == [str(world.other.pk)]
    assert sent["kind"] == ["values"]
    assert (float(sent["low"][0]), float(sent["high"][0])) == pytest.approx(
        (high["low"], high["high"])
    )
    # What the mark leads to is what it counts.
    sent_on = read(QueryDict(urlsplit(high["href"]).query, mutable=True))
    assert Questions(chosen=sent_on.chosen).extent(sent_on.first).values == high["n"]  # type: ignore[arg-type]
    assert [bars.title for bars in made.printed if isinstance(bars, Bars)] == ["L1", "L2"]
    alone = answered("histogram")
    assert [bars.title for bars in alone.printed if isinstance(bars, Bars)] == [""]
    assert alone.title.startswith("Histogram: ")


def test_the_table_below_has_each_groups_numbers_in_the_unit_that_is_shown(
    world: SimpleNamespace,
) -> None:
    made = answered("histogram", by="lot")
    first, second = made.rows
    assert (first[0][0], second[0][0]) == ("L1", "L2")
    values = np.repeat([20.0, 30.0, 40.0], 16)
    assert first[1:3] == [48, 3]
    assert first[3] == pytest.approx(30.0)
    assert first[5:7] == pytest.approx([values.mean(), values.std(ddof=1)])
    assert first[7:11] == pytest.approx(np.quantile(values, (0.05, 0.25, 0.75, 0.95)).tolist())
    assert first[11:] == pytest.approx([20.0, 40.0])
    assert second[6] == pytest.approx(0.0, abs=1e-9)
    assert query(second[0][1])["lot"] == [str(world.other.pk)]


def test_boxes_have_their_quantiles_in_order(world: SimpleNamespace) -> None:
    made = answered("box", by="lot")
    (boxes,) = made.printed
    assert isinstance(boxes, Boxes)
    box = next(one for one in boxes.rows if one.name == "L1")
    values = np.quantile(np.repeat([20.0, 30.0, 40.0], 16), (0.05, 0.25, 0.5, 0.75, 0.95))
    assert [getattr(box, name) for name in room.BOX] == pytest.approx(values.tolist())


def test_weeks_lead_to_their_seven_days(world: SimpleNamespace) -> None:
    made = answered("time", by="lot")
    rows = marks(made)
    assert {row["day"] for row in rows} == {"2026-03-02"}, "the Monday"
    sent = query(rows[0]["href"])
    assert (sent["since"], sent["until"]) == (["2026-03-02"], ["2026-03-08"])
    first = next(row for row in rows if row["g"] == "L1")
    assert (first["median"], first["low"], first["high"]) == pytest.approx((30.0, 20.0, 40.0))
    (course,) = made.printed
    assert isinstance(course, Course)
    assert [line.name for line in course.lines] == ["L1", "L2"]
    assert course.lines[0].moments[0].day == dt.date(2026, 3, 2)
    assert made.rows[0][2:4] == [48, pytest.approx(30.0)]


def test_of_many_groups_each_has_a_chart_of_its_own_on_paper(
    world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "MARKED", 3)
    four = answered("time", by="device").printed
    assert [one.title for one in four if isinstance(one, Course)] == [
        "GX-000", "GX-001", "GX-002", "GX-003"
    ]  # fmt: skip
    monkeypatch.setattr(room, "MARKED", 4)
    assert len(answered("time", by="device").printed) == 1


def test_what_is_not_drawn_is_said_to_be_in_the_table(
    world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "MOST_DRAWN", 3)
    made = answered("histogram", by="device")
    assert made.notes == ["The 3 largest of 4 groups are drawn; the table has more."]
    assert {row["g"] for row in marks(made)} == {"GX-000", "GX-001", "GX-002"}
    assert len(made.rows) == 4
    assert answered("histogram", by="lot").notes == []


def test_pairs_are_of_one_channel_in_both_units(world: SimpleNamespace) -> None:
    made = answered("pairs", q2=number("gain_adc"), by="lot")
    rows = marks(made)
    assert len(rows) == 64
    assert {round(row["x"]) for row in rows} == {20, 30, 40, 50}
    one = next(row for row in rows if row["what"] == "GX-003 ch. 7")
    assert (one["x"], one["g"], one["href"]) == (pytest.approx(50.0), "L2", "/devices/GX-003/")
    facts = dict(made.facts)
    assert facts["Pairs"] == 64
    assert [head.partition(" [")[2] for head, _kind in made.heads[2:]] != ["", ""]
    (cloud,) = made.printed
    assert isinstance(cloud, Cloud)
    assert {name: len(points) for name, points in cloud.groups} == {"L1": 48, "L2": 16}


def test_a_map_of_the_tray_and_one_of_the_channels_lead_to_their_places(
    world: SimpleNamespace,
) -> None:
    tray = answered("tray")
    assert isinstance(tray.chart, CellMap)
    assert tray.chart.finite() == pytest.approx({(0, n): 20.0 + 10 * n for n in range(4)})
    assert (tray.chart.rows, tray.chart.columns) == (1, 4)
    sent = query(tray.chart.links[0, 2])
    assert (sent["row"], sent["column"]) == (["0"], ["2"])
    assert [row[0] for row in tray.rows] == [0] * 4
    channels = answered("array")
    assert isinstance(channels.chart, CellMap)
    kind = world.kind
    place = next((r, c) for r in range(4) for c in range(4) if kind.channel_at(r, c) == 5)
    assert query(channels.chart.links[place])["channel"] == ["5"]
    assert channels.chart.finite()[place] == pytest.approx(35.0)
    assert channels.notes == []
    other = DeviceType.objects.create(name="B", rows=1, columns=16)
    Device.objects.filter(pk=world.devices[0].pk).update(device_type=other)
    several = answered("array")
    assert several.notes == ["The map is of S12045(X), which has most values."]
    assert len(several.rows) == 32


def test_values_are_listed_by_device_and_lead_to_their_run_and_channel(
    world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "LISTED", 10)
    made = answered("values", **{"from": 14})
    assert dict(made.facts) == {"Values": 64, "Devices": 4}
    assert len(made.rows) == 10
    device, channel, at, run, cell = made.rows[0]
    assert device == ("GX-000", "/devices/GX-000/")
    assert (channel, run[0]) == (14, str(world.run.pk))
    assert "over breakdown" in at
    value, address = cell
    assert value == pytest.approx(20.0)
    sent = query(address)
    assert (sent["device"], sent["channel"]) == (["GX-000"], ["14"])
    assert "bias_v" in sent
    assert "overvoltage_v" not in sent
    assert made.rows[2][0][0] == "GX-001"
    assert query(made.later)["from"] == ["24"]
    assert answered("values", **{"from": 60}).later == ""
    sent = query(made.devices)
    assert (sent["kind"], sent["by"], "from" in sent) == (["box"], ["device"], False)


def test_outliers_have_their_distance_and_the_group_that_they_are_far_from(
    world: SimpleNamespace,
) -> None:
    rows = Measurement.objects.filter(quantity__key="pde", device=world.devices[3])
    for n in range(16):
        rows.filter(channel=n).update(value=0.5 + 0.001 * (n % 5))
    rows.filter(channel=9).update(value=0.9)
    made = answered("outliers", by="lot")
    (row,) = made.rows
    assert (row[0][0], row[1], row[-1]) == ("GX-003", 9, "L2")
    assert row[-2] > 5
    assert row[4][0] == pytest.approx(90.0)
    assert "five robust standard deviations" in made.notes[0]


def test_limits_are_told_beside_each_kind_of_answer(world: SimpleNamespace) -> None:
    one = Measurement.objects.filter(quantity__key="pde", device=world.devices[3], channel=2)
    one.update(bound=1, statistical=None)
    made = answered("box")
    assert len(made.notes) == 1
    assert made.notes[0].startswith("1 further value is a limit")
    pairs = answered("pairs", q2=number("pde"))
    assert pairs.notes[0].startswith("2 further values are limits"), "of both quantities"


def test_where_a_mark_leads_may_be_said_by_who_shows_it(
    world: SimpleNamespace, operator: User
) -> None:
    question = asked("box", by="lot", low=0)
    seen: list[QueryDict] = []

    def lead(of: Asked, given: QueryDict) -> str:
        assert of is question
        seen.append(given)
        return f"#{given.get('lot', 'range')}"

    made = answer(question, Questions(chosen=question.chosen), operator, lead)
    assert [row[0][1] for row in made.rows] == [f"#{world.devices[0].lot_id}", f"#{world.other.pk}"]
    assert {one["kind"] for one in seen} == {"values"}
    of_groups = [one for one in seen if "lot" in one]
    assert {one["low"] for one in of_groups} == {"0"}, "the rest of the question stays"
    drawn = next(one for one in seen if "lot" not in one)
    assert (drawn["low"], drawn["high"]) == ("{low}", "{high}"), "of a range that is drawn"
    assert question.given["kind"] == "box", "and is not changed itself"


def test_what_belongs_to_no_group_can_be_led_to(world: SimpleNamespace) -> None:
    Device.objects.filter(pk=world.devices[3].pk).update(lot=None)
    made = answered("box", by="lot")
    name, address = made.rows[-1][0]
    assert name == "none"
    sent = read(QueryDict(urlsplit(address).query, mutable=True))
    assert sent.faults == []
    assert sent.first is not None
    assert Questions(chosen=sent.chosen).extent(sent.first).devices == 1
