"""Whatever was done, answers are those of SQL on the database: with a copy, without, or half."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User

from mppcqa.columnar import files, keeping
from mppcqa.columnar.questions import Chosen, Measure, Questions, Range
from mppcqa.columnar.rows import point_of
from mppcqa.inventory.models import Device, Institute, Lot, Tag
from mppcqa.inventory.scope import scope_of
from mppcqa.limits.judging import active_limits, judge_again
from mppcqa.limits.models import Limit, LimitSet, Verdict
from mppcqa.results.conditions import compared
from mppcqa.results.counting import make_count
from mppcqa.results.models import Analysis, Measurement, QuantityRow, Standing
from mppcqa.stages import get_stage
from tests.campaign import measured_run

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_copy(tmp_path: Path, settings: Any) -> None:
    settings.MPPCQA_COLUMNAR = tmp_path / "columnar"
    settings.MPPCQA_COLUMNAR_KEEP_S = 0.0


def measure(key: str, *points: float) -> Measure:
    row = QuantityRow.objects.get(stage="pde", key=key)
    rows = Measurement.objects.filter(quantity=row).select_related("condition")
    at = {compared(one.condition.at) for one in rows}
    wanted = {one for one in at if not points or one.get("overvoltage_v") in points}
    return Measure(row.pk, tuple(sorted(wanted, key=str)), "pde")


def by_sql(wanted: Measure, **devices: Any) -> list[float]:
    """Values that count of chosen devices, by the database's own means."""
    pairs = set(
        Standing.objects.filter(
            stage=wanted.stage, device__in=Device.objects.filter(**devices)
        ).values_list("device", "analysis")
    )
    rows = Measurement.objects.filter(quantity=wanted.quantity).select_related("condition")
    return sorted(
        row.value
        for row in rows
        if (row.device_id, row.analysis_id) in pairs
        and compared(row.condition.at) in wanted.at
        and not getattr(row, "bound", 0)
    )


def by_copy(wanted: Measure, chosen: Chosen | None = None, **named: Any) -> list[float]:
    return sorted(one.value for one in Questions(chosen=chosen, **named).listed(wanted))


def same_everywhere(wanted: Measure, chosen: Chosen | None = None, **devices: Any) -> list[float]:
    """As SQL has it: from the copy as it is, brought up to date, and made anew."""
    expected = by_sql(wanted, **devices)
    assert by_copy(wanted, chosen) == expected
    keeping.follow()
    assert by_copy(wanted, chosen) == expected
    assert Questions().snapshot.fresh == 0
    found = Questions(chosen=chosen).summary(wanted)
    if expected:
        assert (found[0].n, found[0].low, found[0].high) == (
            len(expected), expected[0], expected[-1]
        )  # fmt: skip
        assert found[0].median == pytest.approx(np.median(expected), rel=1e-12)
        counted = Questions(chosen=chosen).histogram(wanted)
        assert sum(map(sum, counted.counts.values())) + counted.below + counted.above == len(
            expected
        )
    assert keeping.check().wrong == []
    return expected


def test_ingest_reanalysis_lots_verdicts_and_tags(
    campaign: SimpleNamespace, operator: User
) -> None:
    gain = measure("gain_adc", 1.6)
    assert len(same_everywhere(gain)) == 4 * 16

    # Another run replaces two of the devices, then the former analysis counts again.
    former = Analysis.objects.get()
    measured_run(campaign.stations[0], campaign.devices[:2], operator)
    assert len(same_everywhere(gain)) == 4 * 16
    Measurement.objects.exclude(analysis=former).update(value=999.0)  # in no copy yet would differ
    keeping.rebuild()
    assert by_copy(gain).count(999.0) == 2 * 16
    make_count(former)
    assert 999.0 not in same_everywhere(gain)

    moved = campaign.devices[0]
    new = Lot.objects.create(name="L2")
    Device.objects.filter(pk=moved.pk).update(lot=new)
    mine = Chosen(ids={"lot": (new.pk,)})
    assert len(same_everywhere(gain, mine, lot=new)) == 16
    by_lot = {one.group: one.devices for one in Questions().summary(gain, "lot")}
    assert by_lot == {new.pk: 1, campaign.devices[1].lot_id: 3}

    tag = Tag.objects.create(name="odd")
    campaign.devices[3].tags.add(tag)
    assert len(same_everywhere(gain, Chosen(tags=(tag.pk,)), tags=tag)) == 16

    stage = get_stage("pde")
    limits = active_limits(stage)
    before = [one.passed for one in Questions().yields("pde")]
    Limit.objects.filter(limit_set=limits).exclude(quantity__key="gain_adc").delete()
    Limit.objects.filter(limit_set=limits).update(
        pass_low=None, pass_high=1e9, warn_low=None, warn_high=None
    )
    Verdict.objects.filter(device=moved).update(limit_set=_another(limits))
    judge_again(stage, limits, [moved.pk])
    assert Standing.objects.get(device=moved, stage="pde").outcome == "pass"
    devices = Standing.objects.filter(outcome="pass").values("device")
    assert same_everywhere(gain, Chosen(outcomes=("pass",)), pk__in=devices)
    assert before != [one.passed for one in Questions().yields("pde")]


