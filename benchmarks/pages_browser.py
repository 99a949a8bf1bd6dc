"""Ten main pages in Chromium: ``make bench BENCH=pages_browser ARGS="--values 1e6"``.

A server of this tree with one process answers from a campaign that is made once and kept below
``--cache``. Each page is opened by a browser that has been there before, `TURNS` times: what the
server took, the first and the largest contentful paint, and the bytes that came. On each page some
touches follow (the theme, a choice, a key), and the longest time from one to the next paint counts.
Then each page is opened by a browser that was never there: the bytes of a first visit. The last
line is one JSON object with all of it; the status is 1 where a page is beyond a limit.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TURNS, PORT = 7, 8461
SCREEN: Any = {"width": 1400, "height": 900}
PASSWORD = "a-bench-of-pages"  # noqa: S105
PAINT_MS, TOUCH_MS, FIRST_KB, LATER_KB = 500, 100, 1500, 100
SHIFT = 0.1
"""What a page may move under the eye (cumulative layout shift)."""
REFERENCES = 150
"""Measurements of a reference device at each station of the first stage."""
WATCH = """
window.seen = { lcp: 0, inp: 0, shift: 0 };
const each = (type, more, use) => new PerformanceObserver((list) => list.getEntries().forEach(use))
  .observe({ type, buffered: true, ...more });
