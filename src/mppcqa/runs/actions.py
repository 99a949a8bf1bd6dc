"""What people do at stations. Pages, command line and API call these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.inventory.models import Device, Institute, SerialAlias
from mppcqa.inventory.moving import Held, MoveRefused
from mppcqa.inventory.scope import Scope, Viewer, scope_of
from mppcqa.inventory.serials import normal_serial
from mppcqa.inventory.states import Move
from mppcqa.queue import lanes
from mppcqa.queue.actions import Call, submit_chain
from mppcqa.queue.errors import SubmitError
from mppcqa.queue.models import DEFAULT_LANE, Lane, Task
from mppcqa.queue.repeats import resume
from mppcqa.refused import Fault, Refused
from mppcqa.runs.belonging import common_keys
from mppcqa.runs.calibrating import expired_at, save_instruments, save_instruments_again
from mppcqa.runs.lane import station_lane
from mppcqa.runs.models import LoadedDevice, Run, RunSlot, Station
from mppcqa.runs.seats import MEASURE, refuse_moved, seat_text
from mppcqa.runs.training import in_use, refuse_untrained
from mppcqa.stages import get_stage

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


class SlotFaults(Refused):
    """Nothing was loaded; the `row` of a fault is its slot."""

    def __init__(self, faults: dict[int, str]) -> None:
        super().__init__(Fault(text, row=slot) for slot, text in faults.items())


class RunRefused(Refused):
    """A run can't be started; the message says why and what to do."""


def find_device(serial: str, viewer: Viewer = None) -> Device | None:
    """The device of a serial number, a former one as well; None where `viewer` sees none."""
    found = _devices([serial]).get(normal_serial(serial))
    return found if found is not None and scope_of(viewer).has(found) else None


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


def save_station(station: Station) -> None:
    """Save what was changed of a station; its lane follows, also to another name."""
    with transaction.atomic():
        former = Station.objects.filter(pk=station.pk).first()
        station.save()
        if former is not None and former.lane != station.lane:
            lanes.rename(former.lane, station.lane)
    lane = station_lane(station)
    lanes.set_calibration(lane, lane.calibrated_until)


def remove_station(station: Station) -> None:
    """Remove a station that has no runs, with its lane; `ProtectedError` where it has some."""
    with transaction.atomic():
        station.delete()
        lanes.remove(station.lane)


def load_station(
    station: Station,
    serials: Mapping[int, str],
    *,
    instead: bool = False,
    by: AbstractBaseUser | None = None,
) -> None:
    """Put devices into slots (counted from 1): all of them, or none and `SlotFaults`.

    With `instead` what sits there is taken out first; where the new ones are refused it stays.
    """
    faults: dict[int, str] = {}
    devices: dict[int, Device] = {}
    with transaction.atomic():
        _hold_idle(station)
        if instead:
            unload_station(station, by=by)
        scope = scope_of(by)
        found = {
            one: device for one, device in _devices(serials.values()).items() if scope.has(device)
        }
        held = Held(device.pk for device in found.values())
        refused = held.faults(Move.LOAD) | _elsewhere(station, held)
        full = {row.slot: row for row in station.loaded.select_related("device")}
        for slot, serial in serials.items():
            device = found.get(normal_serial(serial))
            fault = _slot_fault(station, slot, serial, device, full, scope)
            if device is not None and not fault:
                fault = refused.get(device.pk, "")
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
        where = {device.pk: seat_text(station.name, slot) for slot, device in devices.items()}
        held.move(Move.LOAD, where, by=by, why=where)


def _elsewhere(station: Station, held: Held) -> dict[int, str]:
    """Devices that are at another institute than the station."""
    here = station.institute_id
    away = [one for one in held.found.values() if here and one.location not in (None, here)]
    places = Institute.objects.in_bulk({one.location for one in away}) if away else {}
    text = _(
        "%(serial)s is at %(place)s, and %(station)s is not; receive its shipment, or change on "
        "its page where it is, first"
    )
    return {
        one.pk: text % {"serial": one.serial, "place": places[one.location], "station": station}
        for one in away
    }


