"""A box is packed with a scanner alone: trays, places, a mistake taken back."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from mppcqa.inventory.models import Device, Institute, Tray
from mppcqa.inventory.shipping import pack
from tests.browser.test_scans import bench, page, sync_api  # noqa: F401
from tests.web.conftest import loaded  # noqa: F401


@pytest.fixture
def packing(bench: SimpleNamespace) -> SimpleNamespace:  # noqa: F811
    """An open box with one device, and an empty tray of four places."""
    there = Institute.objects.create(name="elsewhere")
    bench.box = pack(bench.campaign.place, there, ["GX-000"], by=bench.user)
    Tray.objects.create(name="T7", rows=2, columns=2)
    return bench


def places() -> dict[str, tuple[int | None, int | None]]:
    rows = Device.objects.filter(tray__name="T7")
    return {one.serial: (one.tray_row, one.tray_column) for one in rows}


@pytest.mark.timeout(300)
def test_scans_fill_a_tray_in_the_box_place_by_place(packing: SimpleNamespace) -> None:
    page, scan = packing.page, packing.scan  # noqa: F811
    page.goto(f"{packing.url}/shipments/{packing.box.pk}/")
    page.get_by_role("link", name="Pack by scan").click()
    page.get_by_role("heading", name="In the box (1)").wait_for()
    scan(".TRAY T7")
    page.get_by_role("heading", name="T7: row 0, column 0").wait_for()
    # What is in the box already is given its place; the page follows without being loaded anew.
    scan("GX-000")
    page.get_by_role("heading", name="T7: row 0, column 1").wait_for()
    scan("GX-001")
    scan.says("GX-001 → T7, row 0, column 1")
    page.get_by_role("heading", name="In the box (2)").wait_for()
    # A place is touched, for one device.
    page.get_by_role("link", name="row 1, column 1").click()
    page.get_by_role("heading", name="T7: row 1, column 1").wait_for()
    scan("GX-002")
    page.get_by_role("heading", name="T7: row 1, column 0").wait_for()
    scan("GX-003")
    page.get_by_role("heading", name="T7 is full: scan another tray.").wait_for()
    scan.touch("Take back")
    page.get_by_role("heading", name="T7: row 1, column 0").wait_for()
    assert places() == {"GX-000": (0, 0), "GX-001": (0, 1), "GX-002": (1, 1)}
    assert packing.box.devices.count() == 3
    scan(".DONE")
    page.wait_for_url(f"**/shipments/{packing.box.pk}/")
