"""From what a scanner said to the thing that it means, or to what went wrong on the way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from mppcqa.codes import Code, CodeRefused, Kind, other_readings, read
from mppcqa.exchange.imports import boxed
from mppcqa.inventory.models import Device, SerialAlias, Shipment, Tray
from mppcqa.inventory.serials import normal_serial
from mppcqa.runs.models import Station
from mppcqa.stages import all_stages
from mppcqa.web.imports.listing import seen_imports

SHORTEST = 2
"""Characters that each of two scans in one has at least."""


@dataclass(frozen=True)
class Found:
    """What a code means."""

    code: Code
    thing: Device | Tray | Station | Shipment | None = None
    """None for an action, badge, checklist, delivery, or a serial number that nobody knows."""
    warning: str = ""
    """What the person must know although it was understood."""


def find(text: str, viewer: Any) -> Found:
    """What was scanned, among what a person sees; `CodeRefused` says what is wrong with it.

    A serial number that nobody knows is `Found` without a thing.
    """
    try:
        code = read(text)
        found = _thing(code, text, viewer)
        refused = None
    except CodeRefused as error:
        found, refused = None, error
    if found is not None:
        return found
    for other, layouts in other_readings(text):
        meant = _thing(other, other.name, viewer)
        if meant is not None:
            return Found(meant.code, meant.thing, _warned(text, other, layouts))
    if refused is not None:
        raise refused
    if code.kind != Kind.DEVICE:
        words = {"kind": _kind(code.kind), "name": code.name[:80]}
        raise CodeRefused(_("There is no %(kind)s %(name)s that you may see.") % words)
    _refuse_two_in_one(text, viewer)
    return Found(code)


def _kind(kind: Kind) -> str:
    return {
        Kind.TRAY: _("tray"),
        Kind.STATION: _("station"),
        Kind.SLOT: _("station"),
        Kind.BOX: _("shipment"),
        Kind.CHECK: _("checklist"),
    }.get(kind, _("device"))


def _warned(text: str, code: Code, layouts: str) -> str:
    words = {"typed": text.strip()[:80], "meant": code.name or code.about, "layouts": _(layouts)}
    return (
        _(
            "The scanner said “%(typed)s” and was understood as %(meant)s: it is set to another "
            "keyboard layout than this computer (%(layouts)s). Set the scanner right."
        )
        % words
    )


def _thing(code: Code, text: str, viewer: Any) -> Found | None:
    if code.kind in (Kind.ACTION, Kind.BADGE, Kind.DELIVERY):
        return Found(code)
    if code.kind == Kind.CHECK:
        keys = {stage.key for stage in all_stages() if stage.checklist}
        return Found(code) if code.name in keys else None
    if code.kind == Kind.TRAY:
        return _found(code, Tray.objects.visible_to(viewer).filter(name__iexact=code.name))
    if code.kind in (Kind.STATION, Kind.SLOT):
        return _found(code, Station.objects.filter(name__iexact=code.name))
    if code.kind == Kind.BOX:
        number = int(code.name) if code.name.isascii() and code.name.isdigit() else 0
        rows = Shipment.objects.visible_to(viewer).filter(pk=min(number, 2**31 - 1))
        return _found(code, rows)
    devices = known_devices([code.name], viewer)
    if devices:
        return Found(code, devices[code.name])
    if not code.plain:
        return None
    # A tray or a station that has its bare name on a label of somebody's own.
    name = text.strip()
    thing = _found(
        Code(Kind.TRAY, name), Tray.objects.visible_to(viewer).filter(name__iexact=name)
    ) or _found(Code(Kind.STATION, name), Station.objects.filter(name__iexact=name))
    if thing is None and boxed(name, seen_imports(viewer)):
        return Found(Code(Kind.DELIVERY, normal_serial(name)))
    return thing


def _found(code: Code, rows: Any) -> Found | None:
    thing = rows.first()
    return None if thing is None else Found(code, thing)


def known_devices(serials: Iterable[str], viewer: Any) -> dict[str, Device]:
    """Devices that a person sees, by the serial numbers asked for, former ones as well."""
    wanted = set(serials)
    rows = Device.objects.visible_to(viewer).filter(serial__in=wanted)
    found = {row.serial: row for row in rows.select_related("device_type")}
    if former := wanted - found.keys():
        aliases = SerialAlias.objects.visible_to(viewer).filter(serial__in=former)
        for alias in aliases.select_related("device__device_type"):
            found[alias.serial] = alias.device
    return found


def _refuse_two_in_one(text: str, viewer: Any) -> None:
    """Two codes that a scanner sent without an end between them."""
    whole = normal_serial(text)
    words = whole.split()
    if len(words) == 1:
        cuts = range(SHORTEST, len(whole) - SHORTEST + 1)
        halves = [(whole[:at], whole[at:]) for at in cuts]
    else:
        halves = [(words[0], words[1])]
    known = known_devices({one for pair in halves for one in pair}, viewer)
    for first, second in halves:
        if first in known and second in known:
            refuse_pair(first, second)
    if len(words) > 1:
        refuse_pair(words[0], words[1])


def refuse_pair(first: str, second: str) -> None:
    """Say of two codes in one scan that nothing was done."""
    raise CodeRefused(
        _(
            "Those are two codes in one scan, %(first)s and %(second)s; nothing was done. Scan one "
            "after the other."
        )
        % {"first": first[:80], "second": second[:80]}
    )


def begins_known(serial: str, viewer: Any) -> str:
    """A serial number that is known and goes on where this one ends; empty where none does."""
    rows = Device.objects.visible_to(viewer)
    rows = rows.filter(serial__gt=serial, serial__lt=serial + "\uffff", serial__startswith=serial)
    return rows.order_by("serial").values_list("serial", flat=True).first() or ""
