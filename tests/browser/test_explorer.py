"""A physicist looks into a Stage 2 run in a real browser, and brings in a file of a partner."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User

from mppcqa.runs.models import Run
from tests.browser.test_campaign import PASSWORD, house, log_in, page, sync_api  # noqa: F401
from tests.explored import make_explored


def drawn(where: object, selector: str) -> None:
    where.locator(f"{selector} svg.marks").first.wait_for()


@pytest.mark.timeout(180)
def test_from_the_grid_to_a_waveform(
    live_server: object,
    house: SimpleNamespace,  # noqa: F811
    page: object,  # noqa: F811
    tmp_path: Path,
) -> None:
    address = live_server.url
    run = make_explored(User.objects.get(), tmp_path)
    log_in(page, address)
    page.goto(f"{address}/runs/{run.pk}/")
    page.get_by_role("link", name="Explorer").click()
    page.get_by_role("heading", name="Explorer").wait_for()
    drawn(page, "#chart-grid, [data-chart=chart-grid]")
    page.get_by_label("Quantity", exact=True).select_option("pde")
    page.wait_for_url("**quantity=pde**")
    # A cell of a device opens its channels, a cell of a channel its spectrum.
    drawn(page, "[data-chart=chart-grid]")
    page.locator("[data-chart=chart-grid] g.mark-text.role-mark text").first.click()
    page.wait_for_url("**slot=**")
    drawn(page, "[data-chart=chart-grid]")
    cell = page.locator("[data-chart=chart-grid] path[aria-roledescription='rect mark']").nth(3)
    cell.click(position={"x": 3, "y": 3})
    page.wait_for_url("**/cell/**")
    drawn(page, "[data-chart=chart-spectrum]")
    drawn(page, "[data-chart=chart-waveform]")
    drawn(page, "[data-chart=chart-persistence]")
    drawn(page, "[data-chart=chart-iv-reverse]")
    page.get_by_text("Waveform 1 of 12").wait_for()
    page.get_by_role("button", name="Next waveform").click()
    page.get_by_text("Waveform 2 of 12").wait_for()
    page.get_by_label("Channel", exact=True).select_option("2")
    page.get_by_role("heading", name="channel 2").wait_for()
    page.get_by_role("button", name="Download").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Parquet").last.click()
    saved = tmp_path / "events.parquet"
    download.value.save_as(saved)
    assert saved.read_bytes()[:4] == b"PAR1"
    page.goto(f"{address}/runs/{run.pk}/trends/?slot=1")
    drawn(page, "[data-chart=chart-gain_adc-bias_v]")
    page.get_by_text("mV/°C").first.wait_for()
    page.goto(f"{address}/runs/{run.pk}/monitor/")
    drawn(page, "[data-chart=chart-monitor-0]")

    # A partner's file: garbage is named, a curve is looked at, then taken in.
    page.goto(f"{address}/runs/import/")
    page.get_by_label("Serial number of the device").fill("Q-0")
    broken, curve = tmp_path / "broken.txt", tmp_path / "iv_20C.csv"
    broken.write_bytes(bytes(range(256)) * 20)
    points = "".join(f"{60 + i / 5:.1f},{1e-9 * 1.1**i:.4e}\n" for i in range(60))
    curve.write_text(f"Bias [V],Current [A]\n{points}")
    page.get_by_label("Files", exact=True).set_input_files(broken)
    page.get_by_role("button", name="Look first").click()
    page.get_by_text("Nothing was taken in.").wait_for()
    page.get_by_label("Files", exact=True).set_input_files(curve)
    page.get_by_role("button", name="Look first").click()
    drawn(page, "[data-chart=chart-preview]")
    page.get_by_role("button", name="Import", exact=True).click()
    page.get_by_role("heading", name=f"Run {run.pk + 1}").wait_for()
    assert Run.objects.latest("pk").parameters["import"]["names"] == ["iv_20C.csv"]
