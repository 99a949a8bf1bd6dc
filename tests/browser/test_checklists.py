"""Incoming inspection at the bench: scans, touches, a photograph and marks on it."""

from __future__ import annotations

from io import BytesIO
from types import SimpleNamespace

import pytest
from PIL import Image, ImageDraw

from mppcqa.results.models import Standing
from mppcqa.runs.models import Run
from mppcqa.stages.checklist import read_checklist
from mppcqa.stages.inspection import STEPS
from mppcqa.store.reading import whole_path
from tests.browser.test_campaign import page, sync_api  # noqa: F401
from tests.browser.test_console import faults_of
from tests.browser.test_scans import bench  # noqa: F401

TOO_SMALL = """() => [...document.querySelectorAll("main button, main a.btn, main .btn-touch")]
    .filter(one => one.offsetParent && one.getBoundingClientRect().height < 44)
    .map(one => one.outerHTML)"""


def photograph() -> dict[str, object]:
    file = BytesIO()
    picture = Image.new("RGB", (640, 480), "#31465a")
    ImageDraw.Draw(picture).line((64, 48, 320, 240), fill="white", width=3)
    picture.save(file, "PNG")
    return {"name": "window.png", "mimeType": "image/png", "buffer": file.getvalue()}


@pytest.mark.timeout(300)
def test_a_scratch_is_marked_on_a_photograph_and_judged(bench: SimpleNamespace) -> None:  # noqa: F811
    page, scan = bench.page, bench.scan  # noqa: F811
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{bench.url}/")
    scan(".CHECK inspection")
    page.get_by_role("heading", name="Scan a device").wait_for()
    scan("GX-001")
    page.get_by_role("heading", name="GX-001").wait_for()
    for text in ("as it should be", "they agree"):
        page.locator("label", has_text=text).click()
    for step in STEPS:
        if step.kind == "count" and step.key != "window_scratches":
            page.get_by_role("button", name=f"None: {step.title}").click()
    page.get_by_role("button", name="+1: Scratches on the window").click()
    page.set_input_files("[name=f-window_scratches]", [photograph()])
    picture = page.locator(".shot-picture")
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + box["height"] * 0.1)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.5, steps=4)
    page.mouse.up()
    # The same by keys: from the middle, ten steps to the right.
    picture.focus()
    page.keyboard.press("Enter")
    for _step in range(10):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert page.locator(".shot .mark-over").count() == 2
    assert [one for one in faults_of(page) if not one.startswith("<")] == []
    assert page.evaluate(TOO_SMALL) == []
    page.set_viewport_size({"width": 1400, "height": 900})
    page.get_by_role("button", name="Keep it").click()
    page.get_by_text("GX-001: warning.").wait_for()
    run = Run.objects.get(stage="inspection")
    assert Standing.objects.get(stage="inspection").outcome == "warning"
    with whole_path(run.files.get(kind="checklist")) as path:
        drawn, typed = read_checklist(path, STEPS)["pictures"][0]["marks"]
    assert drawn == pytest.approx([0.1, 0.1, 0.5, 0.5], abs=0.02)
    assert typed == pytest.approx([0.5, 0.5, 0.7, 0.5], abs=0.01)
    page.goto(f"{bench.url}/runs/{run.pk}/")
    page.locator(".shot .mark-over").first.wait_for(state="attached")
