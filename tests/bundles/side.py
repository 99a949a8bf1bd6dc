"""One of two installations that send devices to and fro: what it does, in this process or a child.

As a program it reads a call a line (JSON: name, arguments) and answers with a line.
"""

from __future__ import annotations

import io
import json
import os
import random
import sys
from pathlib import Path
from typing import Any
from uuid import UUID


def start(name: str, devices: int = 0) -> dict[str, str]:
    """A person, a place, and on the first side the devices; our line and fingerprint."""
    from django.contrib.auth.models import User

    from mppcqa.bundles.keys import card, public_of_ours, rename_ours
    from mppcqa.inventory.actions import register_devices
    from mppcqa.inventory.models import DeviceType, Institute, Maker, Tray
    from mppcqa.keyfile import fingerprint

    user = User.objects.create_user(f"person-of-{name}")
    Institute.objects.create(name=name)
    if devices:
        maker = Maker.objects.create(name="Hamamatsu")
        kind = DeviceType.objects.create(name="S12045(X)", maker=maker, rows=1, columns=2)
        Tray.objects.create(name="T-1", rows=4, columns=5)
        rows: list[dict[str, Any]] = [
            {"serial": f"GX-{n:04d}", "device_type": kind.name, "location": name, "lot": "L1"}
            for n in range(devices)
        ]
        rows[0] |= {"tray": "T-1", "tray_row": 1, "tray_column": 2}
        register_devices(rows, by=user)
    rename_ours(name)
    return {"card": card(), "fingerprint": fingerprint(public_of_ours())}


def trust(card: str, fingerprint: str) -> None:
    from mppcqa.bundles.keys import register_key

    register_key(card, fingerprint)


def measure(seed: int) -> int:
    """A run of all devices whose values are drawn, taken in and judged as any other."""
    from django.contrib.auth.models import User

    from mppcqa.inventory.models import Device
    from mppcqa.limits.judging import judge
    from mppcqa.results.ingest import store_analysis
    from mppcqa.runs.models import Run, RunFile, RunSlot
    from mppcqa.stages import Condition, Result, get_stage
    from mppcqa.store.keeping import keeping

    drawn, stage = random.Random(seed), get_stage("pde")  # noqa: S311
    devices = list(Device.objects.order_by("serial"))
    run = Run.objects.create(stage="pde", operator=User.objects.first())
    RunSlot.objects.bulk_create(
        RunSlot(run=run, slot=slot, device=device) for slot, device in enumerate(devices, 1)
    )
    with keeping(io.BytesIO(b"run of seed %d" % seed), "runs", ".root") as kept:
        file = RunFile.objects.create(
            file=kept.name, sha256=kept.sha256, size=kept.size, original_name="run.root", run=run
        )
    results = []
    for slot in range(1, len(devices) + 1):
        for channel in (0, 1):
            value = drawn.gauss(70, 0.1)
            own = {"slot": slot, "channel": channel}
            results.append(
                Result(**own, quantity="breakdown_voltage_v", value=value, uncertainty=0.01)
            )
            for bias in (71.0, 71.6, 72.2):
                at = Condition(bias_v=bias, temperature_c=20.0, light=1.0)
                pde = abs(drawn.gauss(0.25, 0.02))
                error = drawn.choice([drawn.random() / 100, float("nan")])
                results.append(
                    Result(
                        **own,
                        quantity="pde",
                        value=pde,
                        uncertainty=error,
                        systematic=drawn.random() / 50,
                        condition=at,
                    )
                )
    slots = {slot: device.pk for slot, device in enumerate(devices, 1)}
    analysis = store_analysis(stage, file, slots, results)
    judge(analysis, list(slots.values()))
    return len(results)


def rename(serial: str, to: str) -> None:
    from mppcqa.inventory.models import Device
    from mppcqa.inventory.naming import rename_device

    rename_device(Device.objects.get(serial=serial), to, reason="relabelled")


def waive() -> None:
    """Take the first device that stands with a verdict other than pass."""

    from mppcqa.limits.decisions import grant_waiver
    from mppcqa.results.models import Standing
    from tests.pens import pen_of

    rows = Standing.objects.exclude(outcome="pass").exclude(verdict=None)
    row = rows.order_by("device__serial").first()
    if row is not None and row.verdict is not None:
        grant_waiver(row.verdict, "good enough", by=pen_of())


