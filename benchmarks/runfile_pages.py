"""Server time of a run's pages over its run file, without the network: ``FOLDER DEVICES``.

The run is in a database of its own with made-up values of every device, channel and point; its file
is the one that the other steps wrote. Spectrum, fit, waveforms come from the file at each request.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.runfile_steps import CHANNELS, POINTS, setting

PAGES = {
    "page": "/runs/{run}/explore/?quantity=gain_adc",
    "device_page": "/runs/{run}/explore/?quantity=gain_adc&slot={slot}",
    "cell_spectrum": "/runs/{run}/cell/?slot={slot}&channel={channel}&point={point}",
    "cell_waveforms": "/runs/{run}/cell/waveforms/?slot={slot}&channel={channel}&point={point}",
}
REQUESTS, WARM = 12, 3


def measure(folder: Path, devices: int) -> dict[str, float]:
    """Median server time of each page in ms; each request is for another device and point."""
    os.environ["MPPCQA_HOME"] = str(folder / "home")
    os.environ["MPPCQA_DATABASE"] = f"sqlite:///{folder}/home/bench.sqlite3"
    os.environ["DJANGO_SETTINGS_MODULE"] = "mppcqa.project.settings"
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client

    call_command("migrate", verbosity=0)
    user = User.objects.create_superuser("bench")
    run = _run(folder / "run.root", devices, user)
    import mppcqa.project.wsgi  # noqa: F401 (what gunicorn loads)

    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(user)
    rng = np.random.default_rng(1)
    found = {}
    for name, page in PAGES.items():
        times = []
        for turn in range(WARM + REQUESTS):
            address = page.format(
                run=run,
                slot=rng.integers(devices),
                channel=rng.integers(CHANNELS),
                point=rng.integers(POINTS),
            )
            began = time.perf_counter()
            response = client.get(address)
            if turn >= WARM:
                times.append(1e3 * (time.perf_counter() - began))
            text = response.content.decode()
            assert response.status_code == 200, address
            assert "alert-danger" not in text, address
        found[f"{name}_ms"] = round(float(np.median(times)))
    return found


def _run(path: Path, devices: int, user: object) -> int:
    """The run's number; its rows in the database, and its file in the store."""
    from django.conf import settings

    from mppcqa.inventory.actions import register_devices
    from mppcqa.inventory.models import Device, DeviceType
    from mppcqa.results.ingest import store_analysis
    from mppcqa.runs.models import Run, RunFile, RunSlot, Station
    from mppcqa.stages import Condition, Result, get_stage

    DeviceType.objects.create(name="bench", rows=4, columns=4, nominal_breakdown_v=70.0)
    serials = [f"B-{i}" for i in range(devices)]
    register_devices([{"serial": s, "device_type": "bench"} for s in serials], by=user)
    ids = dict(Device.objects.values_list("serial", "pk"))
    stage = get_stage("stage2")
    station = Station.objects.create(name="bench", stage="stage2", slots=devices)
    run = Run.objects.create(
        stage="stage2", station=station, operator=user, parameters=stage.clean({})
    )
    slots = {i: ids[serial] for i, serial in enumerate(serials)}
    RunSlot.objects.bulk_create(
        RunSlot(run=run, slot=slot, device_id=device) for slot, device in slots.items()
    )
    kept = Path(settings.MEDIA_ROOT) / "runs" / "run.root"
    kept.parent.mkdir(parents=True, exist_ok=True)
    os.link(path, kept)
    row = RunFile.objects.create(
        sha256="0" * 64,
        size=path.stat().st_size,
        file="runs/run.root",
        original_name="run.root",
        kind=RunFile.Kind.RUN,
        run=run,
    )
    results = [
        Result(
            slot=slot,
            channel=channel,
            quantity="gain_adc",
            value=100.0 + channel,
            uncertainty=0.5,
            condition=Condition(**setting(point)),
        )
        for slot in slots
        for channel in range(CHANNELS)
        for point in range(POINTS)
    ]
    store_analysis(stage, row, slots, results)
    return int(run.pk)


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), int(sys.argv[2]))))
