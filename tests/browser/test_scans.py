"""A scan counts wherever the cursor is, on every page, and nothing that was typed is lost."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User

from mppcqa.inventory.models import Device, DeviceType
from mppcqa.runs.models import LoadedDevice, Run
from tests.browser.scanner import Scanner
from tests.browser.test_campaign import PASSWORD, page, sync_api  # noqa: F401
from tests.web.conftest import loaded  # noqa: F401


def log_in(page: object, live_server: object, operator: User) -> None:  # noqa: F811
    operator.set_password(PASSWORD)
    operator.save()
    page.goto(f"{live_server.url}/login/")
    page.get_by_label("User name").fill(operator.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Campaign").wait_for()


@pytest.fixture
def bench(
    live_server: object,
    transactional_db: None,
    campaign: SimpleNamespace,
    operator: User,
    page: object,  # noqa: F811
) -> SimpleNamespace:
    page.set_viewport_size({"width": 1400, "height": 900})
    log_in(page, live_server, operator)
    return SimpleNamespace(
        page=page, url=live_server.url, scan=Scanner(page), campaign=campaign, user=operator
    )


def slots() -> dict[int, str]:
    return dict(LoadedDevice.objects.values_list("slot", "device__serial"))


@pytest.mark.timeout(300)
def test_from_an_empty_station_to_running_with_four_arrays_in_five_scans(
    bench: SimpleNamespace,
) -> None:
    page, scan = bench.page, bench.scan  # noqa: F811
    page.goto(f"{bench.url}/stations/darkbox-1/")
    page.get_by_role("button", name="Start with 0 devices").wait_for()
    for slot in range(1, 5):
        scan(f"GX-00{slot - 1}")
        scan.says(f"GX-00{slot - 1} → slot {slot}")
    page.get_by_role("button", name="Start with 4 devices").wait_for()
    assert page.evaluate("document.documentElement.dataset.lastTone") == "good"
    scan(".START")
    scan.says("Started with 4 devices")
    assert (scan.scans, scan.touches) == (5, 0)
    run = Run.objects.latest("pk")
    assert run.slots.count() == 4
    assert run.operator == bench.user
    # By the page that was open: what stood in its form, and nobody sent it.
    scan.touch("Take back")
    scan.says("Taken back")


@pytest.mark.timeout(300)
def test_a_scan_leaves_every_field_as_it_was(bench: SimpleNamespace) -> None:
    page, scan = bench.page, bench.scan  # noqa: F811
    page.goto(f"{bench.url}/stations/darkbox-1/")
    note = page.get_by_label("Out of service because")
    note.fill("the lid is ")
    note.focus()
    page.keyboard.press("End")
    scan("GX-000")
    scan.says("GX-000 → slot 1")
    assert note.input_value() == "the lid is "
    # Somebody who types and presses Enter is no scanner.
    page.get_by_label("Slot 2", exact=True).focus()
    scan("GX-003", gap_ms=120)
    page.wait_for_timeout(0)
    assert page.get_by_label("Slot 2", exact=True).input_value() == "GX-003"
    assert slots() == {1: "GX-000"}
    # The cursor in a slot says which; what is typed in another one stays.
    page.get_by_label("Slot 4", exact=True).focus()
    scan("GX-001")
    scan.says("GX-001 → slot 4")
    page.get_by_role("link", name="GX-001").wait_for()
    assert page.get_by_label("Slot 2", exact=True).input_value() == "GX-003"
    assert note.input_value() == "the lid is "
    assert slots() == {1: "GX-000", 4: "GX-001"}
    # On a button a scan presses nothing, nor does its Enter.
    page.get_by_role("button", name="Unload all").focus()
    scan(".SLOT 3 darkbox-1")
    scan.says("darkbox-1, slot 3")
    assert slots() == {1: "GX-000", 4: "GX-001"}
    # In a list it chooses nothing, and the page is not left while something is typed on it.
    page.goto(f"{bench.url}/devices/GX-000/")
    scan(".DONE")
    scan.says("No station in hand")
    page.locator("#comment-text").fill("looks")
    page.locator("#comment-text").press("End")
    scan("GX-002")
    scan.says("GX-002")
    assert page.locator("#comment-text").input_value() == "looks"
    page.get_by_role("link", name="Open", exact=True).wait_for()
    page.goto(f"{bench.url}/devices/")
    where = page.locator("#f-state")
    before = where.input_value()
    where.focus()
    scan("GX-002")
    page.wait_for_url("**/devices/GX-002/")
    scan.says("GX-002")
    assert before == ""


@pytest.mark.timeout(300)
def test_a_new_one_is_registered_by_one_scan(bench: SimpleNamespace) -> None:
    DeviceType.objects.update(serial_pattern=r"GX-\d{3}")
    page, scan = bench.page, bench.scan  # noqa: F811
    page.goto(f"{bench.url}/queue/")
    scan(".NEW")
    scan.says("What is new is registered by its scan")
    assert page.locator("[data-hand-of=registers]").is_visible()
    scan("GX-500")
    page.wait_for_url("**/devices/GX-500/")
    scan.says("GX-500 is registered")
    assert page.locator("[data-hand-of=registers]").is_visible(), "still so on the next page"


@pytest.mark.timeout(300)
def test_an_unknown_one_is_registered_by_a_touch(bench: SimpleNamespace) -> None:
    page, scan = bench.page, bench.scan  # noqa: F811
    page.goto(f"{bench.url}/queue/")
    scan("GX-500")
    scan.says("GX-500 is not registered")
    assert page.evaluate("document.documentElement.dataset.lastTone") == "ask"
    scan.touch("Register: S12045(X)")
    page.wait_for_url("**/devices/GX-500/")
    scan.says("GX-500 is registered")
    scan.touch("Take back")
    scan.says("Taken back")
    assert not Device.objects.filter(serial="GX-500").exists()