def ship(origin: str, destination: str) -> str:
    """All devices into one box, which leaves; its UUID."""
    from mppcqa.inventory.models import Device, Institute, Shipment
    from mppcqa.inventory.shipping import send

    places = {name: Institute.objects.get_or_create(name=name)[0] for name in (origin, destination)}
    serials = list(Device.objects.order_by("serial").values_list("serial", flat=True))
    exempt = Shipment.Exempt.ALLOWED
    made = send(
        places[origin], places[destination], serials, exempt=exempt, exempt_why="drawn values"
    )
    return str(made.uuid)


def write(shipment: str, to: str, run_files: bool = False) -> int:
    """The bundle of a shipment into a file; its size."""
    from mppcqa.bundles.making import make
    from mppcqa.inventory.models import Shipment

    row = Shipment.objects.get(uuid=UUID(shipment))
    made = make(row, certificates=False, run_files=run_files)
    with made.file.open("rb") as file:
        return Path(to).write_bytes(file.read())


def take(path: str) -> dict[str, Any]:
    """Look and take in; what was told."""
    from mppcqa.bundles.taking import arrive, look
    from mppcqa.bundles.taking import take as take_in

    with Path(path).open("rb") as file:
        row = arrive(file)
    shown, done = look(row), take_in(row)
    assert shown == done
    return done


def receive(shipment: str, missing: list[str], damaged: dict[str, str]) -> None:
    """Scan all of a shipment but some."""
    from mppcqa.inventory.models import Shipment
    from mppcqa.inventory.receiving import receive as receive_it

    row = Shipment.objects.get(uuid=UUID(shipment))
    inside = set(row.devices.values_list("serial", flat=True)) - set(missing)
    receive_it(row, sorted(inside), damaged=damaged, missing_is_known=True)


def receive_late(shipment: str, serials: list[str]) -> None:
    from mppcqa.inventory.models import Shipment
    from mppcqa.inventory.receiving import receive as receive_it

    receive_it(Shipment.objects.get(uuid=UUID(shipment)), serials)


def release() -> None:
    """Whatever is on hold is released."""
    from mppcqa.inventory.models import Device
    from mppcqa.inventory.moving import move_by_hand
    from mppcqa.inventory.states import Move

    for device in Device.objects.filter(state="on_hold"):
        move_by_hand(device, Move.RELEASE)


def content() -> dict[str, Any]:
    """All that both sides must have, by names that both know."""
    from mppcqa.bundles.models import PartnerVerdict
    from mppcqa.inventory.differences import ShipmentDifference
    from mppcqa.inventory.models import Device, SerialAlias, Shipment
    from mppcqa.limits.models import Verdict
    from mppcqa.results.models import Measurement
    from mppcqa.statistics.check import check_summaries

    values = Measurement.objects.values_list(
        *("analysis__uuid", "device__uuid", "quantity__key", "channel", "condition__at"),
        *("value", "statistical", "systematic"),
    )
    verdicts = [
        [str(one.uuid), str(one.device.uuid), str(one.analysis.uuid), one.outcome, one.details]
        for model in (Verdict, PartnerVerdict)
        for one in model.objects.select_related("device", "analysis")
    ]
    waivers = [
        [str(one.verdict.uuid), one.reason]
        for one in _waivers()
    ] + [
        [str(one.uuid), one.waiver["reason"]]
        for one in PartnerVerdict.objects.exclude(waiver={})
    ]  # fmt: skip
    shipments = {
        str(one.uuid): [
            sorted(str(uuid) for uuid in one.devices.values_list("uuid", flat=True)),
            sorted(str(uuid) for uuid in one.missing.values_list("uuid", flat=True)),
            *(str(when) for when in (one.packed_at, one.sent_at, one.received_at)),
        ]
        for one in Shipment.objects.all()
    }
    return {
        "devices": sorted(
            [str(one.uuid), one.serial, one.state, str(one.location), str(one.lot), str(one.tray)]
            for one in Device.objects.select_related("location", "lot", "tray")
        ),
        "former": sorted(map(list, SerialAlias.objects.values_list("serial", "device__serial"))),
        "values": sorted(
            [str(a), str(d), q, c, at.text, v, s, y] for a, d, q, c, at, v, s, y in values
        ),
        "verdicts": sorted(verdicts, key=str),
        "waivers": sorted(waivers),
        "shipments": shipments,
        "differences": sorted(
            map(list, ShipmentDifference.objects.values_list("what", "serial", "note"))
        ),
        "summaries": [str(one) for one in check_summaries().differences],
    }


def _waivers() -> Any:
    from mppcqa.limits.models import Waiver

    return Waiver.objects.select_related("verdict")


def main() -> None:
    import django

    from mppcqa.database import local_files

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mppcqa.project.settings")
    local_files.allowed = True
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    for line in sys.stdin:
        name, arguments = json.loads(line)
        answer = globals()[name](**arguments)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
