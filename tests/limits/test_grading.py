"""Grades of many devices at once are those of the rules, said plainly, device by device."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.utils.translation import override

from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import DeviceType
from mppcqa.limits.grading import grade
from mppcqa.limits.judging import active_limits
from mppcqa.limits.models import Limit, LimitSet
from mppcqa.limits.remarks import remarks
from mppcqa.results.bulk_values import MeasurementColumns, write_measurements
from mppcqa.results.ingest import store_analysis
from mppcqa.results.models import Analysis, ConditionPoint, Outcome, Standing
from mppcqa.results.references import condition_ids, quantity_ids
from mppcqa.runs.models import RunFile
from mppcqa.stages import Condition, Result, get_stage
from tests.campaign import make_campaign

pytestmark = pytest.mark.django_db
OVERVOLTAGES = (None, 0.9, 1.1, 2.0, 3.0)
BADNESS = {"pass": 0, "warning": 1, "incomplete": 2, "fail": 3}


def plain(limit: Limit, rows: list[tuple[int, ConditionPoint, float]], expected: int) -> Any:
    """Outcome, channel of the worst value, and numbers judged and missing."""
    if limit.at:
        wanted = limit.at["overvoltage_v"]
        rows = [row for row in rows if "overvoltage_v" in row[1].at]
        far = [(round(abs(row[1].at["overvoltage_v"] - wanted), 9), row[1].pk) for row in rows]
        near = [one for one in far if one[0] <= 0.5]  # what the axis declares
        rows = [row for row, one in zip(rows, far, strict=True) if near and one == min(near)]
    missing = max(0, expected - len({row[0] for row in rows}))
    if not rows:
        return "incomplete", None, 0, missing

    def graded(row: tuple[int, ConditionPoint, float]) -> str:
        for outcome, low, high in (
            ("pass", limit.pass_low, limit.pass_high),
            ("warning", limit.warn_low, limit.warn_high),
        ):
            given = outcome == "pass" or low is not None or high is not None
            if given and (low is None or row[2] >= low) and (high is None or row[2] <= high):
                return outcome
        return "fail"

    def outside(row: tuple[int, ConditionPoint, float]) -> float:
        below = -np.inf if limit.pass_low is None else limit.pass_low - row[2]
        return max(below, -np.inf if limit.pass_high is None else row[2] - limit.pass_high)

    worst = max(rows, key=lambda row: (BADNESS[graded(row)], outside(row)))
    outcome = graded(worst)
    if missing:
        outcome = max(outcome, "incomplete", key=BADNESS.__getitem__)
    return outcome, worst[0], len(rows), missing


@pytest.mark.parametrize("seed", range(4))
def test_grades_are_those_of_the_rules(operator: User, seed: int) -> None:
    rng = np.random.default_rng(seed)
    campaign = make_campaign(operator, devices=9)
    analysis = Analysis.objects.get()
    ids = [device.pk for device in campaign.devices]
    stage = get_stage("pde")
    quantities = quantity_ids(stage)
    made = condition_ids(Condition(bias_v=71.5, overvoltage_v=one) for one in OVERVOLTAGES)
    points = list(ConditionPoint.objects.filter(pk__in=made.values()).order_by("pk"))
    keys = ("pde", "gain_adc", "gain_spread")
    limits = LimitSet.objects.create(stage="pde", version=99, title="of a test")
    for key in keys:
        for overvoltage in (None, 1.0, 2.6):
            bands = np.sort(rng.normal(0, 1, 4)).round(1).tolist()
            given = [None if rng.random() < 0.3 else band for band in bands]
            Limit.objects.create(
                limit_set=limits,
                quantity_id=quantities[key],
                at=Condition(overvoltage_v=overvoltage),
                warn_low=given[0],
                pass_low=bands[1],
                pass_high=given[2],
                warn_high=given[3],
            )
    # Some channels, conditions and whole devices lack values; rounding makes equal ones.
    grid = np.array(np.meshgrid(ids[1:], range(16), range(len(points)), range(3))).reshape(4, -1)
    grid = grid[:, rng.random(grid.shape[1]) < rng.choice([0.05, 0.5, 1.0])]
    device, channel, point, quantity = grid
    channel = np.where(quantity == 2, -1, channel)
    _unique, first = np.unique(
        np.stack([device, channel, point, quantity]), axis=1, return_index=True
    )
    columns = MeasurementColumns(
        device=device[first].astype("i4"),
        analysis=np.full(len(first), analysis.pk + 1, "i4"),
        quantity=np.array([quantities[key] for key in keys], "i2")[quantity[first]],
        channel=channel[first].astype("i2"),
        condition=np.array([one.pk for one in points], "i4")[point[first]],
        value=rng.normal(0, 1, len(first)).round(1),
        statistical=np.full(len(first), np.nan),
        systematic=np.zeros(len(first), "f4"),
    )
    written = write_measurements(columns)
    analyses = dict.fromkeys(ids, analysis.pk + 1)
    found = grade(stage, limits, analyses)
    assert found == grade(stage, limits, analyses, written)
    by_id = {one.pk: one for one in points}
    for pk in ids:
        outcome, details = found[pk]
        expected = []
        for limit, detail in zip(limits.limits.all(), details, strict=True):
            mine = written.take((written.device == pk) & (written.quantity == limit.quantity_id))
            rows = [
                (channel, by_id[condition], value)
                for channel, condition, value in zip(
                    mine.channel.tolist(), mine.condition.tolist(), mine.value.tolist(), strict=True
                )
            ]
            scope = 1 if detail["quantity"] == "gain_spread" else 16
            expected.append(plain(limit, rows, scope))
            assert (
                detail["outcome"],
                detail.get("channel"),
                detail["judged"],
                detail["missing"],
            ) == expected[-1]
        assert outcome == max((one[0] for one in expected), key=BADNESS.__getitem__)


def test_a_device_of_one_channel_needs_no_spread(campaign: SimpleNamespace) -> None:
    """What only several channels can have does not leave a single one incomplete."""
    DeviceType.objects.create(name="single", rows=1, columns=1)
    [device] = register_devices([{"serial": "A-1", "device_type": "single"}])
    at = Condition(bias_v=71.6, overvoltage_v=1.6)
    results = [
        Result(slot=1, channel=0, quantity=key, value=value, uncertainty=0.001, condition=at)
        for key, value in (("pde", 0.25), ("crosstalk_probability", 0.05))
    ]
    analysis = store_analysis(
        get_stage("pde"), RunFile.objects.get(), {1: device.pk}, results, counts=False
    )
    stage = get_stage("pde")
    outcome, details = grade(stage, active_limits(stage), {device.pk: analysis.pk})[device.pk]
    assert outcome == Outcome.PASS
    assert [one["quantity"] for one in details] == ["pde", "crosstalk_probability"]
    many = Standing.objects.get(device=campaign.devices[0]).verdict
    assert [one["text"] for one in many.details if one["quantity"] == "gain_spread"] == [
        "no value was measured"
    ]


def test_remarks_are_told_in_the_readers_language(campaign: SimpleNamespace) -> None:
    """A verdict was told for ever in the language of whoever judged."""
    [device] = register_devices([{"serial": "A-3", "device_type": DeviceType.objects.get()}])
    stage = get_stage("pde")
    at = Condition(bias_v=71.6, overvoltage_v=1.6)
    limits = LimitSet.objects.create(stage="pde", version=99, title="of a test")
    for key, place in (("pde", at), ("crosstalk_probability", Condition(overvoltage_v=4.0)),
                       ("gain_spread", Condition())):  # fmt: skip
        quantity = quantity_ids(stage)[key]
        Limit.objects.create(limit_set=limits, quantity_id=quantity, at=place, pass_low=0.2)
    results = [
        Result(slot=1, channel=channel, quantity=key, value=0.25, uncertainty=0.06, condition=at)
        for key in ("pde", "crosstalk_probability")
        for channel in range(15)
    ]
    with override("es"):
        analysis = store_analysis(
            stage, RunFile.objects.get(), {1: device.pk}, results, counts=False
        )
        _outcome, details = grade(stage, limits, {device.pk: analysis.pk})[device.pk]
        spanish = [remarks(line) for line in details]
    assert [line["text"] for line in details] == [remarks(line) for line in details]
    assert [line["text"] for line in details] == [
        "the limit lies within the value's uncertainty; one channel has no value",
        "no value near 4 V over breakdown (nearest: 1.6 V over breakdown)",
        "no value was measured",
    ]
    assert spanish == [
        "el límite queda dentro de la incertidumbre del valor; un canal no tiene valor",
        "ningún valor cerca de 4 V sobre la ruptura (el más cercano: 1.6 V sobre la ruptura)",
        "no se midió ningún valor",
    ]


@pytest.mark.parametrize(
    "said",
    [None, 7, [["of another version", 1]], [["lacking"]], [["lacking", "x"]], [["far", 1, 2]], [3]],
)
def test_remarks_of_another_version_are_told_as_they_are(said: Any) -> None:
    """A bundle may bring what this version doesn't know."""
    assert remarks({"said": said, "text": "as it was told"}) == "as it was told"


