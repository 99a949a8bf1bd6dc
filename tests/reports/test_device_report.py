"""The PDF of a device, read as the reader does: as pictures and as text."""

from __future__ import annotations

from types import SimpleNamespace

import pypdfium2
import pytest
import zxingcpp
from django.conf import settings

from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import Device
from mppcqa.reports.device import device_report


def read(data: bytes) -> tuple[list[str], list[str]]:
    """Text of each page, and what the QR codes of the rendered pages say."""
    document = pypdfium2.PdfDocument(data)
    texts, codes = [], []
    for page in document:
        text = page.get_textpage()
        texts.append(text.get_text_range())
        text.close()
        image = page.render(scale=2).to_pil()
        codes += [code.text for code in zxingcpp.read_barcodes(image)]
        page.close()
    document.close()
    return texts, codes


def test_the_code_on_the_rendered_page_is_the_devices_address(campaign: SimpleNamespace) -> None:
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


@pytest.mark.django_db
def test_an_unmeasured_device_with_a_hostile_name(campaign: SimpleNamespace) -> None:
    register_devices(
        [{"serial": "X-1", "device_type": campaign.kind.name, "lot": "<b>&amp; <para>"}]
    )
    texts, _codes = read(device_report(Device.objects.get(serial="X-1")))
    assert "not been measured" in texts[0]
    assert "<b>&amp; <para>" in texts[0]