def _slot_fault(
    station: Station,
    slot: int,
    serial: str,
    device: Device | None,
    full: Mapping[int, LoadedDevice],
    scope: Scope,
) -> str:
    """Why a device can't go into a slot; empty if it can."""
    if not 1 <= slot <= station.slots:
        values = {"slot": slot, "station": station, "last": station.slots}
        return _("there is no slot %(slot)s; %(station)s has 1 to %(last)s") % values
    if slot in full and not scope.has(full[slot].device):
        return _("the slot holds a device of another owner or campaign; leave it")
    if slot in full:
        return _("the slot holds %s already; unload it first") % full[slot].device.serial
    if device is None:
        return _("%s is not registered; register it first") % normal_serial(serial)
    if station.device_type_id and device.device_type_id != station.device_type_id:
        values = {"serial": device.serial, "type": device.device_type, "fits": station.device_type}
        return _("%(serial)s is a %(type)s; only %(fits)s fits this station") % values
    return ""


def unload_station(
    station: Station, slots: Iterable[int] | None = None, *, by: AbstractBaseUser | None = None
) -> int:
    """Take devices out of slots, or of all; returns how many came out."""
    with transaction.atomic():
        _hold_idle(station)
        rows = station.loaded.all()
        if slots is not None:
            rows = rows.filter(slot__in=list(slots))
        there = dict(rows.values_list("device", "slot"))
        where = {device: seat_text(station.name, slot) for device, slot in there.items()}
        try:
            Held(there).move(Move.UNLOAD, by=by, why=where)
        except MoveRefused as error:
            raise RunRefused(error.faults) from error
        return rows.delete()[0]


def _hold_idle(station: Station) -> None:
    """Hold a station that does not measure: of two persons the second sees what the first did.

    Stations before devices, so that nobody waits for the other.
    """
    Station.objects.select_for_update().only("pk").get(pk=station.pk)
    _refuse_while_running(station)


def _refuse_while_running(station: Station) -> None:
    lane = Lane.objects.filter(name=station.lane).select_related("holder").first()
    if lane is not None and lane.holder is not None and lane.holder.is_open:
        raise RunRefused(
            _("%(station)s is measuring (%(task)s): wait for its end or stop it first")
            % {"station": station, "task": lane.holder}
        )


def resume_run(run: Run, *, by: AbstractBaseUser | None = None) -> list[Task]:
    """Go on with a run from the first of its tasks that did not succeed.

    Raises `RunRefused` while it is under way, once it has succeeded, and where it must be measured
    again and the station does not hold its devices.
    """
    if run.task_group is None:
        raise RunRefused(_("%s has no tasks: there is nothing to resume") % run)
    try:
        with transaction.atomic():
            tasks = resume(run.task_group, by=by)
            if any(task.name == MEASURE for task in tasks):
                refuse_moved(run)
                if run.station is not None:
                    save_instruments_again(run, run.station)
    except SubmitError as error:
        raise RunRefused(error.faults) from None
    except MoveRefused as error:
        raise RunRefused(error.faults) from error
    return tasks


