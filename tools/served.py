"""An installation of its own for tools that take pictures: served, its first person signed in."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
READY = "; Ctrl-C stops everything."
"""What ``mppcqa run`` says once its demonstration is measured."""
STARTED = "Nobody has an account yet"


def environment_of(home: Path) -> dict[str, str]:
    """The environment of an installation in a folder, with the embedded database and broker."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MPPCQA_")}
    return {**kept, "MPPCQA_HOME": str(home), "MPPCQA_URL": ""}


@contextmanager
def served(home: Path, *arguments: str, until: str = STARTED, wait_s: float = 900) -> Iterator[str]:
    """``mppcqa run`` with these arguments; its address, once its log has said `until`.

    `SystemExit` with the log's end where it stops, or does not say it in time.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = home / "said.txt"
    command = [sys.executable, "-m", "mppcqa.cli", "run", "--port", str(port), *arguments]
    with log.open("wb") as said:
        server = subprocess.Popen(  # noqa: S603
            command, env=environment_of(home), stdout=said, stderr=said
        )
    try:
        deadline = time.monotonic() + wait_s
        while until not in log.read_text():
            if server.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the installation did not start:\n{log.read_text()[-3000:]}")
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(120)


@contextmanager
def signed_in(address: str, home: Path, width: int, height: int) -> Iterator[Page]:
    """A page of a browser in which the installation's first person is signed in."""
    code = (home / "first-code.txt").read_text().strip()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium")
        size = {"width": width, "height": height}
        page = browser.new_context(viewport=size, locale="en").new_page()  # type: ignore[arg-type]
        password = secrets.token_urlsafe(16)
        page.goto(f"{address}/welcome/first/?code={code}")
        page.fill("input[name=password]", password)
        page.fill("input[name=again]", password)
        page.press("input[name=again]", "Enter")
        page.wait_for_url(f"{address}/")
        yield page
        browser.close()


def shot(page: Page, address: str, picture: Path, part: str = "") -> None:
    """What a window shows of a page, or one part of it, once its charts are drawn."""
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1000)  # charts are drawn
    picture.parent.mkdir(parents=True, exist_ok=True)
    if part:
        page.locator(part).first.screenshot(path=picture)
    else:
        page.screenshot(path=picture)
    print(picture.relative_to(ROOT), f"{picture.stat().st_size >> 10} kB")
