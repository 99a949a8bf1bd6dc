"""A technician's day in a real browser, with a real worker on the test database."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders

from mppcqa.inventory.models import DeviceType, Institute
from mppcqa.queue.models import State, Task
from mppcqa.runs.models import Run, Station
from tests.browser.scanner import Scanner
from tests.workers import running_worker, wait_until

sync_api = pytest.importorskip("playwright.sync_api")
PASSWORD = "finger-spectrum-9"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[object]:
    """A page of Chromium that fails the test on an outside request or a script's error."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no Chromium here (Debian package chromium)")
    if finders.find("vendor/vega/vega.js") is None:
        pytest.skip("no front-end files here; run: mppcqa assets")
    # Playwright runs an event loop in this thread, and Django then refuses the database.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        context = browser.new_context(accept_downloads=True)
        page = context.new_page()
        page.set_default_timeout(20_000)
        faults: list[str] = []
        page.expected_faults = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "console",
            lambda line: faults.append(line.text) if line.type == "error" else None,
        )
        page.on(
            "request",
            lambda request: (
                faults.append(f"outside request {request.url}")
                if not request.url.startswith(
                    ("http://localhost", "http://127.0.0.1", "data:", "blob:")
                )
                else None
            ),
        )
        yield page
        browser.close()
    # The console is told what a form may well answer: refused, changed meanwhile,
    # not logged in any more.
    answers = ("status of 422", "status of 409", "status of 403", "Error Code 403 from")
    answers += tuple(page.expected_faults)
    assert [fault for fault in faults if not any(one in fault for one in answers)] == []


@pytest.fixture
def house(transactional_db: None) -> SimpleNamespace:
    place = Institute.objects.create(name="Jefferson Lab")
    DeviceType.objects.create(name="S12045(X)", nominal_breakdown_v=70.0)
    User.objects.create_superuser("rosa", password=PASSWORD)
    station = Station.objects.create(name="pde-1", stage="pde", slots=2, institute=place)
    return SimpleNamespace(station=station)


def log_in(page: object, address: str) -> None:
    page.goto(address)
    page.get_by_label("User name").fill("rosa")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Campaign").wait_for()


def register(page: object, address: str) -> None:
    page.goto(f"{address}/devices/register/")
    page.get_by_label("Serial number", exact=True).fill("gx-001")
    page.get_by_role("button", name="Register and show").click()
    page.get_by_role("heading", name="GX-001").wait_for()
    page.goto(f"{address}/imports/")
    page.get_by_label("or paste from a spreadsheet").fill("serial\nGX-001\nGX-002\n")
    page.get_by_role("button", name="Next: look at the columns").click()
    page.get_by_label("Type where the table has none").select_option("S12045(X)")
    page.get_by_role("button", name="Check the whole table").click()
    page.get_by_role("cell", name="is registered already").wait_for()
    page.get_by_label("A device that is registered already").select_option("skip")
    page.get_by_role("button", name="Check the whole table").click()
    page.get_by_text("no faults").wait_for()
    page.get_by_role("button", name="Import", exact=True).click()
    page.get_by_text("Imported", exact=True).wait_for()


def load(page: object, address: str) -> None:
    """One by a scan, and one typed."""
    page.goto(f"{address}/stations/pde-1/")
    scan = Scanner(page)
    scan("GX-001")
    scan.says("GX-001 → slot 1")
    page.get_by_role("link", name="GX-001").wait_for()
    page.get_by_label("Slot 2", exact=True).fill("GX-002")
    page.get_by_role("button", name="Load", exact=True).click()
    page.get_by_text("1 devices are loaded").wait_for()


def start(page: object, address: str, seconds_a_point: str) -> Run:
    page.goto(f"{address}/stations/pde-1/")
    page.get_by_label("Triggers at each point").fill("2000")
    page.get_by_label("Simulated time at each point").fill(seconds_a_point)
    page.get_by_role("button", name="Start with 2 devices").click()
    page.wait_for_url("**/runs/*/")
    return Run.objects.latest("pk")


@pytest.mark.timeout(400)
def test_a_day_at_the_station(
    live_server: object, house: SimpleNamespace, page: object, tmp_path: Path
) -> None:
    address = live_server.url
    with running_worker("--concurrency", "1"):
        log_in(page, address)
        register(page, address)
        load(page, address)

        # One run is watched while it measures, and stopped with a reason.
        doomed = start(page, address, "2")
        page.get_by_text("running").first.wait_for()
        page.locator("[data-log]", has_text="@progress").wait_for()
        page.get_by_role("progressbar").first.wait_for()
        page.get_by_label("Reason for stopping").fill("the light leaks in")
        page.get_by_role("button", name="Stop the run").click()
        wait_until(lambda: Run.objects.get(pk=doomed.pk).state == State.KILLED, what="killed")
        page.goto(f"{address}/runs/{doomed.pk}/")
        page.get_by_text("the light leaks in").first.wait_for()
        first = Task.objects.filter(group=doomed.task_group).earliest("pk")
        assert first.kill_requested_by.username == "rosa"

        # The station is free again; the next run goes through, and the page says so by itself.
        good = start(page, address, "0")
        wait_until(
            lambda: Run.objects.get(pk=good.pk).state not in (State.QUEUED, State.RUNNING),
            240,  # the first analysis on a new computer compiles the fits
            "run",
        )
        assert Run.objects.get(pk=good.pk).state == State.SUCCEEDED
        page.locator(".page-header .state-good", has_text="succeeded").wait_for()

    page.get_by_role("link", name="GX-001").click()
    page.locator("#stage-pde svg.marks").first.wait_for()
    assert page.locator("#stage-pde svg.marks").count() == 3
    page.get_by_role("img", name="QR code: ").wait_for()
    with page.expect_download() as download:
        page.evaluate(
            "() => { const a = document.querySelector('.page-header a[href$=\"report.pdf\"]');"
            " a.setAttribute('download', ''); a.click(); }"
        )
    report = tmp_path / "report.pdf"
    download.value.save_as(report)
    assert report.read_bytes().startswith(b"%PDF")

    page.get_by_role("button", name="ES", exact=True).first.click()
    page.get_by_role("heading", name="Identidad").wait_for()