def start_run(
    station: Station,
    stage: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    *,
    by: AbstractBaseUser | None = None,
    override: str = "",
    bad_contact: str = "",
) -> Run:
    """Measure what is loaded: acquire, check, analyse, judge, report, one after the other.

    `bad_contact` is another rule for the contact check than the station's.
    `override` is the reason to start although a calibration has expired; it is kept.
    Raises `RunRefused` without having begun anything.
    """
    chosen = get_stage(stage or station.stage)
    try:
        cleaned = chosen.clean(parameters or {})
    except ValueError as error:  # how a stage says that parameters do not fit
        raise RunRefused(str(error)) from error
    if station.remote:
        _refuse_unfit(station, chosen.key)
    elif not (station.program or station.program_name or chosen.program()):
        raise RunRefused(_("%s has no test program: name one for the station") % chosen.title)
    with transaction.atomic():
        Station.objects.select_for_update().only("pk").get(pk=station.pk)
        loaded = _hold_loaded(station, by=by)
        lane = station_lane(station)
        _refuse_at(station, lane, override=override)
        refuse_untrained(chosen.key, (row.device.campaign_id for row in loaded), by)
        run = Run.objects.create(
            stage=chosen.key,
            station=station,
            parameters=cleaned,
            bad_contact=bad_contact or station.bad_contact,
            procedure=in_use(chosen.key),
            channel_map=station.channel_maps.first(),
            operator_id=None if by is None else by.pk,
            **common_keys((row.device.campaign_id, row.device.owner_id) for row in loaded),
        )
        RunSlot.objects.bulk_create(
            RunSlot(run=run, slot=row.slot, device_id=row.device_id) for row in loaded
        )
        save_instruments(run, station)
        try:
            run.task_group = submit_chain(
                _calls(run, station, lane, override.strip()),
                title=f"{chosen.title}, {station.name}, run {run.pk}",
                by=by,
                about=run,
            )
        except SubmitError as error:
            raise RunRefused(error.faults) from None
        run.save(update_fields=["task_group"])
    return run


def _refuse_unfit(station: Station, stage: str) -> None:
    """`RunRefused` where the station's computer has no program for a stage, as far as is known."""
    from mppcqa.runs.contact import known_programs, program_for

    programs = known_programs(station)
    if programs is None:
        text = _("%s was never connected: start `mppcqa station` on its computer first")
        raise RunRefused(text % station)
    try:
        program_for(station, stage)
    except LookupError as error:
        raise RunRefused(str(error)) from None


def _hold_loaded(station: Station, *, by: AbstractBaseUser | None) -> list[LoadedDevice]:
    """What is loaded in a station, held for a measurement; `RunRefused` where it can't begin."""
    # Nothing of a device but whose it is and its number of channels is looked at.
    loaded = list(
        station.loaded.select_related("device__device_type").only(
            *("slot", "station", "device__campaign", "device__owner"),
            *("device__device_type__rows", "device__device_type__columns"),
        )
    )
    if not loaded:
        raise RunRefused(_("%s is empty: load devices first") % station)
    try:
        Held(row.device_id for row in loaded).move(Move.START, by=by)
    except MoveRefused as error:
        raise RunRefused(error.faults) from error
    if len({row.device.device_type.channels for row in loaded}) > 1:
        raise RunRefused(_("the devices in %s have different numbers of channels") % station)
    return loaded


def _refuse_at(station: Station, lane: Lane, *, override: str) -> None:
    """`RunRefused` where a station is out of service, or its calibration has expired."""
    if lane.maintenance:
        values = {"station": station, "why": lane.maintenance}
        raise RunRefused(_("%(station)s is out of service: %(why)s") % values)
    day = lane.calibrated_until
    if day is not None and day < timezone.now().date() and not override.strip():
        text = _(
            "the calibration of %(what)s ended on %(day)s: calibrate it, or give the "
            "reason to start all the same"
        )
        words = [{"what": one, "day": one.calibrated_until} for one in expired_at(station)]
        if words:
            raise RunRefused(text % one for one in words)


def _calls(run: Run, station: Station, lane: Lane, override: str) -> list[Call]:
    """The tasks of a run, one after the other."""
    arguments = {"run_id": run.pk}
    near = lane.name if lane.dedicated else DEFAULT_LANE
    measure = Call(
        MEASURE,
        arguments,
        lane=lane.name,
        topic=run.stage,
        limit_s=station.time_limit_s,
        override=override,
    )
    # The file lies on the station's own computer until it is taken into the store.
    check = Call("runs.check", arguments, near, topic=run.stage)
    after = ("results.analyse", "limits.judge", "reports.run")
    return [measure, check, *(Call(name, arguments, topic=run.stage) for name in after)]
