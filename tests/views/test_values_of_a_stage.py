"""What counts for a device at a stage: its conditions, its channels, their means, its charts."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import pytest
from django.utils.translation import override

from mppcqa.charts.plots import CellMap, Curves
from mppcqa.inventory.models import DeviceType
from mppcqa.limits.models import LimitSet, SignOff, Verdict, Waiver
from mppcqa.results.models import WHOLE_DEVICE, Analysis, ConditionPoint, Standing
from mppcqa.runs.models import RunFile
from mppcqa.stages import Condition, get_stage
from mppcqa.stages.numbers import ABOVE, BELOW, Bound
from mppcqa.views.device_charts import DrawnChart, device_charts
from mppcqa.views.shown import shown_quantities
from mppcqa.views.stage import in_words, stage_view
from mppcqa.views.stage_values import StageValues, Value
from mppcqa.views.verdict import (
    WaiverView,
    judged_lines,
    outcome_text,
    sign_off_view,
    state_of,
    verdict_view,
)

ARRAY = DeviceType(name="2 × 2", rows=2, columns=2)
LIT = {"temperature_c": 20.0, "light": 1.0}


def point(number: int, **axes: float) -> ConditionPoint:
    return ConditionPoint(id=number, at=Condition(axes))


LOW = point(1, bias_v=71.0, overvoltage_v=1.0, **LIT)
HIGH = point(2, bias_v=72.0, overvoltage_v=2.0, **LIT)
DARK = point(3, bias_v=71.0, overvoltage_v=1.0, temperature_c=20.0, light=0.0)
WARM = point(4, temperature_c=20.0)
NOWHERE = point(5)


def row(
    channel: int,
    at: ConditionPoint,
    value: float,
    error: float | None = 1.0,
    bound: Bound = 0,
    systematic: float = 0.0,
) -> Value:
    return Value(channel, at, value, error, systematic, bound)


def section(values: dict[str, list[Value]], **more: Any) -> StageValues:
    """Of the PDE stage, without a database."""
    stage = get_stage("pde")
    file = RunFile(id=9, original_name="r.root", size=10, sha256="ab" * 32)
    analysis = Analysis(id=8, stage="pde", version="3", run_file=file, counts=True, problems=[])
    standing = Standing(stage="pde", analysis=analysis, outcome="")
    for name, value in more.items():
        setattr(standing if hasattr(standing, name) else analysis, name, value)
    declared = shown_quantities(stage, {})
    return StageValues("pde", "PDE", stage, standing, declared, values, slot=1)


def test_conditions_stand_by_their_axes_and_of_one_scope_where_asked() -> None:
    found = section({
        "pde": [row(0, HIGH, 30), row(0, LOW, 20), row(1, LOW, 21)],
        "breakdown_voltage_v": [row(0, NOWHERE, 70)],
    })  # fmt: skip
    assert [one.id for one in found.conditions()] == [1, 2], "without a condition it is none"
    assert found.conditions(scope="device") == []
    assert [one.key for one in found.quantities] == [
        one for one in found.declared if one in ("pde", "breakdown_voltage_v")
    ]


def test_the_typical_condition_is_the_one_nearest_to_what_the_stage_says() -> None:
    stage = get_stage("pde")
    assert stage.typical, "the stage names one"
    points = [
        point(n, bias_v=70 + over, overvoltage_v=over, temperature_c=20.0, light=light)
        for n, (over, light) in enumerate(
            (over, light) for over in (0.5, 1.0, 1.5, 2.0, 4.0, 6.0) for light in (0.0, 1.0)
        )
    ]
    found = section({"pde": [row(0, one, 20.0) for one in points]}).typical()
    assert found is not None
    wanted = stage.typical["overvoltage_v"]
    assert abs(found.at["overvoltage_v"] - wanted) == min(
        abs(one.at["overvoltage_v"] - wanted) for one in points
    )
    assert found.at["light"] == 1.0, "what was had in the dark holds there, too"
    # Where no overvoltage is known the middle one is shown.
    plain = [point(n, bias_v=70.0 + n) for n in range(3)]
    middle = section({"pde": [row(0, one, 20.0) for one in plain]}).typical()
    assert middle == plain[1]
    assert section({}).typical() is None


def test_values_by_channel_are_those_of_the_condition_or_what_holds_there() -> None:
    found = section({
        "pde": [row(0, LOW, 20), row(1, LOW, 21), row(0, HIGH, 30), row(WHOLE_DEVICE, LOW, 99)],
        "crosstalk_probability": [row(0, DARK, 5), row(0, HIGH, 8)],
        "breakdown_voltage_v": [row(0, NOWHERE, 70)],
    })  # fmt: skip
    assert {c: one.value for c, one in found.of_channels("pde", LOW).items()} == {0: 20, 1: 21}
    assert {c: one.value for c, one in found.of_channels("pde", HIGH).items()} == {0: 30}
    # In the light nothing was had at 71 V: what was had in the dark there holds.
    assert found.of_channels("crosstalk_probability", LOW)[0].value == 5
    assert found.of_channels("breakdown_voltage_v", LOW)[0].value == 70
    assert found.of_channels("no_such" if "no_such" in found.declared else "gain_adc", LOW) == {}
    assert [(q.key, one.value) for q, one in found.of_device()] == [("pde", 99)]
    assert found.has_channels("pde")
    assert not found.has_channels("gain_adc")


def test_means_are_over_channels_with_their_uncertainties() -> None:
    found = section({"pde": [
        row(0, LOW, 20, 3.0, systematic=1.0), row(1, LOW, 22, 4.0, systematic=1.0),
        row(0, HIGH, 30), row(WHOLE_DEVICE, LOW, 99),
    ]})  # fmt: skip
    mean = found.mean("pde", LOW)
    assert mean is not None
    assert (mean.value, mean.statistical, mean.systematic) == (21, 2.5, 1.0)
    assert mean.total == pytest.approx(math.hypot(2.5, 1.0))
    assert (mean.channel, mean.condition) == (WHOLE_DEVICE, LOW)
    every = found.mean("pde")
    assert every is not None
    assert every.value == pytest.approx(24)
    assert found.mean("pde", WARM) is None
    assert found.mean("gain_adc", LOW) is None
    unknown = section({"pde": [row(0, LOW, 20, None), row(1, LOW, 22)]}).mean("pde", LOW)
    assert unknown is not None
    assert (unknown.statistical, unknown.total) == (None, None)


def cells(values: dict[str, list[Value]], asked: str | None = None) -> Any:
    return stage_view(section(values, verdict=None), ARRAY, asked)


def test_a_table_has_a_row_a_channel_and_a_dash_where_nothing_was_had() -> None:
    view = cells({"pde": [row(0, LOW, 20, 1.2), row(2, LOW, 21, 1.2), row(0, HIGH, 30, 1.0)],
                  "breakdown_voltage_v": [row(1, NOWHERE, 70.05, 0.01)]}, "1")  # fmt: skip
    heads = [str(one) for one in view.channels.heads]
    place = heads.index("Photon detection efficiency [%]")
    column = [line[1][place].text for line in view.channels.rows]
    assert column == ["20.0 ± 1.2", "—", "21.0 ± 1.2", "—"]
    assert [line[0] for line in view.channels.rows] == ["0", "1", "2", "3"]
    assert (view.chosen.pk, [one.pk for one in view.points]) == (1, [1, 2])
    other = heads.index("Breakdown voltage [V]")
    assert [line[1][other].text for line in view.channels.rows] == ["—", "70.050 ± 0.010", "—", "—"]
    about = view.channels.rows[2][1][place].about
    assert (about.quantity, about.channel, about.slot, about.file) == ("pde", 2, 1, 9)
    assert about.at == Condition(bias_v=71.0, **LIT)
    assert view.channels.rows[1][1][place].about is None
    assert cells({"pde": [row(0, LOW, 20)]}, "77").chosen.pk == 1, "what is not there is not shown"


def test_means_stand_at_each_condition_and_once_where_there_is_none() -> None:
    view = cells({
        "pde": [row(c, at, at.id * 10 + c, 1.0) for c in (0, 1) for at in (LOW, HIGH)],
        "breakdown_voltage_v": [row(c, NOWHERE, 70 + c, 0.1) for c in (0, 1)],
    })  # fmt: skip
    at, alone = view.means
    assert [name for name, _cells in at.rows] == [
        "71 V, 1 V over breakdown, 20 °C", "72 V, 2 V over breakdown, 20 °C"
    ]  # fmt: skip
    assert [some[0].text for _name, some in at.rows] == ["10.5 ± 0.7", "20.5 ± 0.7"]
    ((name, (cell,)),) = alone.rows
    assert (name, cell.text) == ("Breakdown voltage [V]", "70.50 ± 0.07")
    assert cell.about.channel is None, "a mean is of no channel"


def test_limits_in_a_mean_are_told_and_many_make_it_one() -> None:
    few = [row(c, LOW, 20.0, 1.0) for c in range(19)] + [row(19, LOW, 5.0, None, BELOW)]
    view = cells({"pde": few})
    assert view.limited
    assert view.means[0].rows[0][1][0].text == "20.00 ± 0.23 (without 1 limit)"
    many = cells({"pde": [row(0, LOW, 20.0, None, ABOVE), row(1, LOW, 25.0, None, ABOVE)]})
    assert many.means[0].rows[0][1][0].text == "> 20 (no mean: 2 channels are limits)"
    assert not cells({"pde": [row(0, LOW, 20.0)]}).limited


def charts(values: dict[str, list[Value]], kind: DeviceType = ARRAY) -> dict[str, DrawnChart]:
    return {one.key: one for one in device_charts(kind, section(values, verdict=None))}


def test_a_curve_has_a_line_a_channel_by_bias_and_of_the_light_the_brightest() -> None:
    dim = point(6, bias_v=71.0, overvoltage_v=1.0, temperature_c=20.0, light=0.5)
    drawn = charts({"pde": [
        row(1, HIGH, 31, 0.3, systematic=0.4), row(1, LOW, 21), row(0, LOW, 20, None),
        row(0, dim, 19), row(WHOLE_DEVICE, LOW, 99), row(2, LOW, math.nan),
    ]})  # fmt: skip
    curve = drawn["pde-pde-pde"].chart
    assert isinstance(curve, Curves)
    assert [(one.name, list(one.x), list(one.y)) for one in curve.series] == [
        ("0", [71.0], [20]), ("1", [71.0, 72.0], [21, 31])
    ]  # fmt: skip
    assert curve.series[0].error == [None]
    assert curve.series[1].error == [1.0, pytest.approx(0.5)]
    assert (curve.x.unit, curve.y.unit) == ("V", "%")
    evidence = drawn["pde-pde-pde"].series
    assert [[one.channel for one in some] for some in evidence] == [[0], [1, 1]]
    assert [one.at["bias_v"] for one in evidence[1]] == [71.0, 72.0]


def test_settings_of_another_axis_are_lines_of_their_own_with_names() -> None:
    cold = point(7, bias_v=71.0, overvoltage_v=1.0, temperature_c=10.0, light=1.0)
    curve = charts({"pde": [row(0, LOW, 20), row(0, cold, 22)]})["pde-pde-pde"].chart
    assert [one.name for one in curve.series] == ["0, 10 °C", "0, 20 °C"]
    assert [one.group for one in curve.series] == ["10 °C", "20 °C"]
    assert {one.of for one in curve.series} == {"0"}


def test_a_map_shows_one_setting_by_place_and_marks_limits() -> None:
    values = {"breakdown_voltage_v": [row(0, NOWHERE, 70.0), row(3, NOWHERE, 70.3, None, BELOW)]}
    drawn = [one for one in charts(values).values() if isinstance(one.chart, CellMap)]
    assert drawn, "the stage declares a map of it"
    found = drawn[0]
    at = {ARRAY.channel_at(r, c): (r, c) for r in range(2) for c in range(2)}
    assert found.chart.finite() == {at[0]: 70.0, at[3]: 70.3}
    assert found.chart.labels[at[3]] == "3 <"
    assert found.chart.labels[at[1]] == "1"
    assert {one.channel for one in found.cells.values()} == {0, 3}
    single = charts(values, DeviceType(name="one", rows=1, columns=1))
    assert not any(isinstance(one.chart, CellMap) for one in single.values())
    assert charts({}) == {}


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        ({"what": "no light"}, "no light"),
        ({"odd": 1}, "{'odd': 1}"),
        ({"what": ""}, "{'what': ''}"),
    ],
)
def test_what_could_not_be_measured_is_told_as_it_was_kept(problem: Any, text: str) -> None:
    assert in_words(problem) == text


def test_problems_are_those_of_the_device_and_of_the_whole_run() -> None:
    found = section({}, verdict=None, problems=[
        {"slot": 1, "channel": 3, "what": "no peak"}, {"slot": 2, "what": "another's"},
        {"slot": None, "what": "the lamp failed"}, {"slot": 1, "channel": 0},
    ])  # fmt: skip
    problems = stage_view(found, ARRAY).problems
    assert problems[:2] == ("Channel 3: no peak", "the lamp failed")
    assert len(problems) == 3


def test_what_values_share_is_told_with_its_size_and_whose_it_is() -> None:
    shared = {
        "reference detector": {"relative": 0.0312},
        "offset": {"absolute": 0.5},
        "responsivity: PD-1": {"relative": 0.02, "kind": "responsivity", "of": "PD-1"},
    }
    view = stage_view(section({}, verdict=None, shared=shared), ARRAY)
    assert view.source.shared == (
        "reference detector (3.1 %), offset (0.5), responsivity of PD-1 (2 %)"
    )
    assert (view.source.run, view.source.station, view.source.operator) == (None, "", "")
    assert stage_view(section({}, verdict=None, shared={}), ARRAY).source.shared == ""


def judged(detail: dict[str, Any], values: dict[str, list[Value]] | None = None) -> Any:
    usual = {"quantity": "pde", "outcome": "fail", "channel": 2, "value": 0.18, "statistical": 0.01,
             "systematic": 0.0, "pass_low": 0.2, "pass_high": None, "warn_low": 0.15,
             "warn_high": None, "condition": {"bias_v": 71.0}, "judged": 4, "failed": 1,
             "warned": 2, "missing": 0, "text": ""}  # fmt: skip
    limits = LimitSet(id=5, stage="pde", title="Ours", version=2)
    verdict = Verdict(id=6, stage="pde", limit_set=limits, details=[{**usual, **detail}])
    (line,) = judged_lines(section(values or {}, verdict=verdict))
    return line


def test_a_judged_line_is_in_the_unit_that_is_shown_and_counts_what_is_outside() -> None:
    line = judged({})
    assert (line.title, line.worst) == ("Photon detection efficiency", "18.0 ± 1.0 %")
    assert (line.pass_band, line.warning_band) == ("≥ 20 %", "≥ 15 %")
    assert (line.condition, line.channel, line.outside) == ("71 V", 2, "3/4")
    assert (line.outcome, line.outcome_text) == ("fail", "fail")
    assert (line.about.quantity, line.about.channel) == ("pde", 2)
    assert judged({"failed": 0, "warned": 0}).outside == ""
    assert judged({"channel": -1}).channel is None
    assert judged({"bound": BELOW, "statistical": None}).worst == "< 18 %"


def test_a_missing_value_is_said_to_be_and_a_quantity_that_is_gone_keeps_its_key() -> None:
    line = judged({"value": None, "channel": None, "condition": None, "judged": 0, "failed": 0,
                   "warned": 0, "outcome": "incomplete"})  # fmt: skip
    assert (line.worst, line.channel, line.about, line.condition) == ("missing", None, None, "")
    gone = judged({"quantity": "lost_one"})
    assert (gone.title, gone.pass_band) == ("lost_one", "≥ 0.2")


def test_a_verdict_says_whether_a_waiver_sets_it_aside() -> None:
    limits = LimitSet(id=5, stage="pde", title="Ours", version=2)
    verdict = Verdict(id=6, stage="pde", limit_set=limits, details=[])
    standing = section({}, verdict=verdict, outcome="fail").standing
    plain = verdict_view(standing)
    assert (plain.pk, plain.state, plain.text, plain.limit_set) == (6, "fail", "fail", 5)
    assert plain.limits == "Ours (version 2)"
    today = dt.datetime.now(dt.UTC).date()
    for until, state, holds in ((None, "waived", True), (today, "waived", True),
                                (today - dt.timedelta(days=1), "fail", False)):  # fmt: skip
        verdict.waiver = Waiver(reason="a prototype", expires_on=until)
        found = verdict_view(standing)
        assert found.waiver is not None
        assert (found.state, found.outcome, found.waiver.holds) == (state, "fail", holds)
        assert found.text == ("waived (fail)" if holds else "fail")
    assert verdict_view(section({}, verdict=None).standing).text == "not judged"


def test_a_waiver_tells_who_granted_it_and_its_last_day() -> None:
    at = dt.datetime(2026, 3, 2, 9, 5, tzinfo=dt.UTC)
    view = WaiverView("a prototype", "nora", at, dt.date(2026, 4, 1), True)
    assert view.head == "Taken in spite of the verdict"
    assert view.granted == "nora, 2026-03-02 09:05; until 2026-04-01"
    assert WaiverView("x", "", at, None, False).head == "The waiver has run out"
    assert WaiverView("x", "", at, None, False).granted == "—, 2026-03-02 09:05"
    signed = WaiverView("x", "nora", at, dt.date(2026, 4, 1), True, "nora and iris")
    assert signed.granted == "signed by nora and iris; until 2026-04-01"


def test_a_sign_off_is_outdated_once_a_verdict_has_changed() -> None:
    at = dt.datetime(2026, 3, 2, 9, 5, tzinfo=dt.UTC)
    made = SignOff(outcomes={"pde": "pass"}, note="looked at", signed_at=at)
    view = sign_off_view(made, {"pde": "pass"})
    assert (view.outdated, view.text) == (False, "Signed off: —, 2026-03-02 09:05; looked at")
    for now in ({"pde": "fail"}, {"pde": "pass", "darkbox": "pass"}, {}):
        assert sign_off_view(made, now).outdated


def test_states_have_words_in_the_readers_language() -> None:
    assert state_of("fail", waived=True) == ("waived", "waived (fail)")
    assert state_of("fail", waived=False) == ("fail", "fail")
    assert state_of("", waived=False) == ("", "not judged")
    assert outcome_text("nonsense") == "not judged"
    with override("es"):
        assert state_of("pass", waived=False)[1] != "pass"
