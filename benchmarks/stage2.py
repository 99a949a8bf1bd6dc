"""A Stage 2 campaign: simulated, through the queue, analysed, browsed (`make bench BENCH=stage2`).

100 arrays of 16 channels at 7 biases and 2 temperatures, light and dark, with waveforms and IV
curves, by real workers on a database and a home of its own. `ARGS="--arrays 8"` makes it shorter.
The last line is one JSON object: seconds, bytes, values, failures of fits, and the server time of
the pages that look into the last run.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

CELL = "slot=1&channel=5&b=72&t=25&l=1"
REPEATS = 15
NEUTRAL_V = 72.0
"""For truths that do not depend on the bias."""
COEFFICIENT = 0.056
SAME = {
    "dark_rate_waveforms_hz": "dark_rate_hz",
    "crosstalk_waveforms": "crosstalk_probability",
    "afterpulse_probability": "afterpulse_probability",
    "breakdown_iv_v": "breakdown_voltage_v",
    "breakdown_iv_coefficient_v_per_c": "",
    "quenching_ohm": "quenching_resistance_ohm",
}
"""Quantities of waveforms and IV curves, and the truth that each is about."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arrays", type=int, default=100)
    parser.add_argument("--events", type=int, default=5000)
    parser.add_argument("--waveforms", type=int, default=20)
    parser.add_argument("--home", type=Path, help="keep the campaign in this folder")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = options.home or stack.enter_context(
            tempfile.TemporaryDirectory(prefix="mppcqa-stage2-")
        )
        os.environ["MPPCQA_HOME"] = str(folder)
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mppcqa.project.settings")
        import django

        django.setup()
        print(json.dumps(measure(Path(folder), options)))


def measure(home: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Run the campaign in that home, and look at it."""
    from django.core.management import call_command

    from mppcqa.cli.demonstration import measure_shared, prepare
    from mppcqa.cli.processes import Crew
    from mppcqa.queue.models import Task

    call_command("migrate", verbosity=0, interactive=False)
    campaign = prepare(options.arrays, "stage2")
    parameters = {"events": options.events, "waveforms": options.waveforms}
    done = 0

    def wait(runs: list[Any]) -> None:
        nonlocal done
        groups = [run.task_group_id for run in runs]
        while any(task.is_open for task in Task.objects.filter(group__in=groups)):
            time.sleep(0.3)
        done += sum(run.slots.count() for run in runs)
        print(f"{done}/{options.arrays} arrays, {time.monotonic() - began:.0f} s", flush=True)

    began = time.monotonic()
    with Crew(home / "logs") as crew:
        crew.start("worker", [sys.executable, "-m", "mppcqa.cli", "worker", "--concurrency", "2"])
        runs = measure_shared(campaign, wait, parameters)
    seconds = time.monotonic() - began
    return {
        "arrays": options.arrays,
        "channels": 16,
        "biases": 7,
        "temperatures": 2,
        "events_a_point": options.events,
        "campaign_s": round(seconds, 1),
        "s_an_array": round(seconds / options.arrays, 2),
        "task_s": task_seconds(),
        **stored(home),
        **agreement(),
        **pages(runs[-1].pk),
    }


def stored(home: Path) -> dict[str, Any]:
    """What the campaign left: bytes, values, failures."""
    from mppcqa.queue.models import State, Task
    from mppcqa.results.models import Analysis, Standing
    from mppcqa.runs.models import RunFile

    problems = [one for row in Analysis.objects.all() for one in row.problems]
    spectra = [one for one in problems if "waveforms" not in one["what"]]
    return {
        "run_files": RunFile.objects.count(),
        "run_file_bytes": sum(RunFile.objects.values_list("size", flat=True)),
        "home_bytes": sum(path.stat().st_size for path in home.rglob("*") if path.is_file()),
        "values": sum(Analysis.objects.values_list("values", flat=True)),
        "fit_failures": len(spectra),
        "waveform_failures": len(problems) - len(spectra),
        "problems": sorted({one["what"] for one in problems})[:5],
        "tasks_failed": Task.objects.exclude(state=State.SUCCEEDED).count(),
        "devices_judged": Standing.objects.exclude(outcome="").count(),
    }


def task_seconds() -> dict[str, float]:
    """Run time of each kind of task, summed over all."""
    from django.db.models import Sum

    from mppcqa.queue.models import Task

    rows = Task.objects.values_list("name").annotate(total=Sum("run_s"))
    return {name: round(total or 0.0, 1) for name, total in rows.order_by("name")}


def agreement() -> dict[str, Any]:
    """Share of the channels' values within 3 sigma of the simulator's truth, all and by quantity.

    Quantities from IV curves and from few waveforms are named apart: the breakdown voltage by a
    method of IV curves differs from the one by the gain by definition.
    """
    from mppcqa.inventory.models import Device
    from mppcqa.results.models import Measurement
    from mppcqa.stages.simulated import device_truth

    truth = {
        pk: device_truth(serial, 16) for pk, serial in Device.objects.values_list("pk", "serial")
    }
    inside: Counter[str] = Counter()
    total: Counter[str] = Counter()
    rows = Measurement.objects.filter(channel__gte=0, statistical__gt=0).values_list(
        "device",
        "channel",
        "quantity__key",
        "value",
        "statistical",
        "systematic",
        "condition__bias_v",
        "condition__temperature_c",
    )
    for device, channel, key, value, sigma, common, bias, at in rows.iterator(chunk_size=20_000):
        of = truth[device][channel].at(bias or NEUTRAL_V, 20.0 if at is None else at)
        true = COEFFICIENT if key.endswith("coefficient_v_per_c") else of.get(SAME.get(key, key))
        if true is not None:
            total[key] += 1
            inside[key] += abs(value - true) < 3 * math.hypot(sigma, common)
    spectra = [key for key in total if key not in SAME]
    every = sum(total[key] for key in spectra)
    return {
        "compared": every,
        "within_3_sigma": round(sum(inside[key] for key in spectra) / every, 5),
        "within_3_sigma_by_quantity": {
            key: round(inside[key] / total[key], 5) for key in sorted(total)
        },
    }


def pages(run: int) -> dict[str, Any]:
    """Median server time in ms of the pages that look into a run."""
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.test import Client

    settings.ALLOWED_HOSTS = ["*"]
    import mppcqa.project.wsgi  # noqa: F401 (what gunicorn loads)

    client = Client()
    client.force_login(User.objects.create_superuser("browser"))
    found = {}
    for name, address in {
        "run_page_ms": f"/runs/{run}/",
        "explorer_ms": f"/runs/{run}/explore/",
        "trends_ms": f"/runs/{run}/trends/",
        "cell_ms": f"/runs/{run}/cell/?{CELL}",
        "waveforms_ms": f"/runs/{run}/cell/waveforms/?{CELL}",
        "iv_ms": f"/runs/{run}/cell/iv/?{CELL}",
    }.items():
        times = []
        for _ in range(REPEATS):
            began = time.perf_counter()
            if client.get(address).status_code != 200:
                raise SystemExit(f"{address} does not open")
            times.append(1e3 * (time.perf_counter() - began))
        found[name] = round(statistics.median(times[2:]), 1)
    return found


if __name__ == "__main__":
    main()
