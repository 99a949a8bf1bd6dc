"""A delivery comes in by one scan of its box and its maker's sheet."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from mppcqa.exchange.models import Import
from mppcqa.inventory.models import Device
from tests.browser.test_campaign import page, sync_api  # noqa: F401
from tests.browser.test_scans import bench  # noqa: F401

BOX = "HPK-2026-0317"


def sheet(first: int) -> dict[str, object]:
    rows = [f"DL-{n:03d};S12045(X);{66.1 + n / 100:.2f}" for n in range(first, first + 20)]
    text = "\n".join(["Serial;Type;Vop (V)", *rows])
    return {"name": "sheet.csv", "mimeType": "text/csv", "buffer": text.encode()}


@pytest.mark.timeout(300)
def test_one_scan_of_a_box_and_its_sheet_register_what_is_in_it(
    bench: SimpleNamespace,  # noqa: F811
) -> None:
    page, scan = bench.page, bench.scan  # noqa: F811
    page.goto(f"{bench.url}/devices/")
    # Nobody knows the box: it is asked what it is.
    scan(BOX)
    scan.says(f"{BOX} is not registered")
    scan.touch("It is the box of a delivery")
    page.get_by_role("heading", name=f"Delivery {BOX}").wait_for()
    page.get_by_label("The maker's sheet").set_input_files([sheet(0)])
    page.get_by_role("button", name="Next: look at what it will do").click()
    # The preview; nothing is registered yet.
    page.get_by_text("20 new devices").wait_for()
    assert not Device.objects.filter(serial__startswith="DL-").exists()
    scan.touch("Import")
    page.get_by_text("The table is imported.").wait_for()
    made = Device.objects.filter(serial__startswith="DL-")
    assert made.count() == 20
    assert made.get(serial="DL-004").maker_values
    # Scanned again, the box leads to its sheet, whatever the page.
    page.goto(f"{bench.url}/queue/")
    scan(BOX.lower())
    page.get_by_role("heading", name=f"Delivery {BOX}").wait_for()
    page.get_by_role("link", name="sheet.csv").wait_for()


@pytest.mark.timeout(300)
def test_a_sheet_that_came_before_its_box_opens_with_the_scan(
    bench: SimpleNamespace,  # noqa: F811
) -> None:
    page, scan = bench.page, bench.scan  # noqa: F811
    page.goto(f"{bench.url}/imports/")
    page.get_by_label("File (CSV, Excel, Parquet)").set_input_files([sheet(50)])
    page.get_by_label("Box of the delivery").focus()
    scan(BOX)
    page.get_by_role("heading", name="sheet.csv").wait_for()
    assert Import.objects.get().box == BOX
    page.goto(f"{bench.url}/")
    scan.scans = scan.touches = 0
    scan(BOX)
    page.get_by_text("20 new devices").wait_for()
    scan.touch("Import")
    page.get_by_text("The table is imported.").wait_for()
    assert (scan.scans, scan.touches) == (1, 1)
    assert Device.objects.filter(serial__startswith="DL-").count() == 20
