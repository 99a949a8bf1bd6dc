"""Conditions are told apart by what differs, and no page repeats what does not."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.test import Client

from mppcqa.results.ingest import store_analysis
from mppcqa.runs.models import RunFile
from mppcqa.stages import Condition, Result, get_stage


@pytest.mark.parametrize(
    ("lights", "said"),
    [
        ((1.0,), set()),
        ((0.0, 1.0), {"in the dark", "with light"}),
        ((0.5, 1.0), {"light 0.5", "light 1"}),
    ],
)
def test_light_is_said_where_it_distinguishes(
    browser_client: Client, campaign: SimpleNamespace, lights: tuple[float, ...], said: set[str]
) -> None:
    device = campaign.devices[0]
    results = [
        Result(
            slot=1,
            channel=0,
            quantity="gain_adc",
            value=40.0,
            uncertainty=1.0,
            condition=Condition(bias_v=bias, light=light),
        )
        for bias in (71.0, 72.0)
        for light in lights
    ]
    store_analysis(get_stage("pde"), RunFile.objects.get(), {1: device.pk}, results)
    page = browser_client.get(device.get_absolute_url()).content.decode()
    options = page.split('name="at-pde"')[1].split("</select>")[0]
    assert "71 V" in options
    words = ("in the dark", "with light", "light 0.5", "light 1")
    assert {word for word in words if word in options} == said
