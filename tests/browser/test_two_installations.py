"""A shipment's life over two installations, each with its own server, in a real browser."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.browser.test_campaign import PASSWORD, page, sync_api  # noqa: F401
from tests.databases import command
from tests.workers import child_environment, wait_until

HERE, THERE = "Newport News", "Santiago"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def installation(folder: Path, name: str, devices: int = 0) -> Iterator[str]:
    """`mppcqa run` on a database of its own; the address of its pages."""
    folder.mkdir()
    environment = child_environment(
        MPPCQA_HOME=str(folder), MPPCQA_DATABASE=f"sqlite:///{folder / 'own.sqlite3'}",
        MPPCQA_QUEUE_PREFIX=name.replace(" ", ""),
    )  # fmt: skip
    assert command(environment, "django", "migrate", "-v0").returncode == 0
    code = (
        "from tests.bundles import side; from django.contrib.auth.models import User; "
        f"side.start({name!r}, {devices}); "
        "from mppcqa.inventory.models import Institute; "
        f"[Institute.objects.get_or_create(name=one) for one in {(HERE, THERE)!r}]; "
        + ("side.measure(1); " if devices else "")
        + f"User.objects.create_superuser('rosa', password={PASSWORD!r})"
    )
    made = command(environment, "django", "shell", "-v0", "-c", code)
    assert made.returncode == 0, made.stderr
    port = free_port()
    log = (folder / "run.log").open("wb")
    with log, subprocess.Popen(
        [sys.executable, "-m", "mppcqa.cli", "run", "--no-demo", "--port", str(port)],
        env=environment, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        address = f"http://127.0.0.1:{port}"
        try:
            wait_until(lambda: answers(address), what=f"{address} answers")
            yield address
        finally:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(60)
            process.kill()


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/login/", timeout=10) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False


def enter(at: Any, address: str) -> None:
    at.set_default_timeout(60_000)
    at.goto(address)
    at.get_by_label("User name").fill("rosa")
    at.get_by_label("Password").fill(PASSWORD)
    at.get_by_role("button", name="Log in").click()
    at.get_by_role("heading", name="Campaign").wait_for()


@pytest.mark.timeout(900)
def test_from_picking_to_the_receipt_at_the_other_side(
    page: Any,  # noqa: F811
    tmp_path: Path,
) -> None:
    with (
        installation(tmp_path / "here", HERE, devices=3) as here,
        installation(tmp_path / "there", THERE) as there,
    ):
        enter(page, here)
        other = page.context.browser.new_context(accept_downloads=True).new_page()
        enter(other, there)
        page.goto(f"{here}/bundles/partners/")
        line = page.locator("#our-card").inner_text()
        digits = page.locator("#our-fingerprint").inner_text()
        other.goto(f"{there}/bundles/partners/")
        other.get_by_label("The partner's line").fill(line)
        other.get_by_label("Fingerprint, as the partner read it to you").fill(digits)
        other.get_by_role("button", name="Register").click()
        other.get_by_text(f"Bundles of {HERE} are taken from now on.").wait_for()
        file = _send(page, here, tmp_path)
        other.goto(f"{there}/bundles/")
        other.get_by_label("File").set_input_files(file)
        other.get_by_role("button", name="Check it").click()
        other.get_by_text("What taking it in would do").wait_for()
        other.get_by_role("button", name="Take it in").click()
        other.get_by_text("What came of it").wait_for()
        other.get_by_role("link", name=f"{HERE} → {THERE}").click()
        _receive(other)
        other.goto(f"{there}/devices/GX-0001/")
        other.get_by_text("Verdict there").wait_for()
        other.locator("tr", has_text=HERE).first.wait_for()


def _send(page: Any, here: str, folder: Path) -> Path:  # noqa: F811
    """Picked, looked at, packed, sent, and the bundle of it downloaded."""
    page.goto(f"{here}/shipments/pick/")
    page.get_by_label("From").select_option(HERE)
    page.get_by_label("How many").fill("3")
    page.get_by_role("button", name="Pick", exact=True).click()
    page.get_by_role("button", name="Go on to pack them").click()
    page.get_by_text("3 may go").wait_for()
    page.get_by_label("To", exact=True).select_option(THERE)
    page.get_by_role("button", name="Pack only").click()
    page.get_by_role("button", name="It is on its way").click()
    page.get_by_text("I release shipment").wait_for()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign", exact=True).click()
    page.get_by_role("button", name="Write bundle").click()
    page.locator("#bundles li a").first.click()
    with page.expect_download() as loading:
        page.get_by_role("link", name="Download").click()
    file = folder / "bundle.zip"
    loading.value.save_as(file)
    return file


def _receive(other: Any) -> None:
    """Scanned but for one, looked at, noted as missing; then it comes after all."""
    scanned = other.get_by_label("Scan what arrived, each on a line of its own")
    scanned.fill("GX-0000\nGX-0001")
    other.get_by_label("Of these damaged").fill("GX-0001 a pin is bent")
    other.get_by_role("button", name="Look first").click()
    other.locator("#h-arrival").wait_for()
    other.get_by_label("What I did not scan is missing: note it").check()
    other.get_by_role("button", name="Receive", exact=True).click()
    other.get_by_text("2 devices are received.").wait_for()
    other.locator("tr", has_text="a pin is bent").wait_for()
    other.get_by_label("Scan what arrived, each on a line of its own").fill("GX-0002")
    other.get_by_role("button", name="Receive", exact=True).click()
    other.get_by_text("1 devices are received.").wait_for()
    other.locator("tr", has_text="came later").wait_for()
