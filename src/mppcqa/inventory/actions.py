"""What people do with devices. Pages, command line and API call these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from mppcqa.inventory.models import Device, DeviceType, Institute, Lot, SerialAlias, Tray
from mppcqa.inventory.serials import normal_serial, serial_faults

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

COLUMNS = ("serial", "device_type", "lot", "location", "tray", "tray_row", "tray_column")
BATCH = 500


@dataclass(frozen=True)
class RowFault:
    """What is wrong with one cell of a table; rows count from 0."""

    row: int
    column: str
    text: str

    def __str__(self) -> str:
        return self.text


class RegistrationError(ValueError):
    """Nothing was registered; `faults` has everything that is wrong with the table."""

    def __init__(self, faults: list[RowFault]) -> None:
        super().__init__("; ".join(f"row {fault.row + 1}: {fault.text}" for fault in faults[:20]))
        self.faults = faults


def register_devices(
    rows: Sequence[Mapping[str, Any]], *, by: AbstractBaseUser | None = None
) -> list[Device]:
    """Register all devices of a table, or none and raise `RegistrationError` with every fault.

    A row names ``serial`` and ``device_type``, and may name ``lot``, ``location``, ``tray``,
    ``tray_row`` and ``tray_column`` (from 0). Lots are made where they are not there yet; types,
    institutes and trays must exist.
    """
    with transaction.atomic():
        devices, faults = _read(rows, by)
        if faults:
            raise RegistrationError(sorted(faults, key=lambda fault: fault.row))
        return Device.objects.bulk_create(devices, batch_size=BATCH)


def _read(
    rows: Sequence[Mapping[str, Any]], by: AbstractBaseUser | None
) -> tuple[list[Device], list[RowFault]]:
    types = {one.name: one for one in DeviceType.objects.all()}
    institutes = {one.name: one for one in Institute.objects.all()}
    trays = {one.name: one for one in Tray.objects.all()}
    lots: dict[str, Lot] = {}
    faults: list[RowFault] = []
    devices = []
    first: dict[str, int] = {}
    for number, row in enumerate(rows):
        serial = normal_serial(row.get("serial"))
        device_type = types.get(str(row.get("device_type", "")).strip())
        found = [RowFault(number, "serial", text) for text in serial_faults(serial, device_type)]
        if device_type is None:
            found.append(_unknown(number, "device_type", row, types, _("device type")))
        if serial and serial in first:
            text = _("the serial number %(serial)s stands in row %(row)d already")
            values = {"serial": serial, "row": first[serial] + 1}
            found.append(RowFault(number, "serial", text % values))
        first.setdefault(serial, number)
        location = institutes.get(str(row.get("location") or "").strip())
        if row.get("location") and location is None:
            found.append(_unknown(number, "location", row, institutes, _("place")))
        tray = trays.get(str(row.get("tray") or "").strip())
        if row.get("tray") and tray is None:
            found.append(_unknown(number, "tray", row, trays, _("tray")))
        place, place_faults = _place(number, row, tray)
        faults += [*found, *place_faults]
        if found or place_faults or device_type is None:
            continue
        devices.append(
            Device(
                serial=serial,
                device_type=device_type,
                lot=_lot(lots, str(row.get("lot") or "").strip(), device_type),
                location=location,
                tray=tray,
                tray_row=place[0],
                tray_column=place[1],
                maker_values=row.get("maker_values") or {},
                registered_by_id=None if by is None else by.pk,
            )
        )
    faults += _taken(first)
    return devices, faults


def _unknown(
    number: int, column: str, row: Mapping[str, Any], known: Mapping[str, Any], what: str
) -> RowFault:
    given = str(row.get(column, "")).strip()
    there = ", ".join(sorted(known)[:10]) or _("none yet")
    text = _("there is no %(what)s called “%(given)s”; there are: %(there)s")
    return RowFault(number, column, text % {"what": what, "given": given, "there": there})


def _place(
    number: int, row: Mapping[str, Any], tray: Tray | None
) -> tuple[tuple[int | None, int | None], list[RowFault]]:
    """Position in the tray, which must lie inside it."""
    place: list[int | None] = []
    faults = []
    for column, size in (("tray_row", "rows"), ("tray_column", "columns")):
        text = str(row.get(column, "") if row.get(column) is not None else "").strip()
        if not text:
            place.append(None)
            continue
        limit = getattr(tray, size) if tray else None
        if not text.isdecimal() or (limit is not None and int(text) >= limit):
            message = _("“%(text)s” is no position; positions count from 0 to %(last)s")
            last = "…" if limit is None else limit - 1
            faults.append(RowFault(number, column, message % {"text": text, "last": last}))
            place.append(None)
        else:
            place.append(int(text))
    return (place[0], place[1]), faults


def _lot(lots: dict[str, Lot], name: str, device_type: DeviceType) -> Lot | None:
    if not name:
        return None
    if name not in lots:
        lots[name], _made = Lot.objects.get_or_create(name=name, maker=device_type.maker)
    return lots[name]


def _taken(first: Mapping[str, int]) -> list[RowFault]:
    """Serials that are registered already, now or formerly."""
    faults = []
    serials = [serial for serial in first if serial]
    for start in range(0, len(serials), BATCH):
        part = serials[start : start + BATCH]
        taken = set(Device.objects.filter(serial__in=part).values_list("serial", flat=True))
        former = set(SerialAlias.objects.filter(serial__in=part).values_list("serial", flat=True))
        for serial in taken | former:
            text = _("the serial number %s is registered already")
            if serial not in taken:
                text = _("the serial number %s belonged to a device that was renamed")
            faults.append(RowFault(first[serial], "serial", text % serial))
    return faults
