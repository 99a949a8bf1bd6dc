"""A chart shows the limits that its quantity was judged by, where they hold."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from mppcqa import charts
from mppcqa.limits.changes import new_version
from mppcqa.limits.judging import judge
from mppcqa.limits.models import LimitSet
from mppcqa.results.models import Analysis
from mppcqa.stages import get_stage
from mppcqa.views.device import device_view


def _chart(serial: str) -> charts.Curves:
    """The device's chart of the PDE against the bias."""
    view = device_view(serial, viewer=None)
    assert view is not None
    (plot,) = (
        one.chart for stage in view.stages for one in stage.charts if one.key == "pde-pde-pde"
    )
    assert isinstance(plot, charts.Curves)
    return plot


def test_a_limit_at_one_condition_is_drawn_there(campaign: SimpleNamespace) -> None:
    plot = _chart(campaign.devices[0].serial)
    ((side, at),) = plot.sides()
    assert side == pytest.approx(20.0)  # in percent, as the axis is
    assert at == 71.6  # the measured bias nearest to the overvoltage that it is judged at


def test_a_limit_of_all_values_goes_all_along(campaign: SimpleNamespace) -> None:
    bands = [{"quantity": "pde", "pass_low": 0.1, "pass_high": 0.9}]
    made = new_version(get_stage("pde"), bands, title="Everywhere", reason="a test")
    LimitSet.objects.filter(stage="pde").update(active=False)
    LimitSet.objects.filter(pk=made.pk).update(active=True)
    judge(Analysis.objects.get(stage="pde"), [campaign.devices[0].pk])
    sides = _chart(campaign.devices[0].serial).sides()
    assert [round(side, 6) for side, _at in sides] == [10.0, 90.0]
    assert {at for _side, at in sides} == {None}
