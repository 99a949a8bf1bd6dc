"""What the labels of our things say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from mppcqa.codes import ACTIONS, Kind, write
from mppcqa.inventory.matching import Matched
from mppcqa.inventory.models import Device, Shipment, Tray
from mppcqa.reports.labels.fitting import Label
from mppcqa.runs.models import Station
from mppcqa.stages import all_stages

WORDS = {
    "START": gettext_noop("Start"),
    "AGAIN": gettext_noop("Start again"),
    "ANYWAY": gettext_noop("Measure all the same"),
    "STOP": gettext_noop("Stop"),
    "UNLOAD": gettext_noop("Unload"),
    "UNDO": gettext_noop("Undo"),
    "YES": gettext_noop("Yes, register"),
    "NEW": gettext_noop("Register what is new"),
    "DONE": gettext_noop("Put the station down"),
}
"""What is printed beside the code of an action; `TO` needs a tray, see `into_tray`."""


def of_devices(rows: Iterable[Device], url: str = "") -> Iterator[Label]:
    """Their serial numbers and types; with a `url` the code is the address of the page."""
    for one in rows:
        yield Label(write(Kind.DEVICE, one.serial, url=url), one.serial, one.device_type.name)


def of_matched(rows: Iterable[Matched], url: str = "") -> Iterator[Label]:
    """Serial numbers with the group that each belongs to."""
    for one in rows:
        about = _("%(matching)s, group %(group)d")
        words = {"matching": one.matching.name, "group": one.group}
        code = write(Kind.DEVICE, one.device.serial, url=url)
        yield Label(code, one.device.serial, about % words)


def of_tray(tray: Tray, url: str = "") -> Label:
    """A tray."""
    about = _("Tray %(rows)d × %(columns)d") % {"rows": tray.rows, "columns": tray.columns}
    return Label(write(Kind.TRAY, tray.name, url=url), tray.name, about)


def into_tray(tray: Tray) -> Label:
    """The action that puts what is in hand into a tray."""
    return Label(write(Kind.ACTION, f"TO {tray.name}"), tray.name, _("put into this tray"))


def of_box(shipment: Shipment, url: str = "") -> Label:
    """A shipment's box."""
    about = f"{shipment.origin} → {shipment.destination}"
    return Label(write(Kind.BOX, shipment.pk, url=url), _("Box %d") % shipment.pk, about)


def of_station(station: Station, url: str = "") -> Label:
    """A station."""
    return Label(write(Kind.STATION, station.name, url=url), station.name, _("Station"))


def of_slots(station: Station) -> Iterator[Label]:
    """Each slot of a station."""
    for slot in range(1, station.slots + 1):
        code = write(Kind.SLOT, station.name, slot=slot)
        yield Label(code, _("Slot %d") % slot, station.name)


def of_checklists(url: str = "") -> Iterator[Label]:
    """Each stage that is a checklist."""
    for stage in all_stages():
        if stage.checklist:
            yield Label(write(Kind.CHECK, stage.key, url=url), _(stage.title), _("Checklist"))


def of_actions() -> Iterator[Label]:
    """What is done by a scan and needs nothing else to be named."""
    for word in ACTIONS:
        if word in WORDS:
            code = write(Kind.ACTION, word)
            yield Label(code, _(WORDS[word]), code)
