"""A physicist distrusts a fit, and tries it otherwise on its page."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User

from mppcqa.results.models import Analysis
from mppcqa.views import fitter
from tests.browser.test_campaign import house, log_in, page, sync_api  # noqa: F401
from tests.browser.test_explorer import drawn
from tests.explored import make_explored
from tests.workers import child_environment, wait_until


@pytest.fixture
def process(settings: object) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "mppcqa.cli", "fitter"]
    home = Path(settings.MPPCQA_HOME)
    with (home / "fitter.log").open("ab") as log:
        started = subprocess.Popen(command, env=child_environment(), stdout=log, stderr=log)
    try:
        wait_until((home / fitter.SOCKET).exists, what="the process that fits listens")
        yield started
    finally:
        started.terminate()
        started.wait(20)


@pytest.mark.timeout(300)
def test_a_fit_is_tried_and_carried_on_to_a_re_analysis(
    live_server: object,
    house: SimpleNamespace,  # noqa: F811
    page: object,  # noqa: F811
    process: subprocess.Popen[bytes],
    tmp_path: Path,
) -> None:
    run = make_explored(User.objects.get(), tmp_path, devices=1)
    log_in(page, live_server.url)
    page.goto(f"{live_server.url}/runs/{run.pk}/cell/?slot=1&channel=3&bias_v=72.4&light=1")
    drawn(page, "[data-chart=chart-residuals]")
    page.get_by_text("Try before you keep").click()
    page.get_by_label("Bins of a spectrum").fill("230")
    page.get_by_role("button", name="Fit", exact=True).click()
    page.get_by_text("tried, not kept").wait_for()
    drawn(page, "[data-chart=chart-residuals]")
    page.get_by_role("columnheader", name="counts now").first.wait_for()
    # Too little is left: the reason, and the page goes on.
    page.get_by_label("Charges from").fill("1e6")
    page.get_by_role("button", name="Fit", exact=True).click()
    page.get_by_text("fewer than 100 events").wait_for()
    page.get_by_label("Charges from").fill("")
    page.get_by_role("button", name="Fit", exact=True).click()
    page.get_by_role("link", name="this run", exact=True).click()
    page.get_by_text("1 run file fits").wait_for()
    assert page.get_by_label("Bins of a spectrum").input_value() == "230"
    # Nobody listens any more: the page still shows what counts, fitted by itself.
    process.terminate()
    process.wait(20)
    assert not (Path(fitter.settings.MPPCQA_HOME) / fitter.SOCKET).exists()
    page.go_back()
    drawn(page, "[data-chart=chart-spectrum]")
    assert Analysis.objects.count() == 1
