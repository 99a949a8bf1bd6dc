"""A spectrum fitted anew on its page, from click to picture, in Chromium: part of BENCH=explore."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.pages_browser import log_in

EVENTS, CLICKS, PORT = 20_000, 60, 8457
PASSWORD = "a-bench-of-spectra"  # noqa: S105
CLICK = """(bins) => new Promise((resolve) => {
  const watch = new MutationObserver(() => {
    const badge = document.querySelector("#spectrum .badge:not([data-seen])");
    if (!badge || document.querySelectorAll("#spectrum svg.marks").length !== 2) return;
    badge.dataset.seen = "1";
    watch.disconnect();
    requestAnimationFrame(() => resolve(performance.now() - clicked));
  });
  watch.observe(document.body, { childList: true, subtree: true });
  document.querySelector("input[name=p-bins]").value = bins;
  const clicked = performance.now();
  document.querySelector("#try button[type=submit]").click();
})"""


def measure() -> dict[str, Any]:
    """Median and 95 % of milliseconds from click to picture, and how long the first one took."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mppcqa-refit-")))
        environment = {key: value for key, value in os.environ.items() if "MPPCQA" not in key}
        environment |= {"MPPCQA_HOME": str(home)}
        made = [sys.executable, "-m", "benchmarks.explore_refit", "fill"]
        address = subprocess.run(made, env=environment, check=True, stdout=subprocess.PIPE).stdout
        command = [sys.executable, "-m", "mppcqa.cli"]
        web = [*command, "web", "--port", str(PORT), "--processes", "1"]
        log = stack.enter_context((home / "log").open("ab"))
        processes = []
        stack.callback(lambda: [one.wait(30) for one in processes])
        stack.callback(lambda: [one.terminate() for one in processes])
        processes.append(subprocess.Popen(web, env=environment, stdout=log, stderr=log))
        began = time.perf_counter()
        fitter = [*command, "fitter"]
        processes.append(subprocess.Popen(fitter, env=environment, stdout=log, stderr=log))
        return _click(address.decode().split()[-1], began)


def _click(address: str, began: float) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.set_default_timeout(120_000)
        log_in(page, PORT, PASSWORD)
        page.goto(f"http://127.0.0.1:{PORT}{address}")
        page.locator("#try summary").click()
        page.locator("[data-chart=chart-residuals] svg.marks").wait_for()
        cold = 1000 * (time.perf_counter() - began)
        took = [page.evaluate(CLICK, str(200 + 3 * number)) for number in range(CLICKS + 5)]
        browser.close()
    took = sorted(took[5:])
    return {
        "refit_ms": round(statistics.median(took)),
        "refit_p95_ms": round(took[int(0.95 * len(took))]),
        "refit_first_page_ms": round(cold),
        "refit_clicks": len(took),
    }


def fill() -> None:
    """A measured and analysed run in an empty home; prints the address of a spectrum."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mppcqa.project.settings")
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from tests.explored import make_explored

    call_command("migrate", verbosity=0)
    person = User.objects.create_superuser("rosa", password=PASSWORD)
    with tempfile.TemporaryDirectory() as folder:
        run = make_explored(person, Path(folder), devices=1, events=EVENTS)
    print(f"/runs/{run.pk}/cell/?slot=1&channel=3&bias_v=72.4&temperature_c=25&light=1")


if __name__ == "__main__":
    fill()
