"""What leaves the house on paper: ``make bench BENCH=reports``; the last line is one JSON object.

full_reports_per_second
    Full reports of devices of 16 channels with two judged stages, from the database to the file, by
    two processes at once on SQLite.
certificates_per_second
    The same for certificates.
report_cpu_s, certificate_cpu_s
    Processor time of one of them, in one process: the rates above, where others use the machine.
ratio_vega
    Processor time of the same reports with the charts as pictures of the page's Vega-Lite (as they
    were once), against ours.

ratio_matplotlib
    The same with the charts drawn by matplotlib as vectors, panel by panel as ours are. It is none
    of our packages: the first time it is fetched into a folder of its own
    (`benchmarks/reports_peers.py`).
bundle_minutes, bundle_cpu_s, bundle_peak_mb
    The certificates of 2,800 devices in one file, by one process, and its peak memory.
campaign_s, campaign_cpu_s
    The report of a campaign of 10^5 devices that is not all there is.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.reports_many import bundle_of, campaign_of
from benchmarks.reports_peers import matplotlib_time

DEVICES = 12
TARGETS = {"full_reports_per_second": 4, "certificates_per_second": 20, "ratio_matplotlib": 5}
AT_MOST = {"bundle_minutes": 4, "bundle_peak_mb": 300, "campaign_s": 10}


def prepare(home: Path) -> None:
    """A database with measured and judged devices in that folder."""
    os.environ["MPPCQA_HOME"] = str(home)
    os.environ["MPPCQA_URL"] = "https://qa.example.org"
    os.environ["DJANGO_SETTINGS_MODULE"] = "mppcqa.project.settings"
    os.environ.pop("MPPCQA_DATABASE", None)
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import connections

    call_command("migrate", verbosity=0, interactive=False)
    from tests.campaign import make_campaign

    operator = User.objects.create_superuser("bench")
    made = make_campaign(operator, devices=DEVICES)
    in_the_dark(made.stations[1], made.devices, operator)
    connections.close_all()


def in_the_dark(station: Any, devices: list[Any], operator: Any) -> None:
    """A second stage of the devices: values at three biases, taken in and judged."""
    from mppcqa.limits.judging import judge
    from mppcqa.results.ingest import store_analysis
    from mppcqa.runs.models import Run, RunFile, RunSlot
    from mppcqa.stages import Condition, Result, get_stage
    from mppcqa.store.keeping import keeping

    stage = get_stage("darkbox")
    run = Run.objects.create(
        stage="darkbox", station=station, parameters=stage.clean({}), operator=operator
    )
    slots = dict(enumerate(devices, 1))
    RunSlot.objects.bulk_create(
        RunSlot(run=run, slot=slot, device=device) for slot, device in slots.items()
    )
    with keeping(io.BytesIO(b"a dark run"), "runs", ".root") as kept:
        file = RunFile.objects.create(
            file=kept.name, sha256=kept.sha256, size=kept.size, original_name="dark.root", run=run
        )
    results = [
        Result(
            slot=slot,
            channel=channel,
            quantity=quantity,
            value=value * (bias - 69) * (1 + channel / 100),
            uncertainty=value / 50,
            condition=Condition(
                bias_v=bias, overvoltage_v=round(bias - 70, 1), temperature_c=20.0
            ),
        )
        for slot in slots
        for channel in range(16)
        for quantity, value in (("dark_rate_hz", 4e5), ("gain_adc", 30.0),
                                ("crosstalk_probability", 0.02))
        for bias in (71.0, 71.6, 72.2)
    ]  # fmt: skip
    ids = {slot: device.pk for slot, device in slots.items()}
    analysis = store_analysis(stage, file, ids, results, [])
    judge(analysis, list(ids.values()))


def write_some(kind: str, seconds: float, ready: Any, done: Any) -> None:
    """Write reports of a kind one after the other for a time; a worker's part of the work."""
    import django

    django.setup()
    from mppcqa.inventory.models import Device
    from mppcqa.public_address import public_address
    from mppcqa.reports.kinds import find_kind

    devices = list(Device.objects.order_by("serial"))
    write = find_kind(kind).write
    write(devices[0], public_address(), "A4")  # what a worker loads once
    ready.wait()
    made, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        data = write(devices[made % len(devices)], public_address(), "A4").data
        assert data.startswith(b"%PDF")
        made += 1
    done.put(made)


def per_second(kind: str, seconds: float, processes: int) -> float:
    """Reports of a kind that processes write side by side."""
    context = multiprocessing.get_context("spawn")
    ready, done = context.Barrier(processes), context.Queue()
    told = (kind, seconds, ready, done)
    workers = [context.Process(target=write_some, args=told) for _n in range(processes)]
    for worker in workers:
        worker.start()
    made = sum(done.get() for _worker in workers)
    for worker in workers:
        worker.join()
    return made / seconds


def certificate_time(repeats: int) -> float:
    """Processor time of a certificate [s]."""
    from mppcqa.inventory.models import Device
    from mppcqa.public_address import public_address
    from mppcqa.reports.certificate import certificate

    devices = list(Device.objects.order_by("pk"))[:repeats]
    certificate(devices[0], public_address())
    start = time.process_time()
    for device in devices:
        certificate(device, public_address())
    return (time.process_time() - start) / len(devices)


def processor_time(repeats: int) -> tuple[float, float]:
    """Of a report as it is, and of one with pictures of the page's charts instead [s]."""
    import vl_convert

    from mppcqa import charts
    from mppcqa.inventory.models import Device
    from mppcqa.public_address import public_address
    from mppcqa.reports.device import lay_out
    from mppcqa.views.device import device_view

    serials = list(Device.objects.order_by("pk").values_list("serial", flat=True))[:repeats]
    lay_out(device_view(serials[0], viewer=None), public_address())  # type: ignore[arg-type]
    start = time.process_time()
    drawn = [device_view(serial, viewer=None) for serial in serials]
    for view in drawn:
        assert view is not None
        lay_out(view, public_address())
    ours = (time.process_time() - start) / len(serials)
    start = time.process_time()
    for view in drawn:
        assert view is not None
        stages = tuple(replace(one, charts=()) for one in view.stages)
        lay_out(replace(view, stages=stages), public_address())
        for stage in view.stages:
            for one in stage.charts:
                vl_convert.vegalite_to_png(charts.to_spec(one.chart), scale=2.0)
    return ours, (time.process_time() - start) / len(serials)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--bundle", type=int, default=2800, help="certificates of one file")
    parser.add_argument("--campaign", type=int, default=100_000, help="devices of a campaign")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mppcqa-reports-") as folder:
        prepare(Path(folder))
        how = options.seconds, options.processes
        figures: dict[str, Any] = {
            "full_reports_per_second": per_second("device", *how),
            "certificates_per_second": per_second("certificate", *how),
            "certificate_cpu_s": certificate_time(DEVICES),
        }
        ours, pictures = processor_time(DEVICES)
        figures |= {"report_cpu_s": ours, "ratio_vega": pictures / ours}
        theirs = matplotlib_time(DEVICES)
        figures["ratio_matplotlib"] = theirs / ours
        figures |= campaign_of(options.campaign)
        figures |= bundle_of(options.bundle)
    figures = {
        name: None if value is None else float(f"{value:.3g}") for name, value in figures.items()
    }
    there = {name: value for name, value in figures.items() if value is not None}
    missed = [name for name, least in TARGETS.items() if there.get(name, least) < least]
    missed += [name for name, most in AT_MOST.items() if there.get(name, most) > most]
    print(json.dumps({**figures, "missed": missed}))


if __name__ == "__main__":
    main()
