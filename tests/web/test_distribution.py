"""The page of distributions: a mean is as uncertain as its devices are, not as its channels."""

from __future__ import annotations

import math
import statistics
from types import SimpleNamespace

import pytest
from django.test import Client

from mppcqa.results.models import Measurement
from mppcqa.statistics.models import Series
from mppcqa.web.statistics.distribution_data import distribution_picture


def test_channels_of_one_device_do_not_make_the_mean_better_known(
    browser_client: Client, campaign: SimpleNamespace
) -> None:
    series = Series.objects.filter(quantity__key="breakdown_voltage_v").order_by("-n")[0]
    shown = distribution_picture({"series": str(series.pk)})
    rows = Measurement.objects.filter(quantity=series.quantity, channel__gte=0)
    values = list(rows.values_list("value", flat=True))
    devices = len(set(rows.values_list("device", flat=True)))
    assert (shown["n"], shown["devices"]) == (len(values), devices)
    assert devices < len(values)
    spread = statistics.stdev(values)
    assert shown["mean"] == pytest.approx(statistics.mean(values))
    assert shown["spread"] == pytest.approx(spread)
    assert shown["mean_uncertainty"] == pytest.approx(spread / math.sqrt(devices))
    page = browser_client.get(f"/distributions/?series={series.pk}").content.decode()
    assert f"Uncertainties are those of {devices} devices" in page
