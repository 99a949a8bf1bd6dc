"""What a scanner gets wrong is said large and with a tone, and nothing is done: in a browser."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from mppcqa.inventory.models import Device, DeviceType
from mppcqa.queue.models import Lane, Task
from mppcqa.runs.models import LoadedDevice, Run, Station
from tests.browser.test_campaign import page, sync_api  # noqa: F401
from tests.browser.test_scans import bench, slots  # noqa: F401

WRONG = [
    ("GX-000GX-001", "two codes in one scan, GX-000 and GX-001"),
    ("https://a.b/devices/GX-000/https://a.b/devices/GX-001/", "two codes in one scan"),
    (".START.UNLOAD", "no code that is known here"),
    ("GX-00", "Was it cut off? GX-000 begins so"),
    (".STAR", "Was it cut off?"),
    ("https://a.b/dev", "Was it cut off?"),
    (".START", "is empty: load devices first"),
    (".AGAIN", "Nothing was measured in darkbox-1 yet"),
    (".STOP", "Nothing runs in darkbox-1"),
    (".UNLOAD", "is empty already"),
    (".UNDO", "There is no scan to take back"),
    (".YES", "Yes to what?"),
    (".TO T-1", "Put what into T-1?"),
    (".TO T-9", "There is no tray T-9"),
    (".SLOT 9 darkbox-1", "there is no slot 9"),
]


def tone(page: object) -> str:  # noqa: F811
    return page.evaluate("document.documentElement.dataset.lastTone")


@pytest.mark.timeout(300)
def test_what_says_nothing_or_comes_too_early(bench: SimpleNamespace) -> None:  # noqa: F811
    page, scan = bench.page, bench.scan  # noqa: F811
    page.goto(f"{bench.url}/stations/darkbox-1/console/")
    for code, told in WRONG:
        scan(code)
        page.locator("#scan-answer").get_by_text(told).wait_for()
        assert tone(page) in ("bad", "ask"), code
        page.evaluate("document.querySelector('[data-lines]').replaceChildren()")
    assert slots() == {}
    assert Device.objects.count() == 4
    assert not Run.objects.filter(station__name="darkbox-1").exists()


@pytest.mark.timeout(300)
def test_another_keyboard_layout_twice_and_of_another_type(
    bench: SimpleNamespace,  # noqa: F811
) -> None:
    page, scan = bench.page, bench.scan  # noqa: F811
    page.goto(f"{bench.url}/stations/darkbox-1/console/")
    # A German scanner at an English computer, and an English one at a Spanish one.
    scan("GX/000")
    scan.says("GX-000 → slot 1")
    page.get_by_text("another keyboard layout").wait_for()
    assert tone(page) == "ask"
    scan("GX'001")
    scan.says("GX-001 → slot 2")
    scan("GX-000")
    page.get_by_text("GX-000 sits in slot 1 of this station already").wait_for()
    assert tone(page) == "bad"
    other = DeviceType.objects.create(name="S13360")
    Station.objects.filter(name="darkbox-1").update(device_type=other)
    scan("GX-002")
    page.get_by_text("only S13360 fits").wait_for()
    assert slots() == {1: "GX-000", 2: "GX-001"}


@pytest.mark.timeout(300)
def test_nothing_moves_while_the_station_measures(bench: SimpleNamespace) -> None:  # noqa: F811
    page, scan = bench.page, bench.scan  # noqa: F811
    page.goto(f"{bench.url}/stations/darkbox-1/console/")
    scan("GX-000")
    scan.says("GX-000 → slot 1")
    scan(".START")
    scan.says("Started with 1 device")
    task = Task.objects.filter(lane="station:darkbox-1").latest("pk")
    Lane.objects.filter(name=task.lane).update(holder=task)
    for code in ("GX-001", ".UNLOAD", ".TRAY T-1", ".TO T-1"):
        page.evaluate("document.querySelector('[data-lines]').replaceChildren()")
        scan(code)
        page.locator("#scan-answer").get_by_text("is measuring").wait_for()
        assert tone(page) == "bad", code
    page.evaluate("document.querySelector('[data-lines]').replaceChildren()")
    scan(".START")
    page.get_by_text("is measuring already, or is about to").wait_for()
    assert slots() == {1: "GX-000"}
    assert LoadedDevice.objects.get().device.tray is not None
