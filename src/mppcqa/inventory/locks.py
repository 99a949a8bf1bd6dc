"""Devices held until a transaction ends."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from mppcqa.inventory.models import Device

BATCH = 5000


def lock_devices(devices: Sequence[int]) -> None:
    """Hold devices (ids) until the transaction ends, so that what is said of them changes in turn.

    `devices` must be sorted: whoever locks in one order can't deadlock. SQLite has one writer.
    """
    if connection.vendor == "sqlite":
        return
    for start in range(0, len(devices), BATCH):
        part = devices[start : start + BATCH]
        rows = Device.objects.filter(pk__in=part).order_by("pk").select_for_update()
        list(rows.values_list("pk"))
