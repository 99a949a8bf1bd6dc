"""Serial numbers that devices get: new names that keep the old findable, and generated ones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from mppcqa.inventory.models import Device, DeviceType, SerialAlias
from mppcqa.inventory.serials import normal_serial, serial_faults, with_check
from mppcqa.refused import Refused

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

MOST_GENERATED = 10_000
LAST_FIELD = re.compile(r"\{number(?::0?[1-9]?[0-9]?d?)?\}")
"""Where the number stands in a format, and how many digits it has."""
LOOK = 500
"""Serials that are looked up at once."""


class NamingRefused(Refused):
    """No name was given; `faults` says everything that is wrong."""


def rename_device(
    device: Device, serial: str, *, reason: str = "", by: AbstractBaseUser | None = None
) -> Device:
    """Give a device another serial number; the former one leads to it from now on."""
    wanted = normal_serial(serial)
    faults = serial_faults(wanted, device.device_type)
    if wanted == device.serial:
        faults.append(_("the device has this serial number already"))
    elif Device.objects.filter(serial=wanted).exists():
        faults.append(_("the serial number %s is registered already") % wanted)
    # A device may take a former name of its own back.
    elif SerialAlias.objects.filter(serial=wanted).exclude(device=device).exists():
        faults.append(_("the serial number %s belonged to a device that was renamed") % wanted)
    if not reason.strip():
        faults.append(_("say why the device is renamed"))
    if faults:
        raise NamingRefused(faults)
    with transaction.atomic():
        SerialAlias.objects.filter(serial=wanted, device=device).delete()
        SerialAlias.objects.create(
            serial=device.serial,
            device=device,
            reason=reason.strip()[:200],
            changed_by_id=None if by is None else by.pk,
        )
        device.serial = wanted
        device.save(update_fields=["serial"])
    return device


def next_serials(device_type: DeviceType, count: int) -> list[str]:
    """The next free serial numbers of a type, by its format and check character."""
    form = device_type.serial_next
    field = LAST_FIELD.search(form)
    if field is None:
        raise NamingRefused(
            [
                _("%s has no format for generated serials; give it one in the catalogue")
                % device_type
            ]
        )
    if not 1 <= count <= MOST_GENERATED:
        raise NamingRefused([_("1 to %d serials are generated at a time") % MOST_GENERATED])
    before, after = normal_serial(form[: field.start()]), normal_serial(form[field.end() :])
    number = _highest(before, after, device_type.serial_check) + 1
    found: list[str] = []
    while len(found) < count:
        bodies = [
            before + field[0].format(number=number + offset) + after for offset in range(LOOK)
        ]
        number += LOOK
        names = [with_check(body, device_type.serial_check) for body in bodies]
        if faults := serial_faults(names[0], device_type):
            raise NamingRefused([_("the type's format and pattern do not fit: %s") % faults[0]])
        taken = set(Device.objects.filter(serial__in=names).values_list("serial", flat=True))
        # A device is still found by the serial number that it had before.
        former = SerialAlias.objects.filter(serial__in=names)
        taken.update(former.values_list("serial", flat=True))
        found += [name for name in names if name not in taken]
    found = found[:count]
    if faults := serial_faults(found[-1], device_type):
        raise NamingRefused([_("the type's format and pattern do not fit: %s") % faults[0]])
    return found


def _highest(before: str, after: str, check: str) -> int:
    """Highest number among serials of the format, from the last in order; 0 where none is."""
    rows = Device.objects.filter(serial__gte=before, serial__lt=before + "\uffff")
    rest = re.compile(rf"(\d+){re.escape(after)}{'.' if check else ''}")
    highest = 0
    for serial in rows.order_by("-serial").values_list("serial", flat=True)[:100]:
        if found := rest.fullmatch(serial[len(before) :]):
            highest = max(highest, int(found[1]))
    return highest
