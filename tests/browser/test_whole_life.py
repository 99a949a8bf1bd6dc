"""An array's whole life at the bench: its delivery, its inspection, its tests, its way out."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User

from mppcqa.inventory.models import Device, Institute, Tray
from mppcqa.inventory.shipping import pack
from mppcqa.inventory.states import DeviceState
from mppcqa.queue.models import State
from mppcqa.results.models import Standing
from mppcqa.runs.models import Run
from mppcqa.stages.inspection import STEPS
from tests.browser.test_campaign import PASSWORD, page, sync_api  # noqa: F401
from tests.browser.test_scans import bench, log_in, slots  # noqa: F401
from tests.workers import running_worker, wait_until

BOX = "HPK-2026-0400"
SERIALS = ["WL-001", "WL-002"]
SHEET = "\n".join(["serial;type;Vop (V)", *(f"{one};S12045(X);72.1" for one in SERIALS)])


def inspect(bench: SimpleNamespace, serial: str) -> None:  # noqa: F811
    """By eyes, from the scan of its code: nothing is wrong with it."""
    page, scan = bench.page, bench.scan  # noqa: F811
    scan(serial)
    page.get_by_role("heading", name=serial).wait_for()
    for text in ("as it should be", "they agree"):
        page.locator("label", has_text=text).click()
    for step in STEPS:
        if step.kind == "count":
            page.get_by_role("button", name=f"None: {step.title}").click()
    page.get_by_role("button", name="Keep it").click()
    page.get_by_text(f"{serial}: ").first.wait_for()


@pytest.mark.timeout(900)
def test_from_delivery_to_shipment(bench: SimpleNamespace) -> None:  # noqa: F811
    page, scan = bench.page, bench.scan  # noqa: F811
    Tray.objects.create(name="T7", rows=2, columns=2)
    # A box arrives, and its sheet registers what is in it.
    page.goto(f"{bench.url}/")
    scan(BOX)
    scan.touch("It is the box of a delivery")
    sheet = {"name": "sheet.csv", "mimeType": "text/csv", "buffer": SHEET.encode()}
    page.get_by_label("The maker's sheet").set_input_files([sheet])
    page.get_by_role("button", name="Next: look at what it will do").click()
    page.get_by_text("2 new devices").wait_for()
    page.get_by_label("Place where the table has none").select_option(str(bench.campaign.place))
    page.get_by_role("button", name="Check the whole table").click()
    page.get_by_text("no faults").wait_for()
    scan.touch("Import")
    page.get_by_text("The table is imported.").wait_for()
    # It is looked at.
    scan(".CHECK inspection")
    page.get_by_role("heading", name="Scan a device").wait_for()
    for serial in SERIALS:
        inspect(bench, serial)
    assert Standing.objects.filter(stage="inspection", device__serial__in=SERIALS).count() == 2
    # Both are measured, by scans alone.
    scan(".STATION darkbox-1")
    page.wait_for_url("**/stations/darkbox-1/", wait_until="commit")
    for slot, serial in enumerate(SERIALS, 1):
        scan(serial)
        scan.says(f"{serial} → slot {slot}")
    page.get_by_label("Triggers at each point").fill("300")
    scan(".START")
    scan.says("Started with 2 devices")
    run = Run.objects.latest("pk")
    page.goto(f"{bench.url}/stations/darkbox-1/console/")
    with running_worker("--concurrency", "1"):
        wait_until(lambda: Run.objects.get(pk=run.pk).state == State.SUCCEEDED, 300, "measured")
    page.locator(".bench-word", has_text="done").wait_for()
    # Into a tray, and to a scan of one its page says how it stands.
    scan(".TO T7")
    scan.says("WL-001, WL-002 → T7")
    assert slots() == {}
    scan(".DONE")
    page.goto(f"{bench.url}/queue/")
    scan("WL-001")
    page.wait_for_url("**/devices/WL-001/", wait_until="commit")
    assert Standing.objects.filter(stage="darkbox", device__serial="WL-001").exists()
    # And out of the house: packed, sent, received.
    there = Institute.objects.create(name="elsewhere")
    box = pack(bench.campaign.place, there, ["GX-003"], by=bench.user)
    scan(f".BOX {box.pk}")
    page.get_by_role("heading", name="In the box (1)").wait_for()
    for at, serial in enumerate(SERIALS, 2):
        scan(serial)
        page.get_by_role("heading", name=f"In the box ({at})").wait_for()
    scan(".DONE")
    page.wait_for_url(f"**/shipments/{box.pk}/", wait_until="commit")
    # Who measured does not release; another person does.
    page.get_by_role("button", name="It is on its way").click()
    page.get_by_role("alert").filter(has_text="measured").first.wait_for()
    assert not _sent(box)
    chief = page.context.browser.new_context().new_page()
    log_in(chief, bench, User.objects.create_superuser("chief"))
    chief.goto(f"{bench.url}/shipments/{box.pk}/")
    chief.get_by_role("button", name="It is on its way").click()
    chief.get_by_label("Password").fill(PASSWORD)
    chief.get_by_role("button", name="Sign", exact=True).click()
    wait_until(lambda: _sent(box), 20, "sent")
    states = set(Device.objects.filter(serial__in=SERIALS).values_list("state", flat=True))
    assert states == {DeviceState.SHIPPED}
    page.goto(f"{bench.url}/devices/WL-001/")
    page.get_by_text("elsewhere").first.wait_for()


def _sent(box: object) -> bool:
    box.refresh_from_db()  # type: ignore[attr-defined]
    return box.sent_at is not None  # type: ignore[attr-defined]
