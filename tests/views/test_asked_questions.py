"""What the address of a question asks: read, checked, told in words, and what groups are called."""

from __future__ import annotations

import datetime as dt
import math
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import QueryDict
from django.utils.translation import override

from mppcqa.columnar.questions import Questions
from mppcqa.columnar.rows import point_of
from mppcqa.inventory.models import Device, Institute, Lot
from mppcqa.people.actions import invite
from mppcqa.people.roles import ROLES
from mppcqa.results.models import WHOLE_DEVICE, QuantityRow
from mppcqa.stages import Condition
from mppcqa.statistics.models import Series
from mppcqa.views.workbench.asked import MOST_IDS, Asked, measured_quantities, read
from mppcqa.views.workbench.names import in_order, monday, names_of, point_names
from mppcqa.views.workbench.words import choices, in_words


def asked(text: str = "") -> Asked:
    return read(QueryDict(text))


def number(key: str) -> int:
    return QuantityRow.objects.get(stage="pde", key=key).pk


@pytest.fixture(autouse=True)
def own_copy(tmp_path: Any, settings: Any, campaign: SimpleNamespace) -> None:
    settings.MPPCQA_COLUMNAR = tmp_path / "columnar"


def test_without_any_word_the_quantity_of_most_values_is_asked_for() -> None:
    found = asked()
    most = Series.objects.order_by("-n", "pk").first()
    assert most is not None
    assert found.first is not None
    assert found.first.quantity == most.quantity_id
    assert len(found.first.at) == 1
    assert (found.kind, found.by, found.second, found.faults) == ("histogram", "", None, [])
    assert (found.chosen.low, found.chosen.high) == (-math.inf, math.inf)
    assert (found.chosen.ids, found.chosen.outcomes, found.chosen.since) == ({}, (), None)


def test_limits_are_read_in_the_unit_that_is_shown() -> None:
    found = asked(f"q={number('pde')}&low=20&high=32,5")
    assert (found.chosen.low, found.chosen.high) == (pytest.approx(0.2), pytest.approx(0.325))
    ranged = asked(f"q={number('gain_adc')}&rq={number('pde')}&rlow=10&rhigh=30")
    (one,) = ranged.chosen.ranges
    assert one.measure.quantity == number("pde")
    assert (one.low, one.high) == (pytest.approx(0.1), pytest.approx(0.3))
    open_ = asked(f"q={number('gain_adc')}&sq={number('pde')}")
    assert (open_.chosen.ranges[0].low, open_.chosen.ranges[0].high) == (-math.inf, math.inf)


def test_conditions_are_chosen_by_name_all_at_once_or_the_one_of_most_values() -> None:
    key = number("pde")
    points = [text for text, _words in asked(f"q={key}").points["at"]]
    assert len(points) == 3
    two = "&".join(f"at={text}" for text in points[:2]).replace("|", "%7C")
    found = asked(f"q={key}&{two}")
    assert found.first is not None
    assert [at.text for at in found.first.at] == points[:2]
    every = asked(f"q={key}&at=*")
    assert every.first is not None
    assert every.first.at == ()
    odd = asked(f"q={key}&at=bias_v%3D1")
    assert len(odd.faults) == 1
    assert "bias_v=1" in odd.faults[0]


def test_days_are_from_their_beginning_to_their_end() -> None:
    found = asked("since=2026-03-02&until=2026-03-02").chosen
    assert found.since is not None
    assert found.until is not None
    assert dt.datetime.fromtimestamp(found.since, dt.UTC).isoformat() == "2026-03-02T00:00:00+00:00"
    assert found.until - found.since == 86_400


def test_ids_outcomes_and_places_choose_devices() -> None:
    lot = Lot.objects.get(name="L1")
    text = f"lot={lot.pk}&lot=0&outcome=pass&outcome=fail&tag=3&channel=-1&row=2&column=4&from=7"
    found = asked(text)
    assert found.faults == []
    assert found.chosen.ids == {"lot": (lot.pk, 0)}
    assert found.chosen.outcomes == ("pass", "fail")
    assert (found.chosen.tags, found.chosen.channel, found.chosen.place) == ((3,), -1, (2, 4))
    assert found.start == 7
    assert asked("row=2").chosen.place is None
    many = asked("&".join(f"device={n}" for n in range(MOST_IDS + 9)))
    assert len(many.chosen.ids["device"]) == MOST_IDS


