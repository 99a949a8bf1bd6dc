"""What people do at stations. Pages, command line and API call these."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.inventory.models import Device, SerialAlias
from mppcqa.inventory.serials import normal_serial
from mppcqa.queue import lanes
from mppcqa.queue.actions import Call, submit_chain
from mppcqa.queue.models import DEFAULT_LANE, Lane
from mppcqa.stages import get_stage
from mppcqa.testing.models import LoadedDevice, Run, RunSlot, Station

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


class SlotFaults(ValueError):
    """Nothing was loaded; `faults` has the texts by slot."""

    def __init__(self, faults: dict[int, str]) -> None:
        super().__init__("; ".join(f"slot {slot}: {text}" for slot, text in faults.items()))
        self.faults = faults


class RunRefused(ValueError):
    """A run can't be started; the message says why and what to do."""


def find_device(serial: str) -> Device | None:
    """The device of a serial number, a former one as well."""
    return _devices([serial]).get(normal_serial(serial))


def _devices(serials: Iterable[str]) -> dict[str, Device]:
    """Devices by their normal serial numbers as they were asked for, former ones as well."""
    wanted = {normal_serial(serial) for serial in serials}
    rows = Device.objects.filter(serial__in=wanted).select_related("device_type")
    found = {device.serial: device for device in rows}
    if former := wanted - found.keys():
        aliases = SerialAlias.objects.filter(serial__in=former)
        for alias in aliases.select_related("device__device_type"):
            found[alias.serial] = alias.device
    return found


def station_lane(station: Station) -> Lane:
    """The station's own queue, which runs one task at a time."""
    lane, _made = Lane.objects.get_or_create(
        name=station.lane, defaults={"exclusive": True, "make_safe": station.make_safe}
    )
    wanted = {"make_safe": station.make_safe, "calibrated_until": station.calibrated_until}
    if any(getattr(lane, name) != value for name, value in wanted.items()):
        Lane.objects.filter(pk=lane.pk).update(**wanted)
        lane.make_safe, lane.calibrated_until = station.make_safe, station.calibrated_until
    return lane


def keep_station(station: Station) -> None:
    """Save what was changed of a station; its lane follows, also to another name."""
    with transaction.atomic():
        former = Station.objects.filter(pk=station.pk).first()
        station.save()
        if former is not None and former.lane != station.lane:
            lanes.rename(former.lane, station.lane)
    lanes.set_calibration(station_lane(station), station.calibrated_until)


def remove_station(station: Station) -> None:
    """Remove a station that has no runs, with its lane; `ProtectedError` where it has some."""
    with transaction.atomic():
        station.delete()
        lanes.remove(station.lane)


def set_calibration(station: Station, until: dt.date | None) -> None:
    """The last day on which the station counts as calibrated; None where it does not matter."""
    station.calibrated_until = until
    station.save(update_fields=["calibrated_until"])
    lanes.set_calibration(station_lane(station), until)


def load_station(
    station: Station, serials: Mapping[int, str], *, by: AbstractBaseUser | None = None
) -> None:
    """Put devices into slots (counted from 1): all of them, or none and `SlotFaults`."""
    faults: dict[int, str] = {}
    devices: dict[int, Device] = {}
    with transaction.atomic():
        _refuse_while_running(station)
        found = _devices(serials.values())
        # Those that sit in the slots or anywhere else, and no more: there are many stations.
        there = LoadedDevice.objects.filter(Q(station=station) | Q(device__in=found.values()))
        rows = list(there.select_for_update())
        full = {row.slot: row for row in rows if row.station_id == station.pk}
        elsewhere = {row.device_id: row for row in rows}
        for slot, serial in serials.items():
            device = found.get(normal_serial(serial))
            fault = _slot_fault(station, slot, serial, device, full, elsewhere)
            if device is not None and not fault and device in devices.values():
                fault = _("%s was scanned into two slots") % device.serial
            if fault:
                faults[slot] = fault
            elif device is not None:
                devices[slot] = device
        if faults:
            raise SlotFaults(faults)
        LoadedDevice.objects.bulk_create(
            LoadedDevice(
                station=station,
                slot=slot,
                device=device,
                loaded_by_id=None if by is None else by.pk,
            )
            for slot, device in devices.items()
        )