each("largest-contentful-paint", {}, (one) => { window.seen.lcp = one.startTime; });
each("layout-shift", {}, (one) => { if (!one.hadRecentInput) window.seen.shift += one.value; });
each("event", { durationThreshold: 16 }, (one) => {
  if (one.interactionId) window.seen.inp = Math.max(window.seen.inp, one.duration);
});
"""
TOLD = """() => {
  const [page] = performance.getEntriesByType("navigation");
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  const all = [page, ...performance.getEntriesByType("resource")];
  const host = (one) => new URL(one.name).host;
  return { ...window.seen, server: page.responseStart - page.requestStart,
    fcp: paint?.startTime ?? 0, ready: page.domContentLoadedEventEnd, html: page.decodedBodySize,
    bytes: all.reduce((sum, one) => sum + one.transferSize, 0),
    strange: all.filter((one) => host(one) !== location.host).length };
}"""


def main() -> int:
    """Measure all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--values", type=float, default=1e6, help="values in the database")
    parser.add_argument("--turns", type=int, default=TURNS, help="visits of each page")
    cache = Path(tempfile.gettempdir()) / "mppcqa-bench-pages"
    parser.add_argument("--cache", type=Path, default=cache, help="where the campaign is kept")
    parser.add_argument("--only", default="", help="names of pages, with commas between")
    parser.add_argument("--tree", type=Path, default=ROOT, help="another tree, whose code answers")
    parser.add_argument("--fill", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fill:
        fill(int(options.values))
        return 0
    home = options.cache / f"browser-{int(options.values)}"
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    environment = {key: value for key, value in os.environ.items() if "MPPCQA" not in key}
    environment |= {"MPPCQA_HOME": str(home)}
    if not (home / "pages.json").exists():
        made = [sys.executable, "-m", "benchmarks.pages_browser", "--fill"]
        subprocess.run([*made, f"--values={options.values}"], env=environment, check=True)
    pages: dict[str, str] = json.loads((home / "pages.json").read_text())
    only = set(filter(None, options.only.split(",")))
    pages = {name: one for name, one in pages.items() if not only or name in only}
    load = os.getloadavg()[0]
    environment["PYTHONPATH"] = str(options.tree / "src")
    with ExitStack() as stack:
        serve(home, environment, stack)
        report = measure(pages, options.turns)
    loads = [round(load, 1), round(os.getloadavg()[0], 1)]
    report |= {"values": int(options.values), "load": loads}
    print(json.dumps(report), flush=True)
    return 0 if report["holds"] else 1


def serve(home: Path, environment: dict[str, str], stack: ExitStack) -> None:
    """The server and what fits, until the end."""
    log = stack.enter_context((home / "bench.log").open("ab"))
    command = [sys.executable, "-m", "mppcqa.cli"]
    processes: list[subprocess.Popen[bytes]] = []
    stack.callback(lambda: [one.wait(30) for one in processes])
    stack.callback(lambda: [one.terminate() for one in processes])
    for more in (["web", "--port", str(PORT), "--processes", "1"], ["fitter"]):
        one = subprocess.Popen([*command, *more], env=environment, stdout=log, stderr=log)
        processes.append(one)


def measure(pages: dict[str, str], turns: int) -> dict[str, Any]:
    """Every page by a browser that knows them, then by one that does not."""
    from playwright.sync_api import sync_playwright

    found: dict[str, Any] = {}
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        known = browser.new_context(viewport=SCREEN)
        known.add_init_script(WATCH)
        page = known.new_page()
        page.set_default_timeout(120_000)
        log_in(page, PORT, PASSWORD)
        state = known.storage_state()
        for name, address in pages.items():
            visits = [visit(page, address) for _ in range(turns + 1)][1:]
            touch(page)
            inp = page.evaluate("() => window.seen.inp")
            fresh = browser.new_context(storage_state=state, viewport=SCREEN)
            fresh.add_init_script(WATCH)
            first = visit(fresh.new_page(), address)
            fresh.close()
            found[name] = summary(visits, first, inp)
            print(f"{name}: {json.dumps(found[name])}", flush=True)
        browser.close()
    beyond = sorted(name for name, one in found.items() if one["beyond"])
    return {"holds": not beyond, "beyond": beyond, "pages": found}


def log_in(page: Any, port: int, password: str) -> None:
    """As rosa, as soon as the server answers."""
    from playwright.sync_api import Error

    for _ in range(400):
        try:
            page.goto(f"http://127.0.0.1:{port}/")
            break
        except Error:
            time.sleep(0.2)
    page.locator("input[name=username], input[name=login]").fill("rosa")
    page.locator("input[name=password]").fill(password)
    page.locator("button[type=submit]").click()
    page.wait_for_load_state()


def visit(page: Any, address: str) -> dict[str, float]:
    """Open a page and wait until nothing more comes; what it took."""
    page.goto(f"http://127.0.0.1:{PORT}{address}")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(300)
    told: dict[str, float] = page.evaluate(TOLD)
    return told


def touch(page: Any) -> None:
    """What a hand does on any page: the theme twice, a chooser, keys."""
    from playwright.sync_api import Error

    for _ in range(2):
        page.locator("[data-theme-switch]:visible").first.click()
        page.wait_for_timeout(600)
    with suppress(Error):
        page.locator("main select:visible").first.click(timeout=500)
        page.keyboard.press("Escape")
    for key in ("Tab", "Tab", "ArrowRight", "/", "x"):
        page.keyboard.press(key)
        page.wait_for_timeout(100)


def summary(visits: list[dict[str, float]], first: dict[str, float], inp: float) -> dict[str, Any]:
    """Medians of the visits, and what is beyond a limit."""

    def of(key: str) -> float:
        return statistics.median(one[key] for one in visits)

    made: dict[str, Any] = {
        "lcp_ms": round(of("lcp")),
        "fcp_ms": round(of("fcp")),
        "ready_ms": round(of("ready")),
        "server_ms": round(of("server")),
        "inp_ms": round(inp),
        "html_kb": round(of("html") / 1000),
        "later_kb": round(of("bytes") / 1000),
        "first_kb": round(first["bytes"] / 1000),
        "shift": round(of("shift"), 3),
        "other_hosts": int(first["strange"]),
    }
    limits = {"lcp_ms": PAINT_MS, "inp_ms": TOUCH_MS, "shift": SHIFT}
    limits |= {"first_kb": FIRST_KB, "later_kb": LATER_KB}
    beyond = [key for key, most in limits.items() if made[key] > most]
    return made | {"beyond": beyond + ["other_hosts"] * (made["other_hosts"] > 0)}


def fill(values: int) -> None:
    """A campaign with lots, stations, their reference devices and a run with its file."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mppcqa.project.settings")
    import django

    from mppcqa.database import local_files

    local_files.allowed = True
    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from tests.explored import make_explored

    from benchmarks import explore
    from mppcqa.columnar import keeping
    from mppcqa.results.models import QuantityRow
    from mppcqa.runs.models import Station

    call_command("migrate", verbosity=0)
    person = User.objects.create_superuser("rosa", password=PASSWORD)
    explore.fill(values)
    add_references("pde")
    with tempfile.TemporaryDirectory() as folder:
        run = make_explored(person, Path(folder), devices=1, events=20_000)
    keeping.follow()
    row = QuantityRow.objects.get(stage="pde", key="pde")
    station = Station.objects.get(name="pde-1")
    place = "slot=1&channel=3&bias_v=72.4&temperature_c=25&light=1"
    pages = {
        "home": "/",
        "devices": "/devices/",
        "device": "/devices/GX-000100/",
        "tray": "/trays/T-0001/",
        "explore": f"/runs/{run.pk}/explore/",
        "cell": f"/runs/{run.pk}/cell/?{place}",
        "workbench": f"/workbench/?q={row.pk}&by=lot",
        "distribution": "/distributions/",
        "yield": "/statistics/yield/",
        "stations": f"/statistics/stations/?station={station.pk}",
    }
    (Path(os.environ["MPPCQA_HOME"]) / "pages.json").write_text(json.dumps(pages))


def add_references(stage: str) -> None:
    """Each station of a stage measured a device of its own again and again."""
    import datetime as dt

    import numpy as np
    from django.utils import timezone

    from benchmarks import database_fill as made_up
    from mppcqa.inventory.models import Device
    from mppcqa.results.ingest import NewAnalysis, store_analyses
    from mppcqa.runs.models import Run, Station
    from mppcqa.stages import get_stage

    rng = np.random.default_rng(20)
    device = Device.objects.order_by("pk").values_list("pk", flat=True)[0]
    for station in Station.objects.filter(stage=stage):
        Station.objects.filter(pk=station.pk).update(reference_device=device)
        files = made_up.new_runs(stage, [[device]] * REFERENCES)
        for number, file in enumerate(files):
            when = timezone.now() - dt.timedelta(days=REFERENCES - number)
            Run.objects.filter(pk=file.run_id).update(station=station, measured_at=when)
        store_analyses([
            NewAnalysis(
                stage=get_stage(stage),
                run_file=file,
                values=made_up.stage_values(stage, [device], rng),
                devices=[device],
            )
            for file in files
        ])  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
