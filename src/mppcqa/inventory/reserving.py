"""Matched devices are kept for their group: reserved, moved together, released again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.inventory.matching import Matched, Matching
from mppcqa.inventory.moving import Held
from mppcqa.inventory.states import AT_HAND, DeviceState, Move
from mppcqa.refused import Fault, Refused

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

BATCH = 500
STILL_HERE = AT_HAND | {DeviceState.LOADED, DeviceState.ON_HOLD}
"""Where a member that does not come along is left behind."""


class MatchingRefused(Refused):
    """Nothing was changed; each fault says why and what to do."""


@dataclass(frozen=True)
class Member:
    """A device (id) with the value that it is matched by, and its standard uncertainty if known."""

    device: int
    value: float
    uncertainty: float | None = None


def reserved(devices: Collection[int]) -> dict[int, Matched]:
    """Device -> its place in the matching that it is reserved for, of some devices (ids)."""
    ids, found = sorted(devices), {}
    for start in range(0, len(ids), BATCH):
        rows = Matched.objects.filter(device__in=ids[start : start + BATCH])
        rows = rows.filter(matching__undone_at=None).select_related("matching")
        found.update({one.device_id: one for one in rows})
    return found


def reserved_text(serial: str, place: Matched) -> str:
    """What is said of a device that is wanted for something else."""
    text = _(
        "%(serial)s is reserved: group %(group)d of “%(matching)s”; undo that, or take another"
    )
    words = {"serial": serial, "group": place.group, "matching": place.matching.name}
    return text % words


@transaction.atomic
def save_matching(
    matching: Matching, groups: Sequence[Sequence[Member]], *, by: AbstractBaseUser | None = None
) -> Matching:
    """Keep groups and reserve their devices; `MatchingRefused` where one can't be had any more."""
    members = [(number, one) for number, group in enumerate(groups, 1) for one in group]
    if not members:
        raise MatchingRefused(_("There is no group to keep."))
    if not matching.name.strip():
        raise MatchingRefused(Fault(_("Give it a name, to find it again."), field="name"))
    held = Held(one.device for _number, one in members)
    if Matching.objects.filter(name=matching.name).exists():
        text = _("There is a matching “%s” already; choose another name.")
        raise MatchingRefused(Fault(text % matching.name, field="name"))
    faults = held.faults(Move.PACK)
    for pk, place in reserved(held.found).items():
        faults.setdefault(pk, reserved_text(held.found[pk].serial, place))
    if faults:
        raise MatchingRefused(Fault(text, row=pk) for pk, text in faults.items())
    matching.made_by_id = None if by is None else by.pk
    matching.save()
    Matched.objects.bulk_create(
        (
            Matched(
                matching=matching,
                device_id=one.device,
                group=number,
                value=one.value,
                uncertainty=one.uncertainty,
            )
            for number, one in members
        ),
        batch_size=BATCH,
    )
    return matching


@transaction.atomic
def undo_matching(matching: Matching, why: str, *, by: AbstractBaseUser | None = None) -> None:
    """Release its devices for anything; what was matched, and why it was undone, stays."""
    if not (why := why.strip()):
        raise MatchingRefused(Fault(_("Say why: it is kept with the matching."), field="why"))
    now = Matching.objects.select_for_update().get(pk=matching.pk)
    if not now.holds:
        raise MatchingRefused(_("“%s” was undone already.") % now.name)
    Matching.objects.filter(pk=matching.pk).update(
        undone_at=timezone.now(), undone_by=None if by is None else by.pk, undone_why=why[:300]
    )


def parted(move: Move, devices: Mapping[int, str], **_named: Any) -> dict[int, str]:
    """What matchings have against packing some of a group and leaving others behind."""
    if move not in (Move.PACK, Move.SHIP) or not devices:
        return {}
    places = reserved(devices)
    if not places:
        return {}
    wanted = {(one.matching_id, one.group) for one in places.values()}
    left: dict[tuple[int, int], str] = {}
    rows = Matched.objects.filter(matching__in={one for one, _group in wanted})
    rows = rows.filter(device__state__in=STILL_HERE).exclude(device__in=list(devices))
    for matching, group, serial in rows.values_list("matching", "group", "device__serial"):
        left.setdefault((matching, group), serial)
    text = _(
        "%(serial)s is matched with %(other)s, which would be left behind (group %(group)d of "
        "“%(matching)s”); take the whole group, or undo the matching"
    )
    return {
        device: text
        % {
            "serial": devices[device],
            "other": left[one.matching_id, one.group],
            "group": one.group,
            "matching": one.matching.name,
        }
        for device, one in places.items()
        if (one.matching_id, one.group) in left
    }
