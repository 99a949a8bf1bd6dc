"""Shipments whose packing lists are the hardest to lay out, as views."""

from __future__ import annotations

from mppcqa.views.group import STATES
from mppcqa.views.shipment import PackedDevice, ShipmentView
from tests.reports.hard import FOREIGN, LONG, THEN, UNBROKEN, WORDS
from tests.reports.hard_groups import NAMES


def shipment(devices: int, stages: tuple[str, ...] = ("PDE", "Dark Box")) -> ShipmentView:
    """So many devices on their way; some are missing."""
    return ShipmentView(
        pk=7,
        name="S-7",
        as_of=THEN,
        origin="Santiago",
        destination="Jefferson Lab",
        facts=(("Sent", "2026-11-28 09:30, rosa"), ("Remark", WORDS)),
        stages=stages,
        devices=tuple(
            PackedDevice(
                f"GX-{n:05d}", "S12045(X)", f"T-{n // 460} ({n % 20}, {n % 23})",
                tuple((STATES[(n + k) % len(STATES)], "waived (fail)") for k in range(len(stages))),
                missing=n % 7 == 3,
            )
            for n in range(devices)
        ),
    )  # fmt: skip


def hard_shipments() -> dict[str, ShipmentView]:
    """Name of the difficulty -> a shipment that has it."""
    long = tuple(
        PackedDevice(
            serial, serial[:100], serial[:200], (("fail", serial[:90]),) * len(NAMES), True
        )
        for serial in (LONG, UNBROKEN, FOREIGN)
    )
    names = ShipmentView(1, LONG, THEN, UNBROKEN, FOREIGN, (("Lot", LONG),), NAMES, long)
    return {
        "long names": names,
        "many": shipment(150),
        "not measured": shipment(3, ()),
        "nothing": ShipmentView(1, "S-1", THEN, "A", "B", (), (), ()),
    }
