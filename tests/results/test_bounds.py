"""Limits are told as limits through every door: no value where there is but a bound."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from django.test import Client

from mppcqa import charts
from mppcqa.bundles.numbers import COLUMNS, WITHOUT_BOUND
from mppcqa.charts.browser import drawn
from mppcqa.exchange import imports
from mppcqa.exchange.exports import write_list
from mppcqa.exchange.table_copy import read_table, write_rows
from mppcqa.limits.judging import active_limits, judge
from mppcqa.limits.models import Limit, Verdict
from mppcqa.results.ingest import AnalysisFault, store_analysis
from mppcqa.results.models import Analysis, Measurement, Outcome
from mppcqa.results.reading import read_values
from mppcqa.runs.models import RunFile
from mppcqa.stages import Condition, Result, get_stage
from mppcqa.stages.fits import per_channel
from mppcqa.stages.numbers import ABOVE, BELOW, Mean, mean_beside_limits
from mppcqa.statistics.check import check_summaries
from mppcqa.statistics.models import DeviceSummary
from mppcqa.tables.numbers import numbers
from mppcqa.views.stage_values import device_stages
from mppcqa.views.texts import measured

pytestmark = pytest.mark.django_db
AT = Condition(bias_v=71.6, overvoltage_v=1.6, temperature_c=20.0, light=1.0)
LIMIT = 0.01234
SEEN = range(10, 16)


def crosstalk(channel: int) -> Result:
    """Channels 0 to 9 saw none."""
    seen = channel in SEEN
    return Result(
        slot=1, channel=channel, quantity="crosstalk_probability", condition=AT,
        value=0.05 + channel / 1000 if seen else LIMIT, uncertainty=0.002 if seen else math.nan,
        bound=0 if seen else BELOW,
    )  # fmt: skip


@pytest.fixture
def stored(campaign: SimpleNamespace) -> Analysis:
    return store_analysis(
        get_stage("pde"),
        RunFile.objects.earliest("pk"),
        {1: campaign.devices[0].pk},
        [crosstalk(channel) for channel in range(16)],
    )


def test_limits_are_written_so_that_they_hold() -> None:
    assert measured(0.004123, None, "", 0.0, BELOW) == "< 0.0042"
    assert measured(97.71, bound=ABOVE, unit="%") == "> 97 %"
    assert measured(1000.0, bound=BELOW, unit="Hz") == "< 1000 Hz"
    assert measured(0.3, bound=BELOW) == "< 0.3"


def test_means_leave_few_limits_out_and_are_limits_where_they_are_many() -> None:
    rows = [Mean(1.0, 0.3, 0.1, 0, 0), Mean(3.0, 0.4, 0.1, 0, 0), Mean(0.5, None, 0.0, 1, 0)]
    few = mean_beside_limits([*rows[:2] * 8, rows[2]])
    assert few == pytest.approx((2.0, 0.25 / 8**0.5, 0.1, 0, 1))
    # 3 measured and 13 below 0.1: the mean of the 3 is none of all 16.
    many = mean_beside_limits([Mean(0.3, 0.0, 0.0, 0, 0)] * 3 + [Mean(0.1, None, 0.0, 1, 0)] * 13)
    assert many == pytest.approx((2.2 / 16, None, 0.0, BELOW, 13))
    wide = mean_beside_limits(rows)
    assert wide is not None
    assert wide.value == pytest.approx(4.5 / 3 + 1.645 * np.hypot(0.25, 0.1) * 2 / 3)
    high = mean_beside_limits([rows[0], rows[1]._replace(bound=ABOVE)])
    assert high is not None
    assert (high.bound, high.statistical) == (ABOVE, None)
    assert high.value == pytest.approx(2.0 - 1.645 * np.hypot(0.3, 0.1) / 2)
    assert mean_beside_limits([rows[2], rows[2]._replace(bound=ABOVE)]) is None
    assert mean_beside_limits([rows[2], rows[2]._replace(value=0.7)]) == (0.7, None, 0.0, BELOW, 2)
    low = Mean(5.0, None, 0.0, ABOVE, 0)
    assert mean_beside_limits([low, low._replace(value=4.0)]) == (4.0, None, 0.0, ABOVE, 2)


def test_a_fit_at_its_bound_gives_a_limit() -> None:
    value, error = np.array([0.02, 0.0, np.nan]), np.array([0.004, 0.003, np.nan])
    limit = np.array([np.nan, 0.006, np.nan])
    first, second = per_channel(1, "q", value, error, AT, "fit", error / 2, limit)
    assert (first.value, first.uncertainty, first.systematic, first.bound) == (
        0.02,
        0.004,
        0.002,
        0,
    )
    assert (second.channel, second.value, second.systematic, second.bound) == (1, 0.006, 0.0, BELOW)
    assert math.isnan(second.uncertainty)


def test_the_table_and_its_copies_keep_bounds(stored: Analysis, campaign: SimpleNamespace) -> None:
    found = read_values([campaign.devices[0].pk], analyses=[stored.pk])
    limits = found.bound != 0
    assert found.channel[limits].tolist() == list(range(10))
    assert set(found.value[limits]) == {LIMIT}
    assert np.isnan(found.statistical[limits]).all()
    rows = Measurement.objects.filter(analysis=stored)
    assert sorted({(one.bound, str(one)[0]) for one in rows}, key=str) == [(1, "<"), (None, "0")]
    # A backup takes the table out and puts it back.
    batches = [
        batch.filter(pa.compute.equal(batch["analysis_id"], stored.pk))
        for batch in read_table(Measurement)
    ]
    rows._raw_delete(rows.db)
    for batch in batches:
        write_rows(Measurement, batch)
    again = read_values([campaign.devices[0].pk], analyses=[stored.pk])
    assert again.bound.tolist() == found.bound.tolist()
    assert rows.filter(bound=None).count() == len(SEEN)


def test_summaries_leave_limits_out(stored: Analysis, campaign: SimpleNamespace) -> None:
    [row] = DeviceSummary.objects.filter(
        device=campaign.devices[0], series__quantity__key="crosstalk_probability", n=len(SEEN)
    )
    assert (row.limits, round(row.lowest, 9)) == (10, 0.06)
    assert math.isclose(row.mean, 0.0625)
    assert row.series.limits == 10
    assert not check_summaries().differences
    # An analysis without limits takes their place.
    store_analysis(
        get_stage("pde"), stored.run_file, {1: campaign.devices[0].pk},
        [crosstalk(channel) for channel in SEEN],
    )  # fmt: skip
    row.series.refresh_from_db()
    assert row.series.limits == 0
    assert not check_summaries().differences


@pytest.mark.parametrize(
    ("bands", "outcome", "said"),
    [
        ({"pass_high": 0.3}, Outcome.PASS, ""),
        ({"pass_high": 0.01}, Outcome.FAIL, ""),
        ({"pass_high": 0.01, "warn_high": 0.5}, Outcome.INCOMPLETE, "only a limit"),
        ({"pass_low": 0.02, "warn_low": 0.015}, Outcome.FAIL, ""),
        ({"pass_low": 0.005}, Outcome.INCOMPLETE, "only a limit"),
    ],
)
def test_verdicts_know_what_a_limit_tells(
    stored: Analysis, campaign: SimpleNamespace, bands: dict[str, float], outcome: str, said: str
) -> None:
    limits = active_limits(get_stage("pde"))
    nothing = dict.fromkeys(("pass_low", "pass_high", "warn_low", "warn_high"))
    rows = Limit.objects.filter(limit_set=limits, quantity__key="crosstalk_probability")
    if not rows:
        pytest.fail("the stage proposes no limit of crosstalk")
    rows.update(**nothing | bands)
    Verdict.objects.filter(analysis=stored).delete()
    judge(stored, [campaign.devices[0].pk])
    details = Verdict.objects.get(analysis=stored).details
    [line] = [one for one in details if one["quantity"] == "crosstalk_probability"]
    assert line["outcome"] == outcome
    assert line["text"].startswith(said) if said else not line["text"]


def test_pages_say_that_it_is_a_limit(
    stored: Analysis, campaign: SimpleNamespace, admin_client: Client
) -> None:
    device = campaign.devices[0]
    [section] = [one for one in device_stages(device) if one.key == "pde"]
    point = section.conditions(scope="channel")[0]
    mean = section.mean("crosstalk_probability", point)
    assert mean is not None
    assert (mean.limits, mean.bound) == (10, BELOW)
    page = admin_client.get(f"/devices/{device.serial}/").content.decode()
    assert "&lt; 1.3" in page
    assert "(no mean: 10 channels are limits)" in page
    run = stored.run_file.run_id
    asked = {"analysis": stored.pk, "format": "csv"}
    answer = admin_client.get(f"/runs/{run}/take/", asked)
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [one["bound"] for one in rows] == ["<"] * 10 + [""] * 6


def test_charts_draw_arrows() -> None:
    series = charts.Series("0", [1, 2, 3], [0.1, 0.2, 0.3], [0.01, None, None], bound=[0, 1, -1])
    plot = charts.against([series], title="", x_title="x", x_unit="", y_title="y", y_unit="")
    made = drawn(plot)
    assert [one["mark"] for one in made.data["points"]] == [
        "circle",
        "triangle-down",
        "triangle-up",
    ]
    assert "<svg" in charts.to_svg(plot)


@pytest.mark.parametrize("form", ["csv", "parquet", "root"])
def test_a_table_goes_out_and_comes_in_with_bounds(
    stored: Analysis, campaign: SimpleNamespace, tmp_path: Path, form: str
) -> None:
    path = tmp_path / f"v.{form}"
    chosen = {"q": "GX-000", "stage": "pde", "quantity": "crosstalk_probability"}
    assert write_list("values", form, path, chosen) == 16
    if form == "root":
        import uproot

        with uproot.open(path) as file:
            told = file["list"]["bound"].array(library="np").tolist()
        assert sorted(told) == [""] * 6 + ["<"] * 10
        return
    row = imports.take_in([path.read_bytes()], path.name, kind="values", stage="pde")
    row.existing = "update"
    row.save()
    imports.check(row)
    assert row.faults == 0, row.found
    imports.apply(row)
    device = campaign.devices[0].pk
    again = read_values([device], counting=True)
    former = read_values([device], analyses=[stored.pk])
    again = again.take(again.quantity == former.quantity[0])
    assert again.analysis[0] != stored.pk
    for name in ("value", "statistical", "channel", "bound"):
        np.testing.assert_array_equal(getattr(again, name), getattr(former, name))


def test_foreign_tables_have_limits_in_cells(campaign: SimpleNamespace) -> None:
    device = campaign.devices[0]
    lines = ["serial,channel,crosstalk probability,err crosstalk probability"]
    lines += [f"{device.serial},0,<0.3,", f"{device.serial},1,0.21,0.01"]
    lines += [f"{device.serial},2,> 0.1,0.02", f"{device.serial},3,less than nothing,"]
    row = imports.take_in(["\n".join(lines).encode()], "x.csv", kind="values", stage="pde")
    row.existing = "update"
    row.save()
    imports.check(row)
    assert row.faults == 1, row.found  # the last row
    lines.pop()
    row = imports.take_in(["\n".join(lines).encode()], "x.csv", kind="values", stage="pde")
    row.existing = "update"
    row.save()
    imports.check(row)
    assert row.faults == 0, row.found
    imports.apply(row)
    found = read_values([device.pk], counting=True)
    found = found.take(found.analysis == row.found["analysis"])
    assert found.value.tolist() == [0.3, 0.21, 0.1]
    assert found.bound.tolist() == [BELOW, 0, ABOVE]
    assert np.isnan(found.statistical[[0, 2]]).all()


def test_limits_change_their_unit() -> None:
    found = numbers(pa.array(["<1,5", "2", "≥ 3"]), ",").changed(1000.0)
    assert found.at[[0, 2]].tolist() == [1500.0, 3000.0]
    assert found.side.tolist() == [1, 0, -1]
    assert found.value[1] == 2000.0
    assert np.isnan(found.value[[0, 2]]).all()


def test_bundles_of_programs_without_limits_are_still_read() -> None:
    assert "bound" in COLUMNS.names
    assert WITHOUT_BOUND.names == COLUMNS.names[:-1]


def test_a_limit_of_a_mean_holds() -> None:
    """Rates of 16 channels, of which those are limits that are seen at less than twice their
    uncertainty: the true mean is below, in at least 95 % of 2000 tries."""
    rng = np.random.default_rng(5)
    held = total = 0
    for _try in range(2000):
        true = rng.uniform(0.02, 0.2, 16)
        seen = true + rng.normal(0, 0.05, 16)
        rows = [
            Mean(x, 0.05, 0.0, 0, 0) if x > 0.1 else Mean(max(x, 0) + 0.0823, None, 0.0, BELOW, 0)
            for x in seen.tolist()
        ]
        found = mean_beside_limits(rows)
        assert found is not None
        if found.bound == BELOW:
            total += 1
            held += true.mean() < found.value
    assert total > 1900
    assert held / total > 0.95


@pytest.mark.parametrize(
    ("uncertainty", "systematic", "bound"), [(0.01, 0.0, BELOW), (math.nan, 0.01, ABOVE)]
)
def test_a_limit_with_an_uncertainty_is_refused_whole(
    campaign: SimpleNamespace, uncertainty: float, systematic: float, bound: Any
) -> None:
    before = Measurement.objects.count()
    odd = replace(crosstalk(0), uncertainty=uncertainty, systematic=systematic, bound=bound)
    with pytest.raises(AnalysisFault, match=r"slot 1, channel 0.*a limit .* has no uncertainty"):
        store_analysis(
            get_stage("pde"),
            RunFile.objects.earliest("pk"),
            {1: campaign.devices[0].pk},
            [odd, *(crosstalk(channel) for channel in range(1, 16))],
        )
    assert Measurement.objects.count() == before