def test_a_value_far_from_the_limits_place_is_not_judged(campaign: SimpleNamespace) -> None:
    """A limit at 1.6 V said that 4 V passes; and a nearer one on another axis is looked for."""
    [device] = register_devices([{"serial": "A-2", "device_type": DeviceType.objects.get()}])
    stage = get_stage("pde")
    limits = LimitSet.objects.create(stage="pde", version=99, title="of a test")
    pde = quantity_ids(stage)["pde"]
    at = Condition(overvoltage_v=1.6, temperature_c=20.0)
    Limit.objects.create(limit_set=limits, quantity_id=pde, at=at, pass_low=0.2)

    def told(*places: tuple[float, float]) -> tuple[Outcome, str, dict[str, float] | None]:
        results = [
            Result(
                slot=1,
                channel=channel,
                quantity="pde",
                value=0.25,
                uncertainty=0.001,
                condition=Condition(bias_v=70 + over, overvoltage_v=over, temperature_c=warm),
            )
            for over, warm in places
            for channel in range(16)
        ]
        file = RunFile.objects.get()
        analysis = store_analysis(stage, file, {1: device.pk}, results, counts=False)
        outcome, (detail,) = grade(stage, limits, {device.pk: analysis.pk})[device.pk]
        return outcome, detail["text"], detail.get("condition")

    outcome, text, _condition = told((4.0, 20.0), (5.0, 21.0))
    assert outcome == Outcome.INCOMPLETE
    assert text == (
        "no value near 1.6 V over breakdown, 20 °C (nearest: 4 V over breakdown, 20 °C)"
    )
    assert told((1.6, 40.0))[0] == Outcome.INCOMPLETE
    outcome, text, condition = told((1.6, 26.0), (2.0, 24.0))
    assert (outcome, text) == (Outcome.PASS, "")
    assert condition == {"bias_v": 72.0, "overvoltage_v": 2.0, "temperature_c": 24.0}
