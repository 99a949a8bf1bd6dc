"""Draws the pages of the README into docs/pictures, from a demonstration made for it.

``make page-pictures``; a campaign of eight simulated arrays is measured first: a minute.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
SHOWN = {"device": "/devices/DEMO-0001/"}
SIZE = {"width": 1400, "height": 1000}
WAIT_S = 900


def main() -> int:
    """Measure the demonstration, then draw each page."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="mppcqa-pictures-") as home:
        environment = {**os.environ, "MPPCQA_HOME": home, "MPPCQA_URL": ""}
        environment.pop("MPPCQA_DATABASE", None)
        environment.pop("MPPCQA_BROKER", None)
        log = Path(home) / "said.txt"
        with log.open("wb") as said:
            command = [sys.executable, "-m", "mppcqa.cli", "run", "--port", str(port)]
            server = subprocess.Popen(command, env=environment, stdout=said, stderr=said)  # noqa: S603
        try:
            _wait_for_the_end(server, log)
            _draw(address, (Path(home) / "first-code.txt").read_text().strip())
        finally:
            server.terminate()
            server.wait(120)
    return 0


def _wait_for_the_end(server: subprocess.Popen[bytes], log: Path) -> None:
    """Until the demonstration is measured and reported."""
    deadline = time.monotonic() + WAIT_S
    while "; Ctrl-C stops everything." not in log.read_text():  # said again at its end
        if server.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"the demonstration did not end:\n{log.read_text()[-3000:]}")
        time.sleep(1)


def _draw(address: str, code: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium")
        page = browser.new_context(viewport=SIZE, locale="en").new_page()
        password = secrets.token_urlsafe(16)
        page.goto(f"{address}/welcome/first/?code={code}")
        page.fill("input[name=password]", password)
        page.fill("input[name=again]", password)
        page.press("input[name=again]", "Enter")
        page.wait_for_url(f"{address}/")
        for name, path in SHOWN.items():
            _shot(page, address + path, PICTURES / f"{name}.png")
        browser.close()


def _shot(page: Page, address: str, picture: Path) -> None:
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1000)  # charts are drawn
    page.screenshot(path=picture)
    print(picture.relative_to(ROOT), f"{picture.stat().st_size >> 10} kB")


if __name__ == "__main__":
    raise SystemExit(main())