def _another(limits: LimitSet) -> LimitSet:
    """A set that some verdict was by, so that the device is judged anew by `limits`."""
    return LimitSet.objects.create(stage=limits.stage, version=limits.version + 1, active=False)


def test_ranges_pairs_and_maps(campaign: SimpleNamespace) -> None:
    keeping.follow()
    gain, pde = measure("gain_adc", 1.6), measure("pde", 1.6)
    breakdown = measure("breakdown_voltage_v")
    some = Chosen(ranges=(Range(breakdown, 70.1, 70.125),))
    assert len(by_copy(gain, some)) == 4 * 3  # channels 10, 11 and 12
    assert Questions().tray_map(gain) == [(0, n, 16, pytest.approx(48.0)) for n in range(4)]
    assert [one[1:3] for one in Questions().channel_map(gain)] == [(c, 4) for c in range(16)]
    pairs = Questions().pairs(breakdown, pde)
    assert pairs.n == 64
    assert pairs.pearson is None  # all of one value
    pairs = Questions().pairs(measure("gain_adc"), measure("pde"))
    assert {one[1] for one in pairs.points} == set(range(16))
    weeks = Questions().over_time(gain, "station")
    assert [(one.group, one.n) for one in weeks] == [(campaign.stations[0].pk, 64)]


def spread(wanted: Measure) -> None:
    """Each value of a quantity is its device and channel, and differs between conditions."""
    for row in Measurement.objects.filter(quantity=wanted.quantity).select_related("condition"):
        value = row.device_id * 1000 + row.channel * 10 + row.condition.at.get("overvoltage_v")
        Measurement.objects.filter(
            analysis=row.analysis_id, device=row.device_id, quantity=row.quantity_id,
            channel=row.channel, condition=row.condition_id,
        ).update(value=value)  # fmt: skip


def test_pairs_by_condition_are_of_each_condition(campaign: SimpleNamespace) -> None:
    gain, pde = measure("gain_adc"), measure("pde")
    assert len(gain.at) > 1
    spread(gain)
    spread(pde)
    keeping.follow()
    each = Questions().pairs(gain, pde, "point")
    assert each.n == 64 * len(gain.at)
    assert all(x == y for _device, _channel, _point, x, y in each.points)
    of_point = {point_of(at): at.get("overvoltage_v") for at in gain.at}
    assert set(of_point) == {one[2] for one in each.points}
    for device, channel, point, x, _y in each.points:
        assert x == pytest.approx(device * 1000 + channel * 10 + of_point[point])
    one = Questions().pairs(gain, measure("pde", 1.6), "point")
    assert one.n == each.n
    for _device, _channel, point, x, y in one.points:
        assert x - y == pytest.approx(of_point[point] - 1.6)
    means = Questions().pairs(gain, pde, "lot")
    assert means.n == 64
    middle = np.mean(list(of_point.values()))
    for device, channel, _lot, x, y in means.points:
        assert (x, y) == pytest.approx((device * 1000 + channel * 10 + middle,) * 2)
    assert Questions(chosen=Chosen(channel=99)).pairs(gain, pde, "point").n == 0


def test_limits_are_of_the_first_quantity_alone(campaign: SimpleNamespace) -> None:
    breakdown, gain = measure("breakdown_voltage_v"), measure("gain_adc", 1.6)
    found = Questions(chosen=Chosen(low=70.1, high=70.125)).pairs(breakdown, gain)
    assert {one[1] for one in found.points} == {10, 11, 12}
    assert [one[4] for one in found.points] == pytest.approx([48.0] * 12)


def test_pages_of_values_are_those_of_all(campaign: SimpleNamespace) -> None:
    gain = measure("gain_adc")
    spread(gain)
    every = Questions().listed(gain, 0, 10_000)
    assert [(one.device, one.channel) for one in every] == sorted(
        (one.device, one.channel) for one in every
    )
    pages = [Questions().listed(gain, start, 37) for start in range(0, len(every) + 37, 37)]
    assert [one for page in pages for one in page] == every


