"""What people do with instruments: place, calibrate, wire; and what a run had of them."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.inventory.attachments import checked_file
from mppcqa.queue import lanes
from mppcqa.refused import Fault, Refused
from mppcqa.runs.instruments import (
    Calibration,
    ChannelLine,
    ChannelMap,
    Instrument,
    Placement,
    RunInstrument,
)
from mppcqa.runs.lane import station_lane
from mppcqa.runs.models import Run, Station
from mppcqa.stages.calibrations import AGAINST, DRIFT, UNITS, Calibrated, allowed, known_as
from mppcqa.store.keeping import keeping

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

MOST_POINTS = 2000
MOST_LINES = 500


class InstrumentRefused(Refused):
    """Not done; the message says why. The `field` of a fault is the one of a form, if it has one,
    its `row` the line of a channel map."""


def place(
    instrument: Instrument, station: Station, since: dt.date, *, by: AbstractBaseUser | None = None
) -> Placement:
    """Put an instrument at a station from a day on; where it stood before, it stands no more."""
    _not_later(since, "since")
    with transaction.atomic():
        held = Instrument.objects.select_for_update().get(pk=instrument.pk)
        if held.station_id == station.pk:
            raise InstrumentRefused(
                _("%(what)s stands at %(station)s already.") % {"what": held, "station": station}
            )
        _end(held, since)
        made = Placement.objects.create(
            instrument=held, station=station, since=since, made_by_id=None if by is None else by.pk
        )
        former, held.station = held.station, station
        held.save(update_fields=["station"])
        for one in filter(None, (former, station)):
            _settle_station(one)
    instrument.station = station
    return made


def take_away(instrument: Instrument, until: dt.date) -> None:
    """End an instrument's stay at its station; it stands nowhere."""
    _not_later(until, "until")
    with transaction.atomic():
        held = Instrument.objects.select_for_update().get(pk=instrument.pk)
        if held.station is None:
            raise InstrumentRefused(_("%s stands at no station.") % held)
        _end(held, until)
        former, held.station = held.station, None
        held.save(update_fields=["station"])
        _settle_station(former)
    instrument.station = None


def _end(instrument: Instrument, day: dt.date) -> None:
    for row in instrument.placements.filter(until=None):
        if day < row.since:
            words: dict[str, Any] = {"what": instrument, "station": row.station, "day": row.since}
            text = _("%(what)s stands at %(station)s since %(day)s: give that day or a later one.")
            raise InstrumentRefused([Fault(text % words, field="since")])
        row.until = day
        row.save(update_fields=["until"])


def _not_later(day: dt.date, field: str) -> None:
    """What is kept has happened: from days to come nothing follows by itself."""
    if day > timezone.now().date():
        raise InstrumentRefused([Fault(_("This day is yet to come."), field=field)])


@dataclass(frozen=True)
class Found:
    """What a calibration found."""

    done_on: dt.date
    done_by: str
    valid_until: dt.date | None = None
    quantity: str = ""
    unit: str = ""
    against: str = ""
    against_unit: str = ""
    points: Sequence[tuple[float | None, float, float | None]] = ()
    note: str = ""


def calibrate(
    instrument: Instrument,
    found: Found,
    *,
    certificate: UploadedFile[Any] | None = None,
    by: AbstractBaseUser | None = None,
) -> Calibration:
    """Keep a calibration with its certificate; from then on it counts for its quantity."""
    _not_later(found.done_on, "done_on")
    if faults := _faults(found):
        raise InstrumentRefused(faults)
    row = Calibration(
        instrument=instrument,
        done_on=found.done_on,
        done_by=found.done_by,
        valid_until=found.valid_until,
        quantity=found.quantity,
        unit=found.unit,
        against=found.against,
        against_unit=found.against_unit,
        points=[list(one) for one in sorted(found.points, key=lambda one: one[0] or 0.0)],
        note=found.note,
        made_by_id=None if by is None else by.pk,
    )
    if certificate is None:
        _kept(row)
        return row
    row.original_name, ending = checked_file(certificate)
    with keeping(certificate, "certificates", f".{ending}") as kept:
        row.file, row.sha256 = kept.name, kept.sha256
        _kept(row)
    return row


def _kept(row: Calibration) -> None:
    with transaction.atomic():
        row.save(force_insert=True)
        _settle(row.instrument_id)


