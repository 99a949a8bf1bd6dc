"""A telephone's camera is a scanner: from a picture, and from what the camera sees."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import segno
from django.contrib.staticfiles import finders
from PIL import Image

from tests.browser.scanner import Scanner
from tests.browser.test_access import AXE, faults_of
from tests.browser.test_campaign import FLAGS, page, sync_api  # noqa: F401
from tests.browser.test_scans import bench, log_in, slots  # noqa: F401


def photograph(*codes: str) -> Image.Image:
    """Codes on a desk, seen a little askew."""
    desk = Image.new("L", (640, 480), 190)
    for at, code in enumerate(codes):
        data = io.BytesIO()
        segno.make(code, error="m", micro=False).save(data, kind="png", scale=6, border=4)
        desk.paste(Image.open(data).convert("L"), (40 + 300 * at, 120))
    return desk.rotate(4, fillcolor=150, resample=Image.Resampling.BICUBIC)


def file_of(picture: Image.Image) -> dict[str, object]:
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=80)
    return {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": data.getvalue()}


def fetched(page: object) -> list[str]:  # noqa: F811
    entries = page.evaluate("performance.getEntriesByType('resource').map(one => one.name)")
    return [one for one in entries if "zxing" in one or "camera.js" in one]


@pytest.mark.timeout(300)
def test_a_photograph_is_a_scan(bench: SimpleNamespace) -> None:  # noqa: F811
    assert finders.find("vendor/zxing/zxing_reader.wasm"), "run: mppcqa assets"
    page, scan = bench.page, bench.scan  # noqa: F811
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{bench.url}/stations/darkbox-1/")
    assert fetched(page) == []
    page.get_by_role("button", name="Scan with the camera").first.click()
    page.get_by_text("No camera is to be had here").wait_for()
    page.evaluate(AXE.read_text())
    assert faults_of(page) == []
    choose = page.locator("[data-camera-picture]")
    choose.set_input_files([file_of(Image.new("L", (300, 200), 200))])
    page.get_by_text("No code was found in the picture").wait_for()
    choose.set_input_files([file_of(photograph("GX-000", "GX-001"))])
    page.get_by_text("There are several codes").wait_for()
    choose.set_input_files([{"name": "x.jpg", "mimeType": "image/jpeg", "buffer": b"none"}])
    page.get_by_text("The picture can't be read").wait_for()
    choose.set_input_files([file_of(photograph("https://qa.example.org/devices/GX-000/"))])
    scan.says("GX-000 → slot 1")
    assert slots() == {1: "GX-000"}
    assert len(fetched(page)) == 3


@pytest.mark.timeout(300)
def test_what_the_camera_sees_is_a_scan(
    live_server: object,
    transactional_db: None,
    campaign: SimpleNamespace,
    operator: object,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no Chromium here (Debian package chromium)")
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    film = tmp_path / "film.mjpeg"
    data = io.BytesIO()
    photograph("GX-002").convert("RGB").save(data, "JPEG", quality=90)
    film.write_bytes(data.getvalue() * 10)
    flags = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    flags += [f"--use-file-for-fake-video-capture={film}"]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=[*FLAGS, *flags])
        page = browser.new_page()
        page.set_default_timeout(30_000)
        log_in(page, live_server, operator)
        page.goto(f"{live_server.url}/stations/darkbox-1/console/")
        page.get_by_role("button", name="Camera").click()
        Scanner(page).says("GX-002 → slot 1")
        assert not page.evaluate("document.getElementById('camera').open")
        browser.close()
    assert slots() == {1: "GX-002"}
