"""Reports about very many devices, for ``make bench BENCH=reports``: a bundle, a campaign."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import resource
import time
from pathlib import Path
from typing import Any


def bundle_of(devices: int) -> dict[str, float]:
    """Minutes and peak memory of a file with the certificates of so many devices.

    The devices have been measured and judged once. One process writes the file, whatever the
    number of workers: its pages follow each other.
    """
    from django.db import connections
    from tests.campaign import measured_run

    from mppcqa.inventory.actions import register_devices
    from mppcqa.inventory.models import Device, Lot
    from mppcqa.runs.models import Station

    kind = Device.objects.first().device_type.name  # type: ignore[union-attr]
    rows = [{"serial": f"BB-{n:05d}", "device_type": kind, "lot": "BB"} for n in range(devices)]
    register_devices(rows, by=None)
    lot, station = Lot.objects.get(name="BB"), Station.objects.get(name="pde-1")
    there = list(Device.objects.filter(lot=lot).order_by("pk"))
    for start in range(0, devices, 200):
        measured_run(station, there[start : start + 200], None)  # type: ignore[arg-type]
    connections.close_all()
    context = multiprocessing.get_context("spawn")
    told: Any = context.Queue()
    worker = context.Process(target=_write_bundle, args=(lot.pk, told))
    worker.start()
    found: dict[str, float] = told.get()
    worker.join()
    return found


def _write_bundle(lot: int, told: Any) -> None:
    import django

    django.setup()
    from mppcqa.inventory.models import Lot
    from mppcqa.reports.archive import save_report

    row = Lot.objects.get(pk=lot)
    start = time.monotonic()
    cpu = time.process_time()
    kept = save_report("lot-certificates", row)
    told.put(
        {
            "bundle_minutes": (time.monotonic() - start) / 60,
            "bundle_cpu_s": time.process_time() - cpu,
            "bundle_mb": kept.file.size / 1e6,
            "bundle_peak_mb": _peak_mb(),
        }
    )


def _peak_mb() -> float:
    """Of this process alone; what `getrusage` tells is that of the process before it as well."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def campaign_of(devices: int) -> dict[str, float]:
    """Seconds, of a clock and of the processor, of the report of a campaign of so many devices.

    They are judged at two stages. It is beside another campaign, so that nothing comes from the
    summaries of all devices.
    """
    from mppcqa.inventory.campaign import Campaign
    from mppcqa.inventory.models import Device, DeviceType, Lot
    from mppcqa.limits.models import LimitSet, Verdict
    from mppcqa.public_address import public_address
    from mppcqa.reports.campaign import campaign_report
    from mppcqa.results.models import Analysis, Standing

    campaign = Campaign.objects.create(name="Large")
    kind = DeviceType.objects.earliest("pk")
    lots = [Lot.objects.create(name=f"C-{n}") for n in range(50)]
    Device.objects.bulk_create(
        (
            Device(serial=f"C-{n:06d}", device_type=kind, lot=lots[n % 50], campaign=campaign)
            for n in range(devices)
        ),
        batch_size=2000,
    )
    ids = list(Device.objects.filter(campaign=campaign).values_list("pk", flat=True))
    then = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
    outcomes = ("pass",) * 8 + ("warning", "fail")
    details = [{"quantity": "gain_adc", "outcome": "fail"}]
    for stage in ("pde", "darkbox"):
        analysis = Analysis.objects.filter(stage=stage).earliest("pk")
        limits = LimitSet.objects.filter(stage=stage).earliest("pk")
        Verdict.objects.bulk_create(
            (
                Verdict(
                    device_id=pk,
                    stage=stage,
                    analysis=analysis,
                    limit_set=limits,
                    outcome=outcomes[pk % 10],
                    details=details if pk % 10 == 9 else [],
                    judged_at=then + dt.timedelta(minutes=pk % 500_000),
                )
                for pk in ids
            ),
            batch_size=2000,
        )
        verdicts = dict(
            Verdict.objects.filter(stage=stage, device__campaign=campaign).values_list(
                "device", "pk"
            )
        )
        Standing.objects.bulk_create(
            (
                Standing(
                    device_id=pk,
                    stage=stage,
                    analysis=analysis,
                    verdict_id=verdicts[pk],
                    outcome=outcomes[pk % 10],
                )
                for pk in ids
            ),
            batch_size=2000,
        )
    start, cpu = time.monotonic(), time.process_time()
    made = campaign_report(campaign, public_address())
    assert made.inputs["devices"] == devices
    took = time.monotonic() - start
    return {"campaign_s": took, "campaign_cpu_s": time.process_time() - cpu}
