"""What people do with devices. Pages, command line and API call these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.inventory.assembly import remember_named
from mppcqa.inventory.device_rows import BATCH, COLUMNS, DeviceRows, RowFault
from mppcqa.inventory.models import Device
from mppcqa.refused import Fault, Refused

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

__all__ = ["BATCH", "COLUMNS", "RegistrationError", "RowFault", "forget", "register_devices"]


TOLD = 20
"""Faults of a long table that one text names."""


class RegistrationError(Refused):
    """Nothing was registered; `faults` has everything that is wrong with the table."""

    def __init__(self, faults: list[RowFault]) -> None:
        super().__init__(Fault(one.text, row=one.row, field=one.column) for one in faults)

    def __str__(self) -> str:
        return "; ".join(f"row {(one.row or 0) + 1}: {one}" for one in self.faults[:TOLD])


def register_devices(
    rows: Sequence[Mapping[str, Any]], *, by: AbstractBaseUser | None = None
) -> list[Device]:
    """Register all devices of a table, or none and raise `RegistrationError` with every fault.

    A row names ``serial`` and ``device_type``, and may name ``lot``, ``location``, ``tray``,
    ``tray_row`` and ``tray_column`` (from 0), and ``parent``. Lots are made where they are not
    there yet; types, institutes, trays and parents must exist.
    """
    with transaction.atomic():
        reader = DeviceRows(by=by)
        plan = reader.plan(rows, range(len(rows)))
        if plan.faults:
            raise RegistrationError(sorted(plan.faults, key=lambda fault: fault.row))
        made = reader.write(plan)
        parts = [one.serial for one in made if one.parent_id]
        remember_named(parts, since=timezone.now().date(), by=by)
        return made


class ForgetRefused(Refused):
    """The device stays registered; the fault says why."""


def forget(device: Device) -> None:
    """Take back the registration of a device with which nothing was done since.

    A device that was moved, commented, measured or shipped has a history, which stays: `retire` it.
    """
    text = _("%s has a history already; retire it on its page instead.") % device.serial
    with transaction.atomic():
        known = (
            device.moves,
            device.mountings,
            device.held,
            device.comments,
            device.attachments,
            device.aliases,
        )
        if any(rows.exists() for rows in (*known, device.shipments, device.children)):
            raise ForgetRefused(text)
        try:
            device.delete()
        except ProtectedError as error:
            raise ForgetRefused(text) from error
