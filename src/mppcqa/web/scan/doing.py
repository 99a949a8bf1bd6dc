"""What is done with what was scanned: the actions of the pages, with the rights of the pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mppcqa.codes import Code, CodeRefused, Kind
from mppcqa.inventory.models import Device, Shipment, Tray
from mppcqa.inventory.placing import put_into_tray
from mppcqa.queue.actions import kill, kill_group
from mppcqa.queue.models import OPEN_STATES, Task
from mppcqa.refused import Refused
from mppcqa.runs.actions import load_station, start_run, unload_station
from mppcqa.runs.again import refuse_second, start_again, start_anyway
from mppcqa.runs.models import Run, Station
from mppcqa.stages import get_stage
from mppcqa.stages.registry import UnknownStage
from mppcqa.web.addresses import address
from mppcqa.web.runs.form import RunForm
from mppcqa.web.scan.answers import Answer, Tone, action
from mppcqa.web.scan.finding import Found, find
from mppcqa.web.scan.following import elsewhere, next_step
from mppcqa.web.scan.hand import Hand
from mppcqa.web.scan.newcomers import ask, is_certain, register
from mppcqa.web.scan.packing import Packing, box_scanned, pack_scanned, tray_scanned
from mppcqa.web.scan.signing import sign, sign_back
from mppcqa.web.scan.undoing import take_back

if TYPE_CHECKING:
    from django.contrib.auth.models import User

SERIALS_SAID = 6


class ScanRefused(Refused):
    """Nothing was done; the fault says why and what to do."""


def need(by: User, permission: str) -> None:
    """`ScanRefused` for who may not do it."""
    if not by.has_perm(permission):
        raise ScanRefused(_("Your account may not do that. Ask somebody who may."))


@dataclass
class Bench:
    """A person with a scanner, at a page and with something in hand."""

    by: User
    """Whose name and rights count."""
    account: User
    """Who is logged in: another one where a badge was scanned."""
    hand: Hand
    address: str = ""
    page: str = ""
    """Name of the station that the page shown is about."""
    page_checklist: str = ""
    """Key of the stage whose checklist the page shown is."""
    page_slot: str = ""
    """The slot whose field has the cursor."""
    packing: Packing = field(default_factory=Packing)
    """What is being packed on the page shown."""
    form: Mapping[str, Any] = field(default_factory=dict)
    usual: Mapping[str, Any] = field(default_factory=dict)
    """What was registered last: ids of ``device_type`` and ``location``."""

    @property
    def station(self) -> Station | None:
        """The station that a scan is about."""
        return self.hand.station_here(self.page)

    def take(self, text: str) -> Answer:
        """Do what a code says; `Refused` says why nothing was done."""
        found = find(text, self.by)
        answer = self._answer(found)
        answer.undo = bool(self.hand.undo)
        if found.warning:
            answer.lines.append(found.warning)
            answer.tone = Tone.ASK if answer.tone == Tone.GOOD else answer.tone
        return answer

    def _answer(self, found: Found) -> Answer:
        match found.thing:
            case Device():
                return self._device(found.thing)
            case Tray():
                return self._tray(found.thing)
            case Station():
                return self._station(found.thing, found.code.slot)
            case Shipment() if self.packing or self._packs(found.thing):
                return box_scanned(self.packing, found.thing)
            case Shipment():
                return Answer(Tone.GOOD, str(found.thing), go=address("shipment", found.thing.pk))
        if found.code.kind == Kind.ACTION:
            return self._action(found.code)
        if found.code.kind == Kind.DELIVERY:
            need(self.by, "exchange.add_import")
            go = address("delivery", found.code.name)
            return Answer(Tone.GOOD, _("Delivery %s") % found.code.name, go=go)
        if found.code.kind == Kind.BADGE:
            return sign(self.hand, found.code.name, self.account, self.address)
        if found.code.kind == Kind.CHECK:
            return Answer(
                Tone.GOOD,
                _(get_stage(found.code.name).title),
                [_("Scan the device that is looked at.")],
                go=address("checklist_start", found.code.name),
            )
        serial = found.code.name
        if serial == self.hand.asked:
            return self._register("")
        self.hand.asked = serial
        if self.hand.registers and is_certain(serial, self.by):
            return self._register("")
        return ask(serial, self.by, self.usual)

    def _packs(self, box: Shipment) -> bool:
        """Whether what is scanned next goes into a box: one that is not sent, for who may."""
        rights = ("inventory.change_shipment", "inventory.change_device")
        return box.sent_at is None and self.by.has_perms(rights)

    def _device(self, device: Device) -> Answer:
        if self.packing:
            need(self.by, "inventory.change_device")
            if self.packing.box is not None:
                need(self.by, "inventory.change_shipment")
            return pack_scanned(self.packing, device, self.hand, by=self.by)
        if self.page_checklist:
            go = address("checklist", self.page_checklist, device.serial)
            return Answer(Tone.GOOD, device.serial, go=go)
        station = self.station
        if station is None:
            self.hand.device, self.hand.undo = device.pk, {}
            go = address("device", device.serial)
            return Answer(Tone.GOOD, device.serial, next_step(device), go=go)
        here = station.loaded.filter(device=device).first()
        if here is not None:
            words = {"serial": device.serial, "slot": here.slot}
            raise ScanRefused(
                _("%(serial)s sits in slot %(slot)s of this station already.") % words
            )
        return self._load(station, [device], self._free(station))

    def _tray(self, tray: Tray) -> Answer:
        if self.packing:
            return tray_scanned(self.packing, tray)
        station = self.station
        if station is None:
            return Answer(Tone.GOOD, tray.name, go=address("tray", tray.name))
        rows = Device.objects.visible_to(self.by).filter(tray=tray, loaded_in=None)
        devices = list(rows.order_by("tray_row", "tray_column", "serial")[: station.slots + 1])
        free = self._free(station)
        if not devices:
            raise ScanRefused(
                _("No device of %s is at hand: it is empty, or all are loaded.") % tray
            )
        if len(devices) > len(free):
            text = _(
                "%(tray)s holds more devices than %(station)s has free slots (%(n)d): nothing was "
                "loaded. Scan the devices that go in."
            )
            raise ScanRefused(text % {"tray": tray, "station": station, "n": len(free)})
        if tray.rows * tray.columns == station.slots:
            return self._load(station, devices, self._as_they_lie(tray, devices, free))
        return self._load(station, devices, free)

    @staticmethod
    def _as_they_lie(tray: Tray, devices: list[Device], free: list[int]) -> list[int]:
        """Slots as the positions of a tray that has as many, where all of them are free."""
        at = [(one.tray_row or 0) * tray.columns + (one.tray_column or 0) + 1 for one in devices]
        placed = all(one.tray_row is not None for one in devices)
        return at if placed and set(at) <= set(free) else free

    def _free(self, station: Station) -> list[int]:
        """Free slots; the one that is meant comes first."""
        full = set(station.loaded.values_list("slot", flat=True))
        free = [slot for slot in range(1, station.slots + 1) if slot not in full]
        wanted = self.hand.slot
        if self.page_slot.isascii() and self.page_slot.isdigit():
            wanted = int(self.page_slot)
        return [wanted, *(one for one in free if one != wanted)] if wanted in free else free

    def _load(self, station: Station, devices: list[Device], slots: list[int]) -> Answer:
        need(self.by, "runs.add_loadeddevice")
        if not slots:
            text = _("All %(n)d slots of %(station)s are full: start, or unload.")
            raise ScanRefused(text % {"n": station.slots, "station": station})
        pairs = {slot: one.serial for slot, one in zip(slots, devices, strict=False)}
        load_station(station, pairs, by=self.by)
        self.hand.slot = 0
        self.hand.undo = {"do": "unload", "station": station.pk, "slots": _keyed(pairs)}
        n = station.loaded.count()
        free = station.slots - n
        if len(pairs) == 1:
            slot, serial = next(iter(pairs.items()))
            title = _("%(serial)s → slot %(slot)s") % {"serial": serial, "slot": slot}
        else:
            title = ngettext("%d device is loaded", "%d devices are loaded", len(pairs)) % len(
                pairs
            )
        what = {"station": station, "n": n, "slots": station.slots}
        lines = [_("%(station)s: %(n)d of %(slots)d slots") % what]
        if free == 0:
            lines.append(_("Full. Start next."))
        lines += elsewhere(station, devices[:SERIALS_SAID])
        start = [(_("Start"), action("START"))] if self.by.has_perm("runs.add_run") else []
        return Answer(Tone.GOOD, title, lines, changed=True, choices=start)

    def _station(self, station: Station, slot: int) -> Answer:
        if slot > station.slots:
            words = {"slot": slot, "station": station, "last": station.slots}
            text = _("there is no slot %(slot)s; %(station)s has 1 to %(last)s")
            raise ScanRefused(text % words)
        self.hand.station, self.hand.name, self.hand.slot = station.pk, station.name, slot
        self.hand.device, self.hand.undo = None, {}
        here = self.page == station.name
        self.page = station.name
        title = station.name
        if slot:
            title = _("%(station)s, slot %(slot)s") % {"station": station, "slot": slot}
        lines = [_("Scan what goes in.")]
        return Answer(Tone.GOOD, title, lines, go="" if here else station.get_absolute_url())

    def _action(self, code: Code) -> Answer:
        if code.name == "DONE":
            if self.packing:
                return Answer(Tone.GOOD, _("Packed"), go=self.packing.left)
            self.page, self.hand.station, self.hand.name, self.hand.slot = "", None, "", 0
            self.hand.badge, self.hand.signed, self.hand.registers = 0, "", False
            return Answer(Tone.GOOD, _("No station in hand"))
        if code.name == "UNDO" and self.hand.undo.get("do") == "sign":
            answer, self.hand.undo = sign_back(self.hand), {}
            return answer
        if code.name == "UNDO":
            answer = take_back(self.hand.undo, by=self.by)
            self.hand.undo = {}
            return answer
        if code.name == "NEW":
            need(self.by, "inventory.add_device")
            self.hand.registers = True
            lines = [_("What fits one device type alone needs no second scan.")]
            return Answer(Tone.GOOD, _("What is new is registered by its scan"), lines)
        if code.name == "YES":
            return self._register(code.about)
        if code.name == "TO":
            return self._to_tray(code.about)
        station = self.station
        if station is None:
            raise ScanRefused(_("Of which station? Scan its code first, then this one again."))
        do = {
            "START": self._start,
            "AGAIN": self._again,
            "ANYWAY": self._anyway,
            "STOP": self._stop,
            "UNLOAD": self._unload,
        }[code.name]
        return do(station)

    def _start(self, station: Station) -> Answer:
        need(self.by, "runs.add_run")
        refuse_second(station)
        try:
            stage = get_stage(station.stage)
        except UnknownStage as error:
            raise ScanRefused(str(error)) from error
        parameters: dict[str, Any] = {}
        if any(name.startswith("p-") for name in self.form):
            typed = RunForm(stage, self.form)
            if not typed.is_valid():
                raise ScanRefused(_told(typed))
            parameters = typed.cleaned_data
        run = start_run(station, station.stage, parameters, by=self.by)
        return self._started(run, f"{_(stage.title)}, {station}, {run}")

    def _again(self, station: Station) -> Answer:
        need(self.by, "runs.add_run")
        run = start_again(self._former(station), by=self.by)
        return self._started(run, f"{station}, {run}")

    def _anyway(self, station: Station) -> Answer:
        need(self.by, "runs.add_run")
        run = start_anyway(self._former(station), by=self.by)
        return self._started(run, f"{station}, {run}")

    def _former(self, station: Station) -> Run:
        former = Run.objects.visible_to(self.by).filter(station=station).first()
        if former is None:
            raise ScanRefused(_("Nothing was measured in %s yet.") % station)
        return former

    def _started(self, run: Run, line: str) -> Answer:
        n = run.slots.count()
        self.hand.undo = {"do": "stop", "run": run.pk}
        title = ngettext("Started with %d device", "Started with %d devices", n) % n
        return Answer(Tone.GOOD, title, [line], changed=True)

    def _stop(self, station: Station) -> Answer:
        need(self.by, "queue.change_task")
        running = Task.objects.filter(lane=station.lane, state__in=OPEN_STATES)
        task = running.order_by("-state", "pk").filter(held_lane__name=station.lane).first()
        task = task or running.order_by("pk").first()
        if task is None:
            raise ScanRefused(_("Nothing runs in %s.") % station)
        reason = _("stopped by a scan")
        if task.group is None:
            kill(task, by=self.by, reason=reason)
        else:
            kill_group(task.group, by=self.by, reason=reason)
        self.hand.undo = {}
        return Answer(Tone.GOOD, _("Stopping"), [str(task.group or task)], changed=True)

    def _unload(self, station: Station) -> Answer:
        need(self.by, "runs.delete_loadeddevice")
        seen = station.loaded.visible_to(self.by).select_related("device")
        there = {row.slot: row.device.serial for row in seen}
        if not there:
            raise ScanRefused(_("%s is empty already.") % station)
        n = unload_station(station, list(there), by=self.by)
        self.hand.undo = {"do": "load", "station": station.pk, "slots": _keyed(there)}
        title = ngettext("%d device is out", "%d devices are out", n) % n
        return Answer(Tone.GOOD, title, [_listed(there.values())], changed=True)

    def _to_tray(self, name: str) -> Answer:
        need(self.by, "inventory.change_device")
        tray = Tray.objects.visible_to(self.by).filter(name__iexact=name).first()
        if tray is None:
            raise ScanRefused(_("There is no tray %s that you may see.") % name[:80])
        if self.packing:
            return tray_scanned(self.packing, tray)
        station = self.station
        slots: dict[int, str] = {}
        with transaction.atomic():
            if station is not None:
                need(self.by, "runs.delete_loadeddevice")
                rows = station.loaded.visible_to(self.by).select_related("device")
                devices = [row.device for row in rows]
                slots = {row.slot: row.device.serial for row in rows}
                if devices:
                    unload_station(station, list(slots), by=self.by)
            else:
                found = Device.objects.visible_to(self.by)
                devices = list(found.filter(pk=self.hand.device)) if self.hand.device else []
            if not devices:
                raise ScanRefused(
                    _("Put what into %s? Scan the device first, then the tray's code again.") % tray
                )
            former = put_into_tray([one.pk for one in devices], tray, by=self.by)
        self.hand.undo = {"do": "place", "places": former}
        if station is not None and slots:
            self.hand.undo |= {"station": station.pk, "slots": _keyed(slots)}
        title = _("%(what)s → %(tray)s") % {
            "what": _listed(one.serial for one in devices),
            "tray": tray,
        }
        return Answer(Tone.GOOD, title, changed=True)

    def _register(self, kind: str) -> Answer:
        if not self.hand.asked:
            raise CodeRefused(_("Yes to what? Scan what is new first."))
        need(self.by, "inventory.add_device")
        station = self.station
        place = None if station is None else station.institute_id
        device = register(self.hand.asked, kind, place, self.by, self.usual)
        self.hand.asked, self.hand.device = "", device.pk
        self.hand.undo = {"do": "forget", "device": device.pk}
        if station is not None:
            return self._device(device)
        title = _("%s is registered") % device.serial
        return Answer(
            Tone.GOOD, title, [str(device.device_type)], go=address("device", device.serial)
        )


def _keyed(slots: Mapping[int, str]) -> dict[str, str]:
    """As JSON keeps it."""
    return {str(slot): serial for slot, serial in slots.items()}


def _listed(serials: Any) -> str:
    names = list(serials)
    more = len(names) - SERIALS_SAID
    said = ", ".join(names[:SERIALS_SAID])
    return said + " " + _("and %d more") % more if more > 0 else said


def _told(form: RunForm) -> list[str]:
    """What is wrong with the form of a run, each with its field."""
    found = [str(error) for error in form.non_field_errors()]
    for bound in form:
        found += [f"{bound.label}: {error}" for error in bound.errors]
    return found
