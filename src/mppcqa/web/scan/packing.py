"""Scans at the page where devices are packed: each into the tray and the box of that page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from mppcqa.inventory.models import Device, Shipment, Tray
from mppcqa.inventory.packing import pack_one, take_back
from mppcqa.refused import Refused
from mppcqa.web.addresses import address
from mppcqa.web.reading import whole
from mppcqa.web.scan.answers import Answer, Tone
from mppcqa.web.scan.hand import Hand

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MOST = 65535
"""Greatest row and column of a tray."""


@dataclass(frozen=True)
class Packing:
    """What is being packed: a box, a tray, or a tray that lies in a box."""

    box: Shipment | None = None
    tray: Tray | None = None
    at: tuple[int, int] | None = None
    """Row and column that were chosen for the next device; else it is the next free place."""

    def __bool__(self) -> bool:
        return self.box is not None or self.tray is not None

    def go(self, **changes: Any) -> str:
        """Address of the page with another box, tray or place; the place is chosen for once."""
        meant = {"box": self.box, "tray": self.tray, "at": None} | changes
        asked = {key: getattr(one, "pk", one) for key, one in meant.items() if one is not None}
        return f"{address('packing')}?{urlencode(asked)}"

    @property
    def left(self) -> str:
        """Address of the page that it is done for."""
        if self.box is not None:
            return address("shipment", self.box.pk)
        return address("tray", self.tray.name if self.tray else "")


def packing_of(asked: Mapping[str, str], viewer: Any) -> Packing:
    """What an address or a scan is about, as far as a person sees it."""
    box, tray = (whole(asked, name) for name in ("box", "tray"))
    return Packing(
        Shipment.objects.visible_to(viewer).filter(pk=box).first() if box else None,
        Tray.objects.visible_to(viewer).filter(pk=tray).first() if tray else None,
        _place(asked.get("at", "")),
    )


def _place(text: str) -> tuple[int, int] | None:
    """``2-7`` as row 2, column 7; None where it says nothing."""
    row, dash, column = text[:20].partition("-")
    if not dash or not all(one.isascii() and one.isdigit() for one in (row, column)):
        return None
    return min(int(row), MOST), min(int(column), MOST)


def pack_scanned(packing: Packing, device: Device, hand: Hand, *, by: User) -> Answer:
    """Pack the device that was scanned; `Refused` says why it can't be."""
    done = pack_one(device, shipment=packing.box, tray=packing.tray, at=packing.at, by=by)
    hand.device = device.pk
    hand.undo = {
        "do": "pack",
        "device": device.pk,
        "box": packing.box.pk if packing.box else None,
        "boxed": done.boxed,
        "former": done.former,
    }
    title, now = device.serial, done.device
    if now.tray is not None and now.tray_row is not None:
        words = {"tray": now.tray, "row": now.tray_row, "column": now.tray_column}
        title += " → " + _("%(tray)s, row %(row)d, column %(column)d") % words
    lines = []
    if packing.box is not None:
        words = {"n": packing.box.devices.count(), "box": packing.box.pk}
        lines.append(_("Shipment %(box)d: %(n)d devices") % words)
    # A place that was chosen holds for one device: the page is opened without it.
    go = "" if packing.at is None else packing.go()
    return Answer(Tone.GOOD, title, lines, changed=True, go=go)


def tray_scanned(packing: Packing, tray: Tray) -> Answer:
    """Another tray is filled from now on."""
    line = _("Scan what goes in.")
    return Answer(Tone.GOOD, tray.name, [line], go=packing.go(tray=tray))


def box_scanned(packing: Packing, box: Shipment) -> Answer:
    """Another box is packed from now on; one that was sent is looked at."""
    if box.sent_at is not None:
        return Answer(Tone.GOOD, str(box), go=address("shipment", box.pk))
    return Answer(Tone.GOOD, str(box), [_("Scan what goes in.")], go=packing.go(box=box))


def unpack_scanned(undo: dict[str, Any], by: User) -> str:
    """Take back what `pack_scanned` did."""
    device = Device.objects.visible_to(by).filter(pk=undo["device"]).first()
    box = Shipment.objects.visible_to(by).filter(pk=undo["box"]).first() if undo["box"] else None
    if device is None or (box is None and undo["box"]):
        raise Refused(_("That device, or the box, is gone."))
    take_back(device, shipment=box, boxed=undo["boxed"], former=undo["former"], by=by)
    return _("%s is where it was before.") % device.serial