def _faults(found: Found) -> list[Fault]:
    faults = []
    if found.valid_until is not None and found.valid_until < found.done_on:
        faults.append(Fault(_("It ends before it was made."), field="valid_until"))
    if found.points and not found.quantity:
        faults.append(Fault(_("Say what the values are, as in “responsivity”."), field="quantity"))
    if found.quantity and not found.points:
        faults.append(Fault(_("Give at least one value."), field="points"))
    if len(found.points) > MOST_POINTS:
        faults.append(Fault(_("At most %d values.") % MOST_POINTS, field="points"))
    at = [one[0] for one in found.points]
    if found.against and None in at:
        faults.append(Fault(_("Each line has three numbers: where, value, ±."), field="points"))
    elif not found.against and (len(at) > 1 or at not in ([], [None])):
        faults.append(Fault(_("Say what the values depend on, as in “light”."), field="against"))
    elif len(set(at)) < len(at):
        faults.append(Fault(_("Two values stand at the same place."), field="points"))
    if any(one[2] is not None and one[2] < 0 for one in found.points):
        faults.append(Fault(_("An uncertainty is not negative."), field="points"))
    return faults or list(_known_faults(found))


def _known_faults(found: Found) -> Iterator[Fault]:
    """What is wrong with a quantity that analyses take: they would give no value with it."""
    known = known_as(found.quantity)
    if not known:
        return
    depends = AGAINST[known].get(" ".join(found.against.split()).lower())
    words = _("Analyses take the %(what)s in these units: %(units)s.")
    units = {"what": found.quantity, "units": allowed(found.quantity)}
    if found.unit.strip() not in UNITS[known]:
        yield Fault(words % units, field="unit")
    if depends is None:
        yield Fault(words % units, field="against")
    elif found.against_unit.strip() not in depends:
        yield Fault(words % units, field="against_unit")
    if any(one[2] is None for one in found.points):
        text = _("Give each value its standard uncertainty: without it no value follows from it.")
        yield Fault(text, field="points")
    if known != DRIFT and any(not one[1] > 0 for one in found.points):
        yield Fault(_("It must be above zero."), field="points")


def withdraw(row: Calibration, why: str, *, by: AbstractBaseUser | None = None) -> None:
    """Say that a calibration is wrong; it stays readable, also with the runs that had it."""
    if not why.strip():
        raise InstrumentRefused(_("Say why it is withdrawn."))
    with transaction.atomic():
        done = Calibration.objects.filter(pk=row.pk, withdrawn_at=None).update(
            withdrawn_at=timezone.now(),
            withdrawn_by_id=None if by is None else by.pk,
            withdrawn_why=why.strip()[:300],
        )
        if not done:
            raise InstrumentRefused(_("It is withdrawn already."))
        _settle(row.instrument_id)


def counting(instruments: Iterable[int], on: dt.date | None = None) -> dict[int, list[Calibration]]:
    """By instrument (id), its calibrations that count on a day (today): of each quantity the
    latest."""
    rows = Calibration.objects.filter(
        instrument__in=list(instruments),
        withdrawn_at=None,
        done_on__lte=on or timezone.now().date(),
    )
    found: dict[int, dict[str, Calibration]] = defaultdict(dict)
    for row in rows.order_by("done_on", "pk"):
        found[row.instrument_id][row.quantity] = row
    return {key: list(one.values()) for key, one in found.items()}


def calibrated_at(run: Run) -> list[Calibrated]:
    """Calibrations of the instruments that a run had, as they count for the day it was measured.

    Of each quantity the latest of those made until then, whenever they were entered; one that was
    withdrawn since does not count. Where an instrument's own was made only later, that one: it says
    why there is no value.
    """
    ids = run.instruments.values_list("instrument", flat=True).distinct()
    day = run.measured_at.astimezone(dt.UTC).date()
    rows = Calibration.objects.filter(instrument__in=ids, withdrawn_at=None).exclude(quantity="")
    found: dict[tuple[int, str], Calibration] = {}
    for row in rows.select_related("instrument").order_by("done_on", "pk"):
        key = row.instrument_id, known_as(row.quantity) or row.quantity
        if key not in found or row.done_on <= day:
            found[key] = row
    return [row.calibrated() for row in found.values()]


def _settle(pk: int) -> None:
    """Bring up to date what an instrument, and where it stands, say of its calibrations."""
    held = Instrument.objects.select_for_update().get(pk=pk)
    ends = [one.valid_until for one in counting([pk]).get(pk, ()) if one.valid_until is not None]
    held.calibrated_until = min(ends, default=None)
    held.save(update_fields=["calibrated_until"])
    if held.station is not None:
        _settle_station(held.station)


