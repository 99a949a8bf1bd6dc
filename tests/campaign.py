"""A small campaign for tests of several rooms, made by the same actions that people use."""

from __future__ import annotations

from io import BytesIO
from types import SimpleNamespace

from django.contrib.auth.models import User

from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import Device, DeviceType, Institute, Maker, Tray
from mppcqa.limits.judging import judge
from mppcqa.results.ingest import store_analysis
from mppcqa.runs.models import Run, RunFile, RunSlot, Station
from mppcqa.stages import Condition, Problem, Result, get_stage
from mppcqa.store.keeping import keeping


def make_campaign(operator: User, devices: int = 4) -> SimpleNamespace:
    """Devices, two stations, a tray, and one analysed and judged PDE run of the devices."""
    place = Institute.objects.create(name="Jefferson Lab")
    kind = DeviceType.objects.create(
        name="S12045(X)", maker=Maker.objects.create(name="Hamamatsu"), nominal_breakdown_v=70.0
    )
    tray = Tray.objects.create(name="T-1", rows=4, columns=5)
    rows = [
        {"serial": f"GX-{n:03d}", "device_type": kind.name, "location": place.name, "lot": "L1"}
        | ({"tray": "T-1", "tray_row": n // 5, "tray_column": n % 5} if n < 20 else {})
        for n in range(devices)
    ]
    register_devices(rows, by=operator)
    found = list(Device.objects.order_by("serial"))
    stations = [
        Station.objects.create(name=f"{stage}-1", stage=stage, slots=4, institute=place)
        for stage in ("pde", "darkbox")
    ]
    run = measured_run(stations[0], found, operator)
    return SimpleNamespace(
        devices=found, stations=stations, tray=tray, run=run, kind=kind, place=place
    )


def measured_run(station: Station, devices: list[Device], operator: User) -> Run:
    """A finished run whose values are made up, taken in by the real ingest and judged."""
    stage = get_stage("pde")
    run = Run.objects.create(
        stage="pde", station=station, parameters=stage.clean({}), operator=operator
    )
    RunSlot.objects.bulk_create(
        RunSlot(run=run, slot=slot, device=device) for slot, device in enumerate(devices, 1)
    )
    with keeping(BytesIO(b"content of run %d" % run.pk), "runs", ".root") as kept:
        file = RunFile.objects.create(
            file=kept.name,
            sha256=kept.sha256,
            size=kept.size,
            original_name=f"run-{run.pk}.root",
            run=run,
        )
    results: list[Result] = []
    for slot in range(1, len(devices) + 1):
        for channel in range(16):
            results.append(_result(slot, channel, "breakdown_voltage_v", 70.0 + channel / 100))
            for bias in (71.0, 71.6, 72.2):
                at = Condition(
                    bias_v=bias, overvoltage_v=round(bias - 70, 1), temperature_c=20.0, light=1.0
                )
                results.append(_result(slot, channel, "pde", 0.2 + (bias - 71) / 20, at))
                results.append(_result(slot, channel, "gain_adc", 30 * (bias - 70), at))
                results.append(_result(slot, channel, "crosstalk_probability", 0.05, at))
    problem = Problem(slot=1, channel=3, what="the fit of <b>one</b> spectrum failed")
    slots = {slot: device.pk for slot, device in enumerate(devices, 1)}
    analysis = store_analysis(stage, file, slots, results, [problem])
    judge(analysis, [device.pk for device in devices])
    return run


def _result(
    slot: int, channel: int, quantity: str, value: float, at: Condition | None = None
) -> Result:
    return Result(
        slot=slot,
        channel=channel,
        quantity=quantity,
        value=value,
        uncertainty=abs(value) / 100,
        condition=at or Condition(),
    )
