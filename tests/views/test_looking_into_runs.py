"""A run as it is looked into: pages of devices, grids, trends, and two runs beside each other."""

from __future__ import annotations

import math
from dataclasses import replace
from io import BytesIO
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User

from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import Device
from mppcqa.results.ingest import store_analysis
from mppcqa.results.models import WHOLE_DEVICE
from mppcqa.runs.models import Run, RunFile, RunSlot
from mppcqa.stages import Condition, Result, get_axis, get_stage
from mppcqa.stages.numbers import ABOVE, BELOW
from mppcqa.store.keeping import keeping
from mppcqa.views.explore import One, RunView, compare, grid, mean_of, run_view
from mppcqa.views.trends import axes_of, trends


def stored(
    devices: dict[int, Device], results: list[Result], operator: User, run: Run | None = None
) -> Run:
    """A run of devices by slot with an analysis that holds these results."""
    stage = get_stage("pde")
    if run is None:
        run = Run.objects.create(stage="pde", parameters=stage.clean({}), operator=operator)
        RunSlot.objects.bulk_create(
            RunSlot(run=run, slot=slot, device=device) for slot, device in devices.items()
        )
    with keeping(BytesIO(b"run %d" % run.pk), "runs", ".root") as kept:
        file = RunFile.objects.create(
            file=kept.name, sha256=kept.sha256, size=kept.size, original_name="r.root", run=run
        )
    store_analysis(stage, file, {slot: one.pk for slot, one in devices.items()}, results, [])
    return run


def result(
    slot: int, channel: int, value: float, bias: float, error: float = 0.01, **more: float
) -> Result:
    at = Condition(bias_v=bias, overvoltage_v=round(bias - 70, 2), temperature_c=20.0, light=1.0)
    at = Condition({**at, **more})
    return Result(
        slot=slot,
        channel=channel,
        quantity="pde",
        value=value,
        uncertainty=error,
        condition=at,
    )


@pytest.fixture
def many(campaign: SimpleNamespace, operator: User) -> Run:
    """A run of eleven devices in slots 2, 4 … 22."""
    rows = [{"serial": f"MN-{n:02d}", "device_type": campaign.kind.name} for n in range(11)]
    register_devices(rows, by=operator)
    found = Device.objects.filter(serial__startswith="MN-").order_by("serial")
    devices = {2 * n: one for n, one in enumerate(found, 1)}
    results = [result(slot, 0, 0.2 + slot / 1000, 71.0) for slot in devices]
    return stored(devices, results, operator)


def test_pages_of_devices_go_over_each_once_forward_and_back(many: Run) -> None:
    seen, after, pages = [], 0, []
    while True:
        view = run_view(many, most=4, after=after)
        pages.append(view)
        seen += list(view.devices)
        if view.more is None:
            break
        after = view.more
    assert seen == list(range(2, 24, 2))
    assert [len(one.devices) for one in pages] == [4, 4, 3]
    assert pages[0].fewer is None
    assert [run_view(many, most=4, after=one.fewer).first_slot for one in pages[1:]] == [2, 10]
    assert (pages[1].first_slot, pages[1].last_slot) == (10, 16)


def test_the_page_of_a_slot_begins_there_unless_it_is_on_the_first(many: Run) -> None:
    assert list(run_view(many, most=4, slot=6).devices) == [2, 4, 6, 8]
    view = run_view(many, most=4, slot=14)
    assert list(view.devices) == [14, 16, 18, 20]
    assert run_view(many, most=4, after=view.fewer or 0).last_slot < 14
    # A slot that the run does not have changes nothing.
    assert list(run_view(many, most=4, slot=15).devices) == [2, 4, 6, 8]
    assert list(run_view(many, most=4, slot=99).devices) == [2, 4, 6, 8]


def test_past_the_end_there_is_a_way_back(many: Run) -> None:
    view = run_view(many, most=4, after=22)
    assert (view.devices, view.more) == ({}, None)
    assert view.fewer is not None
    assert (view.first_slot, view.last_slot) == (0, 0)
    assert run_view(many, most=4, after=view.fewer).last_slot == 22


