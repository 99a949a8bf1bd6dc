"""The PDF of a device, read as the reader does: as pictures and as text."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User

from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import Device
from mppcqa.reports.device import device_report
from tests.explored import make_explored
from tests.reports.pages import MARGIN, faults
from tests.reports.reading import read


def test_the_code_on_the_rendered_page_is_the_devices_address(
    campaign: SimpleNamespace, settings: Any
) -> None:
    settings.MPPCQA_URL = "https://qa.example.org"
    device = campaign.devices[1]
    texts, codes = read(device_report(device))
    assert codes == [settings.MPPCQA_URL + device.get_absolute_url()]
    whole = "\n".join(texts)
    assert device.serial in whole
    for word in ("Breakdown voltage", "70.", "V", "pass", f"run-{campaign.run.pk}.root"):
        assert word in whole


def test_a_report_in_spanish(campaign: SimpleNamespace) -> None:
    texts, _codes = read(device_report(campaign.devices[0], language="es"))
    assert "Registrado" in texts[0]
    assert "Registered" not in texts[0]


@pytest.mark.parametrize("language", ["en", "es"])
def test_many_quantities_at_many_points_stay_legible(
    operator: User, tmp_path: Path, language: str
) -> None:
    run = make_explored(operator, tmp_path)
    device = run.slots.order_by("slot")[0].device
    report = device_report(device, language=language)
    assert faults(report, margin=MARGIN) == []
    texts, _codes = read(report)
    assert len(texts) <= 5


@pytest.mark.django_db
def test_an_unmeasured_device_with_a_hostile_name(campaign: SimpleNamespace) -> None:
    register_devices(
        [{"serial": "X-1", "device_type": campaign.kind.name, "lot": "<b>&amp; <para>"}]
    )
    texts, _codes = read(device_report(Device.objects.get(serial="X-1")))
    assert "not been measured" in texts[0]
    assert "<b>&amp; <para>" in texts[0]
