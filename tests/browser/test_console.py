"""The console by touch and by keyboard, from start to stop, with a real worker."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from mppcqa.queue.models import State
from mppcqa.runs.models import Run
from tests.browser.test_access import AXE, CONTRAST, FAULTS, RULES, WIDER
from tests.browser.test_campaign import page, sync_api  # noqa: F401
from tests.browser.test_scans import bench  # noqa: F401
from tests.workers import running_worker, wait_until

SMALL = """() => [...document.querySelectorAll("button, a.btn, .bench a")]
    .filter(one => one.offsetParent && one.getBoundingClientRect().height < 44)
    .map(one => one.outerHTML)"""


def faults_of(page: object) -> list[str]:  # noqa: F811
    """Of access, at three widths and in both themes, and buttons too small for gloves."""
    page.evaluate(AXE.read_text())
    found: list[str] = []
    for width in (390, 1400, 3840):
        page.set_viewport_size({"width": width, "height": width if width < 1000 else 1000})
        found += page.evaluate(FAULTS, RULES)
        for theme in ("dark", "light"):
            page.evaluate(f"document.documentElement.setAttribute('data-bs-theme', '{theme}')")
            found += page.evaluate(FAULTS, CONTRAST)
        found += page.evaluate(SMALL)
        if page.evaluate(WIDER) > 0:
            found.append(f"wider than {width}")
    return found


@pytest.mark.timeout(400)
def test_from_start_to_a_held_stop(bench: SimpleNamespace) -> None:  # noqa: F811
    page, scan = bench.page, bench.scan  # noqa: F811
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{bench.url}/stations/darkbox-1/")
    page.goto(f"{bench.url}/stations/darkbox-1/console/")
    word = page.locator(".bench-word")
    assert word.inner_text() == "empty"
    # What would do nothing is dead, and says why.
    buttons = page.locator(".bench-foot button")
    assert buttons.count() == page.locator(".bench-foot button:disabled").count() == 4
    page.get_by_text("Nothing is loaded: scan a device. Nothing runs here.").wait_for()
    assert faults_of(page) == []
    scan("GX-000")
    scan("GX-001")
    page.locator(".bench-word", has_text="ready").wait_for()
    page.locator(".bench-full", has_text="GX-001").wait_for()
    page.locator(".bench-foot button:enabled", has_text="Unload").wait_for()
    dead = page.locator(".bench-foot button:disabled").all_inner_texts()
    assert [one.strip() for one in dead] == ["Start again", "Stop: touch and hold"]
    page.get_by_text("Nothing was measured here yet. Nothing runs here.").wait_for()
    scan(".START")
    page.locator(".bench-word", has_text="waiting").wait_for()
    run = Run.objects.latest("pk")
    # A touch alone stops nothing.
    stop = page.get_by_role("button", name="Stop: touch and hold")
    stop.click()
    stop.focus()
    page.keyboard.press("Enter")
    page.locator(".bench-foot button:disabled").wait_for(state="hidden")
    assert run.task_group is not None
    assert run.task_group.state == State.QUEUED
    # Held it does, by keyboard as by hand.
    page.keyboard.down("Enter")
    scan.says("Stopping")
    page.keyboard.up("Enter")
    page.locator(".bench-word", has_text="stopped").wait_for()
    assert faults_of(page) == []
    # Long enough to be watched, and stopped by a hand.
    slowly = {**run.parameters, "seconds_a_point": 20.0}
    Run.objects.filter(pk=run.pk).update(parameters=slowly)
    page.get_by_role("button", name="Start again").click()
    scan.says("Started with 2 devices")
    with running_worker("--concurrency", "1"):
        second = Run.objects.latest("pk")
        page.locator(".bench-curves", has_text="temperature").wait_for(timeout=60_000)
        box = stop.bounding_box()
        page.mouse.move(box["x"] + 30, box["y"] + 30)
        page.mouse.down()
        try:
            wait_until(lambda: Run.objects.get(pk=second.pk).state == State.KILLED, 60, "killed")
        finally:
            page.mouse.up()
    page.locator(".bench-word", has_text="stopped").wait_for()
    page.goto(f"{bench.url}/board/")
    page.get_by_text("stopped").wait_for()
    assert faults_of(page) == []