def _slot_fault(
    station: Station,
    slot: int,
    serial: str,
    device: Device | None,
    full: Mapping[int, LoadedDevice],
    elsewhere: Mapping[int, LoadedDevice],
) -> str:
    """Why a device can't go into a slot; empty if it can."""
    if not 1 <= slot <= station.slots:
        values = {"slot": slot, "station": station, "last": station.slots}
        return _("there is no slot %(slot)s; %(station)s has 1 to %(last)s") % values
    if slot in full:
        return _("the slot holds %s already; unload it first") % full[slot].device.serial
    if device is None:
        return _("%s is not registered; register it first") % normal_serial(serial)
    if station.device_type_id and device.device_type_id != station.device_type_id:
        values = {"serial": device.serial, "type": device.device_type, "fits": station.device_type}
        return _("%(serial)s is a %(type)s; only %(fits)s fits this station") % values
    if device.pk in elsewhere:
        there = elsewhere[device.pk]
        values = {"serial": device.serial, "station": there.station, "slot": there.slot}
        return _("%(serial)s sits in %(station)s, slot %(slot)s; unload it there first") % values
    return ""


def unload_station(station: Station, slots: Iterable[int] | None = None) -> int:
    """Take devices out of slots, or of all; returns how many came out."""
    with transaction.atomic():
        _refuse_while_running(station)
        rows = station.loaded.all()
        if slots is not None:
            rows = rows.filter(slot__in=list(slots))
        return rows.delete()[0]


def _refuse_while_running(station: Station) -> None:
    lane = Lane.objects.filter(name=station.lane).select_related("holder").first()
    if lane is not None and lane.holder is not None and lane.holder.is_open:
        raise RunRefused(
            _("%(station)s is measuring (%(task)s): wait for its end or stop it first")
            % {"station": station, "task": lane.holder}
        )


def start_run(
    station: Station,
    stage: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    *,
    by: AbstractBaseUser | None = None,
    override: str = "",
) -> Run:
    """Measure what is loaded: acquire, check, analyse, judge, report, one after the other.

    `override` is the reason to start although the calibration has expired; it is kept.
    Raises `RunRefused` (or `ValueError` from the parameters) without having begun anything.
    """
    chosen = get_stage(stage or station.stage)
    cleaned = chosen.clean(parameters or {})
    if not (station.program or chosen.program()):
        raise RunRefused(_("%s has no test program: name one for the station") % chosen.title)
    with transaction.atomic():
        # Nothing of a device but its number of channels is looked at.
        loaded = list(
            station.loaded.select_related("device__device_type").only(
                "slot", "station", "device__device_type__rows", "device__device_type__columns"
            )
        )
        if not loaded:
            raise RunRefused(_("%s is empty: load devices first") % station)
        sizes = {row.device.device_type.channels for row in loaded}
        if len(sizes) > 1:
            raise RunRefused(_("the devices in %s have different numbers of channels") % station)
        lane = station_lane(station)
        if lane.maintenance:
            values = {"station": station, "why": lane.maintenance}
            raise RunRefused(_("%(station)s is out of service: %(why)s") % values)
        day = lane.calibrated_until
        if day is not None and day < timezone.now().date() and not override.strip():
            values = {"station": station, "day": day}
            raise RunRefused(
                _(
                    "the calibration of %(station)s ended on %(day)s: calibrate it, or give the "
                    "reason to start all the same"
                )
                % values
            )
        run = Run.objects.create(
            stage=chosen.key,
            station=station,
            parameters=cleaned,
            operator_id=None if by is None else by.pk,
        )
        RunSlot.objects.bulk_create(
            RunSlot(run=run, slot=row.slot, device_id=row.device_id) for row in loaded
        )
        arguments = {"run_id": run.pk}
        near = lane.name if lane.dedicated else DEFAULT_LANE
        run.task_group = submit_chain(
            [
                Call(
                    "testing.acquire",
                    arguments,
                    lane=lane.name,
                    topic=chosen.key,
                    limit_s=station.time_limit_s,
                    override=override.strip(),
                ),
                # The file lies on the station's own computer until it is taken into the store.
                Call("testing.check", arguments, near, topic=chosen.key),
                Call("testing.analyse", arguments, topic=chosen.key),
                Call("testing.judge", arguments, topic=chosen.key),
                Call("reports.run", arguments, topic=chosen.key),
            ],
            title=f"{chosen.title}, {station.name}, run {run.pk}",
            by=by,
            about=run,
        )
        run.save(update_fields=["task_group"])
    return run
