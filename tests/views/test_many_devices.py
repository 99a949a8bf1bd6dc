"""Quantities of many devices: robust numbers that a few strays don't move, and those strays."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.utils.translation import override

from mppcqa.inventory.models import Device, Lot
from mppcqa.limits.decisions import grant_waiver
from mppcqa.results.models import QuantityRow, Standing
from mppcqa.results.reading import read_values
from mppcqa.runs.models import Run
from mppcqa.stages import Condition
from mppcqa.views.group import (
    TooMany,
    members,
    numbers_of,
    stage_counts,
    standing_of,
    worst_of,
)
from mppcqa.views.groups import chosen_view, lot_view, run_view_of, tray_view
from mppcqa.views.robust import (
    Sample,
    histogram_of,
    in_order,
    line_and_strays,
    measured_samples,
    spread_of,
    summed_samples,
    told,
)
from mppcqa.views.yields import yield_of
from tests.pens import pen_of
from tests.views.test_looking_into_runs import result, stored


def sample(values: list[float], quantity: str = "breakdown_voltage_v") -> Sample:
    row = QuantityRow.objects.get(stage="pde", key=quantity)
    at = Condition() if quantity == "breakdown_voltage_v" else Condition(bias_v=71.6)
    return Sample(row, at, np.arange(1, len(values) + 1), np.array(values))


def test_median_and_scatter_are_those_of_a_normal_distribution() -> None:
    n = 20_000
    values = np.random.default_rng(11).normal(70.0, 0.2, n)
    found = spread_of(values)
    assert found.n == n
    # Four standard errors each: one false alarm in 8,000 seeds, and the seed is fixed.
    assert abs(found.median - 70.0) < 4 * found.median_error
    assert abs(found.scatter - 0.2) < 4 * found.scatter_error
    assert found.median_error == pytest.approx(0.2 * math.sqrt(math.pi / 2 / n), rel=0.02)


def test_the_errors_of_median_and_scatter_are_how_far_they_move() -> None:
    chance = np.random.default_rng(5)
    found = [spread_of(chance.normal(0.0, 1.0, 101)) for _again in range(2000)]
    # A standard deviation of 2000 numbers is known to 1.6 %; 7 % are four of those and a little
    # for samples of 101.
    for name in ("median", "scatter"):
        moved = np.std([getattr(one, name) for one in found])
        said = np.mean([getattr(one, f"{name}_error") for one in found])
        assert said == pytest.approx(moved, rel=0.07), name


def test_strays_move_neither_the_median_nor_the_scatter_and_are_named_farthest_first(
    campaign: SimpleNamespace,
) -> None:
    good = [70.0 + 0.01 * (n - 10) for n in range(21)]
    alone, _none = line_and_strays(sample(good))
    assert _none == []
    line, strays = line_and_strays(sample([*good, 75.0, 60.0]))
    assert (line.n, line.strays) == (23, 2)
    assert line.median.split(" ± ")[0] == alone.median.split(" ± ")[0]
    assert [one.device for one in strays] == [23, 22]
    assert strays[0].far < -5 < 5 < strays[1].far
    assert strays[0].value == "60 V"
    assert (line.lowest, line.highest) == ("60 V", "75 V")
    assert "Breakdown" in strays[0].quantity


def test_nothing_is_called_a_stray_among_few_or_alike(campaign: SimpleNamespace) -> None:
    line, strays = line_and_strays(sample([70.0, 70.1, 70.2, 99.0]))
    assert (line.strays, strays) == (0, [])
    assert line_and_strays(sample([70.0, 70.1, 70.2, 70.3, 99.0]))[1] != []
    # Half of them alike: no scatter to measure a distance in.
    assert line_and_strays(sample([70.0] * 6 + [71.0, 72.0]))[1] == []


def test_one_device_has_a_median_without_any_scatter(campaign: SimpleNamespace) -> None:
    line, strays = line_and_strays(sample([70.25]))
    assert (line.median, line.scatter, line.n, strays) == ("70.25 V", "—", 1, [])
    assert histogram_of(sample([70.25])) is None
    assert histogram_of(sample([70.25, 70.5])) is None
    assert histogram_of(sample([70.25] * 9)) is None


def test_a_histogram_leaves_strays_out_of_its_axis(campaign: SimpleNamespace) -> None:
    values = [70.0 + 0.01 * (n - 20) for n in range(41)]
    found = histogram_of(sample([*values, 99.0]))
    assert found is not None
    assert sum(found.counts) == 41
    assert max(found.edges) < 71
    assert 5 <= len(found.counts) <= 30
    assert len(found.edges) == len(found.counts) + 1
    assert found.x.unit == "V"
    many = histogram_of(sample(np.random.default_rng(1).normal(70, 0.1, 9000).tolist()))
    assert many is not None
    assert len(many.counts) == 30


def test_values_are_told_in_the_unit_that_people_read(campaign: SimpleNamespace) -> None:
    words = told(sample([0.2, 0.3], "pde"))
    assert (words.unit, words.scale, words.headline) == ("%", 100.0, True)
    line, _strays = line_and_strays(sample([0.2, 0.3, 0.4], "pde"))
    assert (line.lowest, line.highest) == ("20 %", "40 %")
    assert line.median.startswith("30")
    with override("es"):
        assert told(sample([0.2], "pde")).title != words.title


def test_a_quantity_of_no_installed_stage_is_told_by_what_was_stored(
    campaign: SimpleNamespace,
) -> None:
    row = QuantityRow.objects.create(stage="gone", key="tilt", title="Tilt", unit="mrad")
    lost = Sample(row, Condition(bias_v=71.0), np.array([1]), np.array([3.0]))
    words = told(lost)
    assert (words.stage, words.title, words.unit, words.scale) == ("gone", "Tilt", "mrad", 1.0)
    assert not words.headline
    assert in_order([lost, sample([70.0])])[-1] is lost


def pde_run(campaign: SimpleNamespace, operator: User) -> Run:
    """Four devices of two channels at 71.0 V, three of them at 72.0 V too."""
    devices = dict(enumerate(campaign.devices, 1))
    results = [
        result(slot, channel, slot / 10 + channel / 100, bias)
        for slot in devices
        for channel in (0, 1)
        for bias in ((71.0, 72.0) if slot < 4 else (71.0,))
    ]
    return stored(devices, results, operator)


def test_each_quantity_is_told_at_the_condition_that_most_devices_have(
    campaign: SimpleNamespace, operator: User
) -> None:
    ids = [one.pk for one in campaign.devices]
    Standing.objects.all().delete()
    run = pde_run(campaign, operator)
    values = read_values(ids, analyses=list(run.files.values_list("analyses", flat=True)))
    (found,) = measured_samples(values)
    assert found.at["bias_v"] == 71.0
    assert found.devices.tolist() == sorted(ids)
    assert found.values.tolist() == pytest.approx([0.105, 0.205, 0.305, 0.405])
    assert measured_samples(read_values([])) == []


def test_summaries_and_measured_values_tell_the_same(campaign: SimpleNamespace) -> None:
    ids = [one.pk for one in campaign.devices]
    analyses = list(campaign.run.files.values_list("analyses", flat=True))
    by_value = {
        one.quantity.key: one for one in measured_samples(read_values(ids, analyses=analyses))
    }
    by_summary = {one.quantity.key: one for one in summed_samples(ids)}
    assert set(by_value) == set(by_summary) == {
        "breakdown_voltage_v", "pde", "gain_adc", "crosstalk_probability",
    }  # fmt: skip
    for key, one in by_value.items():
        other = by_summary[key]
        assert one.devices.tolist() == other.devices.tolist()
        if one.at.get("overvoltage_v") == other.at.get("overvoltage_v"):
            assert one.values.tolist() == pytest.approx(other.values.tolist())
    assert by_summary["breakdown_voltage_v"].values.tolist() == pytest.approx([70.075] * 4)
    order = [one.quantity.key for one in summed_samples(ids)]
    assert order == [one.quantity.key for one in in_order(reversed(summed_samples(ids)))]
    assert summed_samples([]) == []


def test_a_group_counts_devices_by_state_and_those_without_a_verdict(
    campaign: SimpleNamespace,
) -> None:
    ids = [one.pk for one in campaign.devices]
    Standing.objects.filter(device=ids[0]).update(outcome="fail")
    Standing.objects.filter(device=ids[1]).update(outcome="warning")
    Standing.objects.filter(device=ids[2]).update(outcome="pass")
    Standing.objects.filter(device=ids[3]).delete()
    states = standing_of(ids)
    (count,) = stage_counts(states, len(ids))
    assert {key: n for key, n in count.numbers.items() if n} == {
        "fail": 1, "warning": 1, "pass": 1, "none": 1,
    }  # fmt: skip
    assert count.judged == 3
    assert (count.passed.passed, count.passed.judged) == (2, 3)
    assert count.title == "PDE"
    assert worst_of(states[ids[0]]) == "fail"
    assert worst_of(states.get(ids[3], {})) == "none"


@pytest.mark.parametrize(
    ("there", "worst"),
    [
        (("pass", "warning"), "warning"),
        (("pass", "waived"), "waived"),
        (("waived", "incomplete"), "incomplete"),
        (("incomplete", "fail", "pass"), "fail"),
        (("pass",), "pass"),
        ((), "none"),
    ],
)
def test_the_worst_state_stands_for_a_device(there: tuple[str, ...], worst: str) -> None:
    assert worst_of({str(n): (state, "") for n, state in enumerate(there)}) == worst


def test_more_devices_than_a_report_lists_are_refused_with_what_to_do(
    campaign: SimpleNamespace,
) -> None:
    rows = Device.objects.all()
    assert [one.serial for one in members(rows, most=4)] == [
        "GX-000", "GX-001", "GX-002", "GX-003",
    ]  # fmt: skip
    with pytest.raises(TooMany, match="at most 3 devices: choose fewer"):
        members(rows, most=3)


@pytest.mark.parametrize(
    ("passed", "judged", "text"),
    [
        (0, 0, "—"),
        # Wilson's interval at one standard deviation, by hand.
        (1, 1, "100.0 % (50.0 … 100.0 %)"),
        (0, 1, "0.0 % (0.0 … 50.0 %)"),
        (9_999, 10_000, "99.9 % (99.9 … 100.0 %)"),
        (50, 100, "50.0 % (45.0 … 55.0 %)"),
    ],
)
def test_a_yield_says_all_only_where_all_passed(passed: int, judged: int, text: str) -> None:
    assert yield_of(passed, judged).text == text


def test_a_tray_has_its_map_of_worst_states_and_values_by_place(
    campaign: SimpleNamespace,
) -> None:
    Standing.objects.filter(device=campaign.devices[2]).update(outcome="fail")
    view = tray_view(campaign.tray)
    assert view.map is not None
    assert (view.map.rows, view.map.columns) == (4, 5)
    assert view.map.states[0, 2] == "fail"
    assert set(view.map.states) == {(0, column) for column in range(4)}
    assert 0 < len(view.maps) <= 4
    assert "PDE" in view.maps[0].title or "etection" in view.maps[0].title, "headlines come first"
    assert set(view.maps[0].values) == {(0, column) for column in range(4)}
    assert [one.place for one in view.devices][:2] == ["T-1 (0, 0)", "T-1 (0, 1)"]
    assert ("Devices", "4") in view.facts
    assert view.kinds.parts[0].name == campaign.kind.name
    assert view.as_of >= Standing.objects.latest("changed_at").changed_at


def test_a_lot_and_a_choice_hold_their_own_devices_alone(campaign: SimpleNamespace) -> None:
    lot = Lot.objects.get(name="L1")
    other = Lot.objects.create(name="L2")
    Device.objects.filter(serial="GX-003").update(lot=other)
    assert [one.serial for one in lot_view(lot).devices] == ["GX-000", "GX-001", "GX-002"]
    assert [one.serial for one in lot_view(other).devices] == ["GX-003"]
    chosen = chosen_view(Device.objects.filter(serial="GX-001"), "mine", [("By", "hand")])
    assert (chosen.name, chosen.facts) == ("mine", (("By", "hand"), ("Devices", "1")))
    empty = chosen_view(Device.objects.none(), "none", [])
    assert (empty.devices, empty.stages, empty.quantities) == ((), (), ())


def test_a_run_is_told_by_its_own_verdicts_whatever_was_decided_later(
    campaign: SimpleNamespace,
) -> None:
    before = run_view_of(campaign.run)
    verdict = Standing.objects.filter(device=campaign.devices[0]).get().verdict
    Standing.objects.update(outcome="fail")
    assert run_view_of(campaign.run) == before
    assert [one.place for one in before.devices] == ["slot 1", "slot 2", "slot 3", "slot 4"]
    facts = dict(before.facts)
    assert facts["Station"] == "pde-1"
    assert facts["Raw file"].startswith(f"run-{campaign.run.pk}.root, SHA-256 ")
    assert any("GX-000, ch. 3: the fit of <b>one</b>" in one for one in before.problems)
    grant_waiver(verdict, "a prototype", by=pen_of())
    assert run_view_of(campaign.run).stages == before.stages


def test_what_groups_say_of_strays_is_bounded_and_the_rest_counted(
    campaign: SimpleNamespace,
) -> None:
    values = [70.0 + 0.001 * (n % 7) for n in range(1000)] + [90.0 + n for n in range(70)]
    found = numbers_of([sample(values)], {1070: "far-out"})
    assert len(found["strays"]) == 60
    assert found["more_strays"] == 10
    serial, first = found["strays"][0]
    assert (serial, first.device) == ("far-out", 1070)
    assert len(found["quantities"]) == len(found["histograms"]) == 1
