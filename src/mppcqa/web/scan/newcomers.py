"""Serial numbers that nobody knows yet: what they may be, and registering them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from mppcqa.codes import CodeRefused, Kind, write
from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import Device, DeviceType, Institute
from mppcqa.inventory.serials import serial_faults
from mppcqa.web.scan.answers import Answer, Tone, action
from mppcqa.web.scan.finding import begins_known

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MOST = 4
"""Types that a person chooses from at a touch."""


def fitting(serial: str, usual: Mapping[str, Any]) -> list[DeviceType]:
    """Types whose serial numbers look so; the one that was registered last comes first.

    A type with a pattern of its own is meant before those that take every serial.
    """
    fit = [one for one in DeviceType.objects.order_by("name") if not serial_faults(serial, one)]
    told = [one for one in fit if one.serial_pattern]
    return sorted(told or fit, key=lambda one: one.pk != usual.get("device_type"))


def ask(serial: str, by: User, usual: Mapping[str, Any]) -> Answer:
    """What a person is asked about a serial number that nobody knows."""
    if faults := serial_faults(serial):
        raise CodeRefused([_("That is no code that is known here."), *faults])
    longer = begins_known(serial, by)
    lines = []
    if longer:
        lines.append(_("Was it cut off? %s begins so. Scan again.") % longer)
    types = fitting(serial, usual)
    if not by.has_perm("inventory.add_device"):
        return Answer(Tone.BAD, _("%s is not registered") % serial, lines)
    box = []
    if by.has_perm("exchange.add_import"):
        box = [(_("It is the box of a delivery"), write(Kind.DELIVERY, serial))]
    if not types:
        lines.append(_("No device type has serial numbers that look so: was it misread?"))
        title = _("%s is not registered") % serial
        return Answer(Tone.BAD, title, lines, choices=box)
    if len(types) == 1 or usual.get("device_type") == types[0].pk:
        text = _("Scan it once more to register it: %s.")
        lines.append(text % types[0])
    else:
        lines.append(_("What is it?"))
    choices = [(_("Register: %s") % one, action("YES", one.name)) for one in types[:MOST]]
    choices += box
    return Answer(Tone.ASK, _("%s is not registered") % serial, lines, choices=choices)


def is_certain(serial: str, by: User) -> bool:
    """Whether one type alone has serial numbers that look so, and that by a pattern of its own.

    Where a known one begins so it may have been cut off: that is asked about all the same.
    """
    if serial_faults(serial) or begins_known(serial, by):
        return False
    types = fitting(serial, {})
    return len(types) == 1 and bool(types[0].serial_pattern)


def register(
    serial: str, kind: str, place: int | None, by: User, usual: Mapping[str, Any]
) -> Device:
    """Register what was asked about as the type that was named, or the one that it can be."""
    types = fitting(serial, usual)
    if kind:
        types = [one for one in types if one.name == kind]
    elif len(types) > 1 and usual.get("device_type") != types[0].pk:
        raise CodeRefused(_("What is %s? Choose its type.") % serial)
    if not types:
        raise CodeRefused(_("No device type has serial numbers that look so: was it misread?"))
    row = {"serial": serial, "device_type": types[0].name}
    at = place or usual.get("location")
    where = Institute.objects.filter(pk=at).first() if at else None
    if where is not None:
        row["location"] = where.name
    return register_devices([row], by=by)[0]