def test_outliers_are_those_of_numpy(campaign: SimpleNamespace) -> None:
    gain = measure("gain_adc", 1.6)
    rows = Measurement.objects.filter(quantity=gain.quantity)
    rng = np.random.default_rng(3)
    for row in rows:
        drawn = float(48 + rng.normal())
        row_filter = {name: getattr(row, f"{name}_id", None) for name in ("analysis", "device",
                      "quantity", "condition")}  # fmt: skip
        Measurement.objects.filter(channel=row.channel, **row_filter).update(value=drawn)
    odd = rows.filter(device=campaign.devices[2], channel=5)
    odd.update(value=80.0)
    values = np.array(by_sql(gain))
    middle = np.median(values)
    scatter = 1.4826 * np.median(abs(values - middle))
    found = Questions().outliers(gain)
    assert [(one.device, one.channel) for one in found] == [(campaign.devices[2].pk, 5)]
    assert found[0].pull == pytest.approx((80 - middle) / scatter)


def test_who_is_bound_sees_the_own(campaign: SimpleNamespace, operator: User) -> None:
    keeping.follow()
    own = Institute.objects.create(name="Own")
    Device.objects.filter(pk=campaign.devices[1].pk).update(owner=own)
    operator.person.institute = own
    operator.person.save()
    scope = scope_of(User.objects.get(pk=operator.pk))
    gain = measure("gain_adc", 1.6)
    asked = Questions(scope)
    assert {one.device for one in asked.listed(gain)} == {campaign.devices[1].pk}
    assert asked.summary(gain)[0].devices == 1
    assert asked.choices(["device"])["device"] == [campaign.devices[1].pk]
    assert sum(one.judged for one in asked.yields("pde")) == 1
    assert sum(one.judged for one in asked.yields("pde", first=True)) == 1
    assert len({one[0] for one in asked.pairs(gain, gain).points}) == 1
    assert len(asked.tray_map(gain)) == 1
    assert {one[2] for one in asked.channel_map(gain)} == {1}


def test_first_verdict_stays_the_first(campaign: SimpleNamespace) -> None:
    stage = get_stage("pde")
    first = Questions().yields("pde", first=True)
    limits = active_limits(stage)
    Limit.objects.filter(limit_set=limits).update(
        pass_low=-1e9, pass_high=1e9, warn_low=None, warn_high=None
    )
    judge_again(stage, limits, [one.pk for one in campaign.devices])
    assert Questions().yields("pde", first=True) == first


def test_a_wrong_copy_is_found(campaign: SimpleNamespace) -> None:
    keeping.follow()
    assert keeping.check().values == Measurement.objects.count()
    first = Measurement.objects.order_by("device", "quantity", "channel", "condition")[0]
    rows = Measurement.objects.filter(device=first.device_id, quantity=first.quantity_id)
    rows.filter(channel=first.channel, condition=first.condition_id).update(value=1.5)
    assert keeping.check().wrong == [first.analysis_id]
    keeping.rebuild()
    assert keeping.check().wrong == []


def test_a_copy_of_another_database_is_left(campaign: SimpleNamespace) -> None:
    keeping.follow()
    layout = files.read_layout()
    there = dict.fromkeys(files.read_analyses(layout), "ffffffffffff")
    files.write_layout(files.replace(layout, analyses=files.write_analyses(there)))
    gain = measure("gain_adc", 1.6)
    assert by_copy(gain) == by_sql(gain)
    keeping.follow()
    assert keeping.check().absent == []


def test_limits_are_in_no_answer_and_told_beside_it(campaign: SimpleNamespace) -> None:
    crosstalk = measure("crosstalk_probability", 1.6)
    some = Measurement.objects.filter(quantity=crosstalk.quantity, device=campaign.devices[0])
    some.filter(channel__lt=5).update(bound=1, statistical=None)
    mine = Chosen(channel=3)
    for _ in ("the database is read", "the copy is"):
        assert len(by_copy(crosstalk)) == 4 * 16 - 5
        assert Questions().one_sided(crosstalk) == 5
        assert Questions(chosen=mine).one_sided(crosstalk) == 1
        gain = measure("gain_adc", 1.6)
        assert Questions().one_sided(gain) == 0
        # Of channels whose gain is above all: there is none, so no limit either.
        above = Chosen(ranges=(Range(gain, low=1e9),))
        assert Questions(chosen=above).one_sided(crosstalk) == 0
        keeping.follow()
