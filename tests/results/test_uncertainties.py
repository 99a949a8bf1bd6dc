"""Values carry two uncertainties, from the analysis to pages, tables, verdicts and summaries."""

from __future__ import annotations

import math
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from django.test import Client

from mppcqa.exchange import imports
from mppcqa.exchange.exports import write_list
from mppcqa.exchange.mapping import suggest
from mppcqa.limits.judging import active_limits, judge
from mppcqa.limits.models import Limit, Verdict
from mppcqa.results.ingest import AnalysisFault, store_analysis
from mppcqa.results.models import Analysis, Measurement
from mppcqa.results.reading import read_values
from mppcqa.runs.models import RunFile
from mppcqa.stages import Condition, Result, SharedPart, get_stage
from mppcqa.stages.numbers import mean_with_uncertainties
from mppcqa.statistics.check import check_summaries
from mppcqa.statistics.models import DeviceSummary
from mppcqa.tables import named_columns
from mppcqa.views.stage_values import device_stages

pytestmark = pytest.mark.django_db
AT = Condition(bias_v=71.6, overvoltage_v=1.6, temperature_c=20.0, light=1.0)
STATISTICAL, SYSTEMATIC = 0.003, 0.0075


def pde(channel: int, value: float, systematic: float = SYSTEMATIC) -> Result:
    return Result(
        slot=1, channel=channel, quantity="pde", value=value, uncertainty=STATISTICAL,
        systematic=systematic, condition=AT,
    )  # fmt: skip


@pytest.fixture
def stored(campaign: SimpleNamespace) -> Analysis:
    """PDEs of one device, each with a calibration that all share."""
    return store_analysis(
        get_stage("pde"),
        RunFile.objects.earliest("pk"),
        {1: campaign.devices[0].pk},
        [pde(channel, 0.25 + channel / 1000) for channel in range(16)],
        shared={"reference detector": SharedPart(quantities=("pde",), relative=0.03)},
    )


def test_a_mean_is_no_surer_than_what_its_values_share(
    stored: Analysis, campaign: SimpleNamespace
) -> None:
    assert mean_with_uncertainties([1.0], [None], [0.5]) == (1.0, None, 0.5)
    stored.refresh_from_db()
    assert stored.shared == {"reference detector": {"quantities": ["pde"], "relative": 0.03}}
    [section] = [one for one in device_stages(campaign.devices[0]) if one.key == "pde"]
    mean = section.mean("pde")
    assert mean is not None
    assert math.isclose(mean.statistical, 100 * STATISTICAL / 4)
    assert math.isclose(mean.systematic, 100 * SYSTEMATIC, rel_tol=1e-6)
    [summary] = DeviceSummary.objects.filter(
        device=campaign.devices[0], series__quantity__key="pde", n=16
    )
    whole = math.hypot(STATISTICAL / 4, SYSTEMATIC)
    assert math.isclose(summary.uncertainty, whole, rel_tol=1e-6)
    assert not check_summaries().differences


def test_both_are_on_the_page(
    stored: Analysis, campaign: SimpleNamespace, admin_client: Client
) -> None:
    device = campaign.devices[0]
    page = admin_client.get(f"/devices/{device.serial}/").content.decode()
    # Together 0.81 and 0.75, which deserve one digit; the last is a half, on either side of it.
    assert re.search(r"25\.0 ± 0\.3 ± 0\.[78]", page)
    assert re.search(r"25\.[78] ± 0\.1 ± 0\.[78]", page)
    assert "reference detector (3 %)" in page
    page = admin_client.get("/devices/GX-001/").content.decode()
    assert "± 0.30 ±" not in page


def test_single_precision_is_what_both_databases_keep(
    stored: Analysis, campaign: SimpleNamespace
) -> None:
    device = campaign.devices[0].pk
    found = read_values([device], analyses=[stored.pk])
    assert found.systematic.dtype == np.float32
    assert set(found.systematic.tolist()) == {float(np.float32(SYSTEMATIC))}
    rows = Measurement.objects.filter(analysis=stored)
    assert set(rows.values_list("systematic", flat=True)) == set(found.systematic.tolist())
    assert np.allclose(found.total, math.hypot(STATISTICAL, SYSTEMATIC))


def test_what_is_no_uncertainty_is_refused(campaign: SimpleNamespace) -> None:
    for systematic in (-0.1, math.nan, math.inf, 1e39):
        with pytest.raises(AnalysisFault):
            store_analysis(
                get_stage("pde"),
                RunFile.objects.earliest("pk"),
                {1: campaign.devices[0].pk},
                [pde(0, 0.25, systematic)],
            )
    with pytest.raises(ValueError, match="either relative or absolute"):
        SharedPart(quantities=("pde",))


def test_a_verdict_says_where_the_limit_is_within_the_uncertainty(
    stored: Analysis, campaign: SimpleNamespace
) -> None:
    device = campaign.devices[0].pk
    limits = active_limits(get_stage("pde"))
    for low, said in ((0.243, "the limit lies within the value's uncertainty"), (0.2, "")):
        Limit.objects.filter(limit_set=limits, quantity__key="pde").update(
            pass_low=low, warn_low=None, pass_high=None, warn_high=None
        )
        Verdict.objects.filter(analysis=stored).delete()
        judge(stored, [device])
        details = Verdict.objects.get(analysis=stored).details
        [line] = [one for one in details if one["quantity"] == "pde"]
        assert line["text"] == said
        assert line["systematic"] == float(np.float32(SYSTEMATIC))


@pytest.mark.parametrize("form", ["csv", "parquet", "root"])
def test_a_table_goes_out_and_comes_in_with_both(
    stored: Analysis, campaign: SimpleNamespace, tmp_path: Path, form: str
) -> None:
    path = tmp_path / f"v.{form}"
    chosen = {"q": "GX-000", "stage": "pde", "quantity": "pde"}
    assert write_list("values", form, path, chosen) == 16
    if form == "root":
        return  # tables of ROOT are for others to read
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
    for name in ("value", "statistical", "systematic", "channel", "condition"):
        np.testing.assert_array_equal(getattr(again, name), getattr(former, name))


def test_heads_tell_the_two_apart() -> None:
    heads = ["serial", "PDE", "PDE stat err", "syst error PDE", "sys err of PDE"]
    found = suggest(named_columns(heads), "values", get_stage("pde")).columns
    assert [found[head].to for head in heads[:4]] == [
        "serial",
        "value:pde",
        "statistical:pde",
        "systematic:pde",
    ]
    long = ["serial", "quantity", "value", "uncertainty", "systematic uncertainty"]
    found = suggest(named_columns(long), "values", get_stage("pde")).columns
    assert [found[head].to for head in long[3:]] == ["statistical", "systematic"]