def test_some_devices_of_a_run_are_shown_alone(many: Run) -> None:
    mine = Device.objects.filter(serial__in=("MN-03", "MN-07"))
    assert [one.serial for one in run_view(many, devices=mine).devices.values()] == [
        "MN-03", "MN-07",
    ]  # fmt: skip
    assert [one.slot for one in run_view(many, devices=mine).values("pde")] == [8, 16]


def test_a_grid_of_devices_holds_their_means_and_one_of_a_device_its_channels(
    campaign: SimpleNamespace, operator: User
) -> None:
    devices = dict(enumerate(campaign.devices[:2], 1))
    results = [
        result(slot, channel, slot / 10 + channel / 100, bias)
        for slot in devices
        for channel in (0, 2)
        for bias in (72.0, 71.0)
    ]
    view = run_view(stored(devices, results, operator))
    found = grid(view, "pde")
    assert found.row_names == ["GX-000", "GX-001"]
    assert [view.setting(one.pk)["bias_v"] for one in found.columns] == [71.0, 72.0]
    scale = view.known["pde"].scale
    assert scale == 100
    assert {place: one.value for place, one in found.values.items()} == {
        (row, column): pytest.approx(scale * ((row + 1) / 10 + 0.01))
        for row in (0, 1)
        for column in (0, 1)
    }
    # Two independent channels of 0.01 each.
    assert found.values[0, 0].statistical == pytest.approx(scale * 0.01 / math.sqrt(2))
    own = grid(view, "pde", slot=2)
    assert [key for _slot, key in own.row_keys] == [0, 2]
    assert own.values[1, 0].value == pytest.approx(scale * 0.22)
    assert own.values[1, 0].statistical == pytest.approx(scale * 0.01)
    assert grid(view, "gain_adc").values == {}
    assert grid(view, "no such quantity").values == {}


def test_values_read_one_by_one_and_all_at_once_are_the_same(
    campaign: SimpleNamespace, operator: User
) -> None:
    apart, at_once = run_view(campaign.run), run_view(campaign.run)
    there = at_once.read_all()
    assert set(there) == set(apart.quantities)
    for quantity in there:
        first = sorted(apart.values(quantity), key=str)
        assert first == sorted(at_once.values(quantity), key=str)
        assert there[quantity] == {one.condition for one in first}
    one = run_view(campaign.run)
    some = one.read_all([2])
    assert set(some) == set(there)
    assert {value.slot for value in one.values("pde", [2])} == {2}
    assert len(one.values("pde", [2])) * 4 == len(apart.values("pde"))


def test_a_run_without_an_analysis_has_no_values_and_says_nothing_of_their_origin(
    campaign: SimpleNamespace, operator: User
) -> None:
    run = Run.objects.create(stage="pde", parameters={}, operator=operator)
    view = run_view(run)
    assert view.analysis is None
    assert view.values("pde") == []
    assert view.read_all() == {}
    assert view.about_all("pde") is None
    assert view.about("pde", One(1, 0, 1, 1.0, None)) is None
    assert view.other is None
    assert not view.imported
    assert view.quantities == {}
    assert "pde" in view.known


def test_the_analysis_that_was_asked_for_is_shown_and_said_to_be_another(
    campaign: SimpleNamespace, operator: User
) -> None:
    devices = {1: campaign.devices[0]}
    run = stored(devices, [result(1, 0, 0.3, 71.0)], operator)
    first = run_view(run).analysis
    assert first is not None
    stage = get_stage("pde")
    second = store_analysis(
        stage, first.run_file, {1: devices[1].pk}, [result(1, 0, 0.4, 71.0)], []
    )
    counting = run_view(run)
    assert counting.analysis is not None
    other = first if counting.analysis.pk == second.pk else second
    view = run_view(run, str(other.pk))
    assert view.analysis == other
    assert (counting.other, view.other) == (None, other.pk)
    assert view.values("pde")[0].value != counting.values("pde")[0].value
    # What another run's analysis is called is no analysis of this one.
    assert run_view(run, "999999").analysis == counting.analysis
    about = view.about("pde", view.values("pde")[0])
    assert about is not None
    assert (about.run, about.slot, about.channel, about.analysis) == (run.pk, 1, 0, other.pk)
    assert about.at["bias_v"] == 71.0
    assert "overvoltage_v" not in about.at, "it follows from what was set"
    whole = view.about_all("pde", 1)
    assert whole is not None
    assert whole.channel is None