def _settle_station(station: Station) -> None:
    ends = station.instruments.exclude(calibrated_until=None).order_by("calibrated_until")
    station.calibrated_until = ends.values_list("calibrated_until", flat=True).first()
    station.save(update_fields=["calibrated_until"])
    lane = station_lane(station)
    lanes.set_calibration(lane, lane.calibrated_until)


def map_channels(
    station: Station,
    lines: Sequence[ChannelLine],
    *,
    note: str = "",
    by: AbstractBaseUser | None = None,
) -> ChannelMap:
    """Keep a new version of a station's channel map; `InstrumentRefused` names wrong lines."""
    if faults := list(_map_faults(station, lines)):
        raise InstrumentRefused(faults)
    with transaction.atomic():
        Station.objects.select_for_update().only("pk").get(pk=station.pk)
        last = station.channel_maps.first()
        made = ChannelMap.objects.create(
            station=station,
            version=1 if last is None else last.version + 1,
            note=note.strip()[:300],
            made_by_id=None if by is None else by.pk,
        )
        for line in lines:
            line.map = made
        ChannelLine.objects.bulk_create(lines)
    return made


def _map_faults(station: Station, lines: Sequence[ChannelLine]) -> Iterable[Fault]:
    if not lines:
        yield Fault(_("Name at least one line."))
    if len(lines) > MOST_LINES:
        yield Fault(_("At most %d lines.") % MOST_LINES)
    here = set(station.instruments.values_list("pk", flat=True))
    theirs: dict[tuple[int, int], int] = {}
    for row, line in enumerate(lines, 1):
        if not 1 <= line.slot <= station.slots:
            values = {"slot": line.slot, "station": station, "last": station.slots}
            text = _("there is no slot %(slot)s; %(station)s has 1 to %(last)s") % values
            yield Fault(text, row=row)
        if line.last < line.first:
            yield Fault(_("The last channel comes before the first."), row=row)
        if line.instrument_id not in here:
            words = {"what": line.instrument, "station": station}
            yield Fault(_("%(what)s does not stand at %(station)s.") % words, row=row)
        for number in range(line.to_first, line.to_last + 1):
            key = line.instrument_id, number
            if theirs.setdefault(key, row) != row:
                told: dict[str, Any] = {"channel": number, "line": theirs[key]}
                told["what"] = line.instrument
                text = _("Channel %(channel)d of %(what)s is wired in line %(line)d already.")
                yield Fault(text % told, row=row)
                break


def save_instruments_again(run: Run, station: Station) -> None:
    """Keep what measures a run that is measured once more, in place of what was kept of before."""
    RunInstrument.objects.filter(run=run).delete()
    save_instruments(run, station)
    run.channel_map = station.channel_maps.first()
    run.save(update_fields=["channel_map"])


def save_instruments(run: Run, station: Station) -> None:
    """Keep with a run what measures it: the instruments that stand there, the calibrations that
    count today."""
    there = list(station.instruments.only("pk"))
    known = counting(one.pk for one in there) if there else {}
    nothing: list[Calibration | None] = [None]
    RunInstrument.objects.bulk_create(
        RunInstrument(run=run, instrument=one, calibration=row)
        for one in there
        for row in known.get(one.pk) or nothing
    )


def told_of(runs: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """By run (id), its instruments and calibrations as a document that goes to other places."""
    rows = RunInstrument.objects.visible_to(None).filter(run__in=list(runs))
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows.select_related("instrument", "calibration"):
        one, said = row.instrument, row.calibration
        document: dict[str, Any] = {"name": one.name, "kind": one.kind, "make": one.make}
        if said is not None:
            until = said.valid_until
            names = ("done_by", "quantity", "unit", "against", "against_unit", "points")
            document |= {name: getattr(said, name) for name in names}
            document |= {
                "done_on": said.done_on.isoformat(),
                "valid_until": None if until is None else until.isoformat(),
                "certificate_sha256": said.sha256,
            }
        found[row.run_id].append(document)
    return found


def expired_at(station: Station) -> list[Instrument]:
    """Instruments at a station of which a calibration has expired."""
    ended = station.instruments.filter(calibrated_until__lt=timezone.now().date())
    return list(ended.order_by("calibrated_until", "name"))
