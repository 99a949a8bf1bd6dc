"""Devices for a need: so many of a type and lot whose verdicts are good, and why others are not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from mppcqa.inventory.matching import Matched, Matching
from mppcqa.inventory.models import Device, DeviceType, Institute, Lot
from mppcqa.inventory.moving import Held
from mppcqa.inventory.reserving import reserved, reserved_text
from mppcqa.inventory.scope import Viewer
from mppcqa.inventory.states import Move
from mppcqa.limits.models import SignOff
from mppcqa.limits.objections import stage_title
from mppcqa.results.models import Outcome, Standing

BATCH = 500
MOST_TOLD = 200
GOOD = (Outcome.PASS,)
FAIR = (Outcome.PASS, Outcome.WARNING)


@dataclass(frozen=True)
class Need:
    """What is wanted, at a place; where nothing is said anything will do."""

    origin: Institute
    count: int
    device_type: DeviceType | None = None
    lot: Lot | None = None
    stages: Sequence[str] = ()
    """Stages at which a device must stand with one of the outcomes, or be waived."""
    outcomes: Collection[str] = GOOD
    signed_off: bool = False


@dataclass
class Picked:
    """Serial numbers in order, and those that were looked at and left, each with the reason."""

    serials: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    missing: int = 0
    """How many fewer there are than are needed."""


def pick(need: Need, viewer: Viewer) -> Picked:
    """The first devices by serial number that fit; nothing is held and nothing is changed."""
    picked = Picked()
    for _pk, serial, why in _looked_at(need, viewer):
        if not why:
            picked.serials.append(serial)
        elif len(picked.refused) < MOST_TOLD:
            picked.refused.append((serial, why))
        if len(picked.serials) == need.count:
            break
    picked.missing = need.count - len(picked.serials)
    return picked


def fitting(need: Need, viewer: Viewer) -> tuple[dict[int, str], int]:
    """All that fit, id -> serial number, at most as many as are needed; and how many do not."""
    found: dict[int, str] = {}
    refused = 0
    for pk, serial, why in _looked_at(need, viewer):
        if why:
            refused += 1
        else:
            found[pk] = serial
        if len(found) == need.count:
            break
    return found, refused


def pick_groups(matching: Matching, groups: Collection[int], viewer: Viewer) -> Picked:
    """Whole groups of a matching; those of which somebody has a part are left, with the reason."""
    picked = Picked()
    rows = Matched.objects.visible_to(viewer).filter(matching=matching, group__in=groups)
    members = list(rows.order_by("group", "device__serial").select_related("device"))
    serials = {one.device_id: one.device.serial for one in members}
    why = Held(serials, lock=False).faults(Move.PACK)
    broken = {one.group for one in members if one.device_id in why}
    for one in members:
        if one.group not in broken:
            picked.serials.append(one.device.serial)
        elif fault := why.get(one.device_id):
            picked.refused.append((one.device.serial, fault))
    picked.missing = len(members) - len(picked.serials)
    return picked


def _looked_at(need: Need, viewer: Viewer) -> Iterator[tuple[int, str, str]]:
    """Id, serial number and what speaks against it, of each device in order."""
    rows = _asked_for(need, viewer)
    last = ""
    while part := dict(rows.filter(serial__gt=last).values_list("pk", "serial")[:BATCH]):
        last = next(reversed(part.values()))
        why = _why_not(need, part)
        yield from ((pk, serial, why.get(pk, "")) for pk, serial in part.items())


def _asked_for(need: Need, viewer: Viewer) -> QuerySet[Device]:
    rows: QuerySet[Device] = Device.objects.visible_to(viewer)
    rows = rows.filter(Q(location=need.origin) | Q(location=None)).order_by("serial")
    if need.device_type is not None:
        rows = rows.filter(device_type=need.device_type)
    return rows if need.lot is None else rows.filter(lot=need.lot)


def _why_not(need: Need, devices: dict[int, str]) -> dict[int, str]:
    """Why devices (id -> serial) don't fit."""
    why = dict(Held(devices, lock=False).faults(Move.PACK))
    for pk, place in reserved(devices).items():
        why[pk] = reserved_text(devices[pk], place)
    standing: dict[int, dict[str, str]] = defaultdict(dict)
    rows = Standing.objects.filter(device__in=list(devices), stage__in=need.stages)
    for one in rows.select_related("verdict__waiver"):
        waiver = getattr(one.verdict, "waiver", None)
        waived = waiver is not None and waiver.holds
        standing[one.device_id][one.stage] = Outcome.PASS if waived else one.outcome
    for stage in need.stages:
        for pk, serial in devices.items():
            outcome = standing[pk].get(stage)
            if outcome in need.outcomes:
                continue
            values = {"serial": serial, "stage": stage_title(stage)}
            if not outcome:
                text = _("%(serial)s was not judged (%(stage)s)")
            else:
                text = _("%(serial)s: %(stage)s says %(outcome)s")
                values["outcome"] = str(Outcome(outcome).label)
            why.setdefault(pk, text % values)
    if need.signed_off:
        signed = SignOff.objects.filter(device__in=list(devices))
        there = set(signed.values_list("device", flat=True))
        for pk, serial in devices.items():
            if pk not in there:
                text = _("%s was not signed off; sign it off on its page, or pick without that")
                why.setdefault(pk, text % serial)
    return why