def two_runs(
    campaign: SimpleNamespace, operator: User, first: list[Result], second: list[Result]
) -> tuple[RunView, RunView]:
    devices = dict(enumerate(campaign.devices[:2], 1))
    other = {slot + 4: one for slot, one in devices.items()}
    return (
        run_view(stored(devices, first, operator)),
        run_view(stored(other, second, operator)),
    )


def test_two_runs_are_compared_by_device_and_setting_in_their_uncertainties(
    campaign: SimpleNamespace, operator: User
) -> None:
    first, second = two_runs(
        campaign,
        operator,
        [result(1, 0, 0.30, 71.0, 0.03), result(1, 0, 0.35, 72.0), result(2, 0, 0.2, 71.0)],
        [result(5, 0, 0.40, 71.0, 0.04), result(6, 0, 0.2, 71.5)],
    )
    (found,) = compare(first, second, "pde")
    assert found.name == "GX-000"
    assert not found.same_events
    assert found.change == pytest.approx(10.0)
    assert found.change_error == pytest.approx(5.0)
    assert found.pull == pytest.approx(2.0)
    (back,) = compare(second, first, "pde")
    assert back.pull == pytest.approx(-2.0)


def test_of_the_same_events_only_the_change_and_the_values_own_uncertainty_tell(
    campaign: SimpleNamespace, operator: User
) -> None:
    view = run_view(stored({1: campaign.devices[0]}, [result(1, 0, 0.3, 71.0, 0.03)], operator))
    (found,) = compare(view, view, "pde")
    assert found.same_events
    assert (found.change, found.change_error, found.pull) == (0.0, None, 0.0)


def test_what_has_no_uncertainty_or_is_a_limit_has_no_pull(
    campaign: SimpleNamespace, operator: User
) -> None:
    first, second = two_runs(
        campaign,
        operator,
        [result(1, 0, 0.3, 71.0, math.nan), result(2, 0, 0.3, 71.0)],
        [result(5, 0, 0.4, 71.0), result(6, 0, 0.4, 71.0)],
    )
    unknown, known = compare(first, second, "pde")
    assert (unknown.change_error, unknown.pull) == (None, None)
    assert known.pull == pytest.approx(10.0 / math.sqrt(2))
    limit = replace(known, second=known.second._replace(bound=BELOW))
    assert (limit.change_error, limit.pull) == (None, None)


def row(value: float, error: float | None = 0.1, bound: int = 0, systematic: float = 0.0) -> One:
    return One(1, 0, 7, value, error, systematic, bound)  # type: ignore[arg-type]


def test_a_mean_shrinks_with_independent_values_and_not_with_what_they_share() -> None:
    found = mean_of([row(1.0, 0.3, systematic=0.2), row(3.0, 0.4, systematic=0.4)])
    assert found is not None
    assert (found.value, found.channel, found.condition) == (2.0, WHOLE_DEVICE, 7)
    assert found.statistical == pytest.approx(0.25)
    assert found.systematic == pytest.approx(0.3)
    assert found.total == pytest.approx(math.hypot(0.25, 0.3))
    unknown = mean_of([row(1.0), row(2.0, None)])
    assert unknown is not None
    assert (unknown.statistical, unknown.total) == (None, None)


@pytest.mark.parametrize(
    ("rows", "value", "bound", "limits"),
    [
        # One of ten may be missing in the mean of the others.
        ([row(1.0)] * 9 + [row(50.0, None, BELOW)], 1.0, 0, 1),
        # Of limits alone only the outermost says something of all.
        ([row(1.0, None, BELOW), row(3.0, None, BELOW)], 3.0, BELOW, 2),
        ([row(1.0, None, ABOVE), row(3.0, None, ABOVE)], 1.0, ABOVE, 2),
        # Half of them: the mean with each limit as its value, and 1.645 of what the rest leaves.
        ([row(1.0, 0.2), row(3.0, None, BELOW)], 2.0 + 1.645 * 0.2 / 2, BELOW, 1),
        ([row(1.0, 0.2), row(3.0, None, ABOVE)], 2.0 - 1.645 * 0.2 / 2, ABOVE, 1),
    ],
)
def test_limits_among_values_make_the_mean_a_limit_where_they_are_many(
    rows: list[One], value: float, bound: int, limits: int
) -> None:
    found = mean_of(rows)
    assert found is not None
    assert found.value == pytest.approx(value)
    assert (found.bound, found.limits) == (bound, limits)