@pytest.mark.parametrize(
    "text",
    ["kind=cake", "by=colour", "q=999999", "q2=x", "rq=x", "outcome=great", "lot=x", "tag=-1",
     "since=tomorrow", "until=2026-02-30", "low=nan", "high=1e999", "channel=40000", "row=x",
     "from=-1", "device=²"],
)  # fmt: skip
def test_what_cannot_be_read_is_told_with_its_name(text: str) -> None:
    name, _sign, value = text.partition("=")
    (fault,) = asked(text).faults
    assert f"“{name}”" in fault
    assert f"“{value}”" in fault


def test_pairs_need_their_second_quantity() -> None:
    assert asked("kind=pairs").faults == ["Choose the second quantity."]
    found = asked(f"kind=pairs&q={number('pde')}&q2={number('gain_adc')}")
    assert found.faults == []
    assert found.second is not None
    assert found.shown(found.second).row.key == "gain_adc"


def test_quantities_have_stage_title_and_unit_also_of_a_package_that_is_gone() -> None:
    found = measured_quantities()
    heads = {one.row.key: one.head for one in found.values()}
    assert heads["pde"].startswith("PDE: ")
    assert heads["pde"].endswith(" [%]")
    gone = QuantityRow.objects.create(stage="gone", key="tilt", title="Tilt", unit="")
    Series.objects.filter(quantity=number("gain_adc")).update(quantity=gone)
    assert {one.head for one in measured_quantities().values()} >= {"gone: Tilt"}


def test_a_question_is_told_in_the_readers_words(operator: User) -> None:
    lot = Lot.objects.get(name="L1")
    key = number("pde")
    found = asked(
        f"q={key}&kind=pairs&q2={number('gain_adc')}&by=week&lot={lot.pk}&outcome=pass"
        f"&since=2026-03-02&low=20&rq={key}&rlow=10"
    )
    there = choices(found, Questions(), operator)
    names = {name: dict(options) for name, _title, options, _chosen in there.filters}
    assert names["lot"] == {str(lot.pk): "L1"}
    assert {"pass", "fail"} <= {key for key, _title in there.outcomes}
    told = dict(in_words(found, there))
    assert told["Quantity"].startswith("PDE: ")
    assert told["Second quantity"] != told["Quantity"]
    assert (told["Shown as"], told["Grouped by"]) == ("Two quantities of a channel", "week")
    assert (told["Lot"], told["Measured since"], told["Values from"]) == ("L1", "2026-03-02", "20")
    assert told["Only where"].endswith(": 10 – …")
    assert "V" in told["Conditions"]
    assert "Values to" not in told, "what says nothing is not told"
    with override("es"):
        spanish = in_words(found, choices(found, Questions(), operator))
        assert not {title for title, _text in spanish} & {"Quantity", "Conditions", "Only where"}


def test_groups_have_names_and_what_is_gone_its_number(
    campaign: SimpleNamespace, operator: User
) -> None:
    lot = Lot.objects.get(name="L1")
    assert names_of("lot", [lot.pk, 999, None, lot.pk], operator) == {
        lot.pk: "L1", 999: "lot 999", None: "none",
    }  # fmt: skip
    assert names_of("", [0], operator) == {0: "all values"}
    assert names_of("channel", [WHOLE_DEVICE, 3], operator)[WHOLE_DEVICE] == "device"
    assert names_of("channel", [3], operator)[3] == "ch. 3"
    assert names_of("outcome", ["pass", ""], operator)[""] == "not judged"
    assert names_of("run", [7], operator)[7] == "run 7"
    assert names_of("operator", [operator.pk], operator)[operator.pk] == "rosa"
    device = campaign.devices[0]
    assert names_of("device", [device.pk], operator)[device.pk] == "GX-000"
    Device.objects.update(owner=campaign.place)
    elsewhere = Institute.objects.create(name="X")
    stranger = invite("pat", ROLES["partner"], institute=elsewhere, by=None)
    stranger = User.objects.get(pk=stranger.pk)
    assert names_of("device", [device.pk], stranger)[device.pk] == f"device {device.pk}"


def test_names_are_ordered_as_people_do() -> None:
    assert in_order(["ch. 10", "ch. 2", "Ch. 1", "ch."]) == ("ch.", "Ch. 1", "ch. 2", "ch. 10")
    assert in_order(["2 V", "10 V", "1.5 V"]) == ("1.5 V", "2 V", "10 V")
    assert in_order([]) == ()


def test_weeks_are_numbered_by_their_mondays() -> None:
    assert monday(0) == dt.date(1969, 12, 29)
    assert {monday(week).weekday() for week in range(0, 4000, 37)} == {0}
    assert names_of("week", [2931], None)[2931] == monday(2931).isoformat()


def test_conditions_have_words() -> None:
    at = Condition(bias_v=71.6)
    assert point_names([at, Condition()]) == {
        point_of(at): "71.6 V", point_of(Condition()): "at all",
    }  # fmt: skip
