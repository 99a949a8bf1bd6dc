"""The PDF of a device, read as the reader does: as pictures and as text."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pypdfium2
import pytest
import zxingcpp
from django.conf import settings
from django.contrib.auth.models import User

from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import Device
from mppcqa.reports.device import device_report
from tests.explored import make_explored


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


def overlaps(data: bytes) -> list[str]:
    """Pieces of text on a page that lie over each other."""
    found = []
    document = pypdfium2.PdfDocument(data)
    for number, page in enumerate(document, 1):
        text = page.get_textpage()
        boxes = [text.get_rect(i) for i in range(text.count_rects())]
        for i, (left, bottom, right, top) in enumerate(boxes):
            for other in boxes[i + 1 :]:
                wide = min(right, other[2]) - max(left, other[0])
                high = min(top, other[3]) - max(bottom, other[1])
                if wide > 1 and high > 1:
                    pair = [text.get_text_bounded(*box) for box in (boxes[i], other)]
                    found.append(f"page {number}: {pair}")
        text.close()
        page.close()
    document.close()
    return found


@pytest.mark.parametrize("language", ["en", "es"])
def test_many_quantities_at_many_points_stay_legible(
    operator: User, tmp_path: Path, language: str
) -> None:
    run = make_explored(operator, tmp_path)
    device = run.slots.order_by("slot")[0].device
    report = device_report(device, language=language)
    assert overlaps(report) == []
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