def test_upper_and_lower_limits_together_say_nothing_of_a_mean() -> None:
    mixed = [row(1.0), row(2.0, None, BELOW), row(3.0, None, ABOVE)]
    assert mean_of(mixed) is None


def scan(operator: User, device: Device, temperatures: tuple[float, ...]) -> RunView:
    results = [
        result(1, channel, 0.1 * (bias - 70) + warm / 1000, bias, 0.01, temperature_c=warm)
        for channel in (0, 1)
        for warm in temperatures
        for bias in (71.0, 71.5, 72.0)
    ]
    return run_view(stored({1: device}, results, operator))


def test_values_can_be_drawn_against_what_was_changed_while_the_rest_stayed(
    campaign: SimpleNamespace, operator: User
) -> None:
    for temperatures, expected in (((20.0,), ["bias_v"]), ((15.0, 25.0), None)):
        view = scan(operator, campaign.devices[0], temperatures)
        view.read_all()
        found = [axis.key for axis in axes_of(view.conditions.values())]
        if expected is None:
            assert set(found) == {"bias_v", "temperature_c"}
        else:
            assert found == expected
    assert axes_of([]) == []


def test_a_trend_has_a_series_for_each_other_setting_and_a_line_through_it(
    campaign: SimpleNamespace, operator: User
) -> None:
    view = scan(operator, campaign.devices[0], (15.0, 25.0))
    cold, warm = trends(view, "pde", get_axis("bias_v"), slot=1)
    assert cold.x == warm.x == [71.0, 71.5, 72.0]
    assert cold.y == pytest.approx([11.5, 16.5, 21.5])
    assert warm.y == pytest.approx([12.5, 17.5, 22.5])
    assert cold.error == pytest.approx([1.0 / math.sqrt(2)] * 3)
    assert "15" in cold.name
    assert "25" in warm.name
    assert "light" not in cold.name, "what all have in common tells nothing apart"
    assert cold.line.slope == pytest.approx(10.0)
    along = trends(view, "pde", get_axis("temperature_c"), slot=1, channel=1)
    assert [one.x for one in along] == [[15.0, 25.0]] * 3
    assert all(one.line.slope == pytest.approx(0.1) for one in along)
    assert trends(view, "pde", get_axis("wavelength_nm")) == []


def test_one_channel_is_drawn_alone_beside_what_is_of_the_whole_device(
    campaign: SimpleNamespace, operator: User
) -> None:
    results = [result(1, channel, 0.1 + channel / 10, 71.0) for channel in (0, 1, 2)]
    results.append(replace(result(1, 0, 0.5, 72.0), channel=None))
    view = run_view(stored({1: campaign.devices[0]}, results, operator))
    axis = get_axis("bias_v")
    (one,) = trends(view, "pde", axis, slot=1, channel=2)
    assert (one.x, one.y) == ([71.0, 72.0], pytest.approx([30.0, 50.0]))
    (every,) = trends(view, "pde", axis, slot=1)
    assert every.y == pytest.approx([20.0, 50.0])


def test_a_limit_has_no_part_in_a_line(campaign: SimpleNamespace, operator: User) -> None:
    results = [
        result(1, 0, 0.1, 71.0), result(1, 0, 0.2, 71.5), result(1, 0, 0.3, 72.0),
    ]  # fmt: skip
    far = result(1, 0, 0.9, 72.5, math.nan)
    results.append(replace(far, bound=BELOW))
    view = run_view(stored({1: campaign.devices[0]}, results, operator))
    (found,) = trends(view, "pde", get_axis("bias_v"))
    assert found.bound == [0, 0, 0, BELOW]
    assert found.line.slope == pytest.approx(20.0)
