"""What is part of what: mounted at a place of a whole from a day on, taken out, swapped.

`Device.parent` and `Device.installed` say what holds now, `Mounting` what held when. Whatever
changes the former tells it by `remember`; everything else goes through `mount` and `take_out`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.inventory.models import Device
from mppcqa.inventory.mountings import PLACE, Mounting, place_text
from mppcqa.inventory.scope import scope_of
from mppcqa.refused import Fault, Refused

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

BATCH = 500
MOST_LEVELS = 20
ENDED = ("until", "why", "ended_at", "ended_by")


class AssemblyRefused(Refused):
    """Nothing was mounted or taken out; each fault says why and what to do."""


@dataclass(frozen=True)
class Mount:
    """A part (id) in a whole (id), or at a place that names the whole.

    Without `until` it holds now, and without `since` then from today on.
    """

    part: int
    whole: int | None
    place: Mapping[str, str] = field(default_factory=dict)
    since: dt.date | None = None
    until: dt.date | None = None
    why: str = ""
    row: int | None = None
    """Of the table that says so, from 0."""


@dataclass
class Done:
    """How many mountings are new, ended, and were there already."""

    new: int = 0
    ended: int = 0
    unchanged: int = 0


def mount(
    wanted: Iterable[Mount], *, by: AbstractBaseUser | None = None, replace: bool = False
) -> Done:
    """Mount all parts, or none and `AssemblyRefused` with every fault.

    A part that is elsewhere is taken from there. What sits at the place already is a fault, or is
    taken out with `replace`.
    """
    today = timezone.now().date()
    ordered = sorted(wanted, key=lambda one: (one.since or today, one.until or dt.date.max))
    ids = {one.part for one in ordered} | {one.whole for one in ordered if one.whole}
    with transaction.atomic():
        book = _Book(ids, today, by, replace)
        for one in ordered:
            book.enter(one)
        if book.faults:
            raise AssemblyRefused(book.in_order())
        book.write()
    return book.done


def take_out(
    parts: Collection[int],
    *,
    until: dt.date | None = None,
    why: str = "",
    by: AbstractBaseUser | None = None,
) -> Done:
    """Take parts (ids) out of what holds them now: all of them, or none and `AssemblyRefused`."""
    today = timezone.now().date()
    with transaction.atomic():
        book = _Book(set(parts), today, by, replace=False)
        for pk in sorted(parts):
            book.end(pk, until or today, why)
        if book.faults:
            raise AssemblyRefused(book.in_order())
        book.write()
    return book.done


def remember(
    devices: Iterable[int], *, since: dt.date | None, by: AbstractBaseUser | None = None
) -> None:
    """Keep as history what `parent` and `installed` of some devices (ids) say by now.

    The caller holds a transaction. `since` is the day of the change; None where nobody knows.
    """
    today = timezone.now().date()
    ids = sorted(set(devices))
    for start in range(0, len(ids), BATCH):
        piece = ids[start : start + BATCH]
        there = {one.part_id: one for one in Mounting.objects.filter(part__in=piece, until=None)}
        new = []
        rows = Device.objects.filter(pk__in=piece).only("pk", "parent", "installed")
        for device in rows:
            former = there.get(device.pk)
            place = device.installed or {}
            if former is not None:
                if (former.whole_id, former.place) == (device.parent_id, place):
                    continue
                moved = former.whole_id not in (None, device.parent_id)
                if moved and place and former.place == place:
                    # The place was one of the former whole.
                    place = {}
                    Device.objects.filter(pk=device.pk).update(installed=place)
                former.until = since or today
                former.ended_at = timezone.now()
                former.ended_by_id = None if by is None else by.pk
                former.save(update_fields=ENDED)
            if device.parent_id or place:
                start_at = since if former is None else since or today
                new.append(
                    Mounting(
                        part=device,
                        whole_id=device.parent_id,
                        place=place,
                        since=start_at,
                        told_by_id=None if by is None else by.pk,
                    )
                )
        Mounting.objects.bulk_create(new)


def remember_named(
    serials: Sequence[str], *, since: dt.date | None, by: AbstractBaseUser | None = None
) -> None:
    """`remember` for devices that are named by their serials."""
    for start in range(0, len(serials), BATCH):
        rows = Device.objects.filter(serial__in=serials[start : start + BATCH])
        remember(list(rows.values_list("pk", flat=True)), since=since, by=by)


def parts_of(devices: Collection[int]) -> list[int]:
    """Ids of all that is part of some devices now, of their parts, and so on."""
    found: dict[int, None] = {}
    level = list(devices)
    for _level in range(MOST_LEVELS):
        below: list[int] = []
        for start in range(0, len(level), BATCH):
            rows = Device.objects.filter(parent__in=level[start : start + BATCH])
            below += [pk for pk in rows.values_list("pk", flat=True) if pk not in found]
        found |= dict.fromkeys(below)
        level = below
        if not level:
            break
    return list(found)


class _Book:
    """The mountings of some devices while they are changed; nothing is written before `write`."""

    def __init__(
        self, ids: Collection[int], today: dt.date, by: AbstractBaseUser | None, replace: bool
    ) -> None:
        self.today, self.by, self.replace = today, by, replace
        self.faults: list[Fault] = []
        self.done = Done()
        self._changed: dict[int, Mounting] = {}
        """By `id()` of the row: what is new has no key yet."""
        wanted = sorted(ids)
        self._devices: dict[int, Device] = {}
        self._rows: list[Mounting] = []
        for start in range(0, len(wanted), BATCH):
            piece = wanted[start : start + BATCH]
            held = Device.objects.select_for_update().filter(pk__in=piece)
            self._devices |= {one.pk: one for one in held.only("pk", "serial", "parent")}
            about = Q(part__in=piece) | Q(whole__in=piece)
            self._rows += list(Mounting.objects.filter(about).select_related("part", "whole"))
        self._rows = list({one.pk: one for one in self._rows}.values())
        self._above: dict[int, int | None] = {}

    def enter(self, one: Mount) -> None:
        """Take one mounting in, or a fault."""
        if (text := self._why_not(one)) is not None:
            self._fault(one.row, text)
            return
        since = one.since or (self.today if one.until is None else None)
        place = {key: str(one.place[key]) for key in PLACE if one.place.get(key)}
        mine = [row for row in self._rows if row.part_id == one.part]
        for row in mine:
            if (row.whole_id, row.place) != (one.whole, place):
                continue
            if one.since not in (None, row.since):
                continue
            if row.until == one.until:
                self.done.unchanged += 1
                return
            if row.until is None and one.until is not None:
                self._end(row, one.until, one.why)
                return
        new = Mounting(
            part=self._devices[one.part],
            whole=self._devices[one.whole] if one.whole else None,
            place=place,
            since=since,
            until=one.until,
            why=one.why[:300],
            told_by_id=None if self.by is None else self.by.pk,
        )
        if self._makes_room(new, mine, one.row):
            self._rows.append(new)
            self._changed[id(new)] = new
            self.done.new += 1
            if one.until is None:
                self._above[one.part] = one.whole

    def end(self, part: int, until: dt.date, why: str) -> None:
        """Take a part out of what holds it now, or a fault."""
        row = next((r for r in self._rows if r.part_id == part and r.until is None), None)
        serial = self._devices[part].serial
        if row is None:
            self._fault(part, _("%s is part of nothing.") % serial)
        elif until > self.today:
            self._fault(part, _("%s lies in the future.") % until)
        elif row.since is not None and until < row.since:
            self._fault(part, self._told(row) + " " + _("It can't end before."))
        else:
            self._end(row, until, why)

    def write(self) -> None:
        """Write what was changed, and what holds of it now to the devices."""
        rows = list(self._changed.values())
        Mounting.objects.bulk_create([one for one in rows if one.pk is None])
        Mounting.objects.bulk_update([one for one in rows if one.pk], ENDED, BATCH)
        now = {one.part_id: one for one in self._rows if one.until is None}
        for part in {one.part_id for one in rows}:
            holds = now.get(part)
            Device.objects.filter(pk=part).update(
                parent=holds.whole_id if holds else None, installed=holds.place if holds else {}
            )

    def _why_not(self, one: Mount) -> str | None:
        """What is wrong with it whatever else there is."""
        part = self._devices[one.part].serial
        if one.whole is None and not one.place:
            return _("%s: say what it is part of, or where it is.") % part
        for day in (one.since, one.until):
            if day is not None and day > self.today:
                return _("%s lies in the future.") % day
        if one.since and one.until and one.until < one.since:
            return _("%(until)s is before %(since)s.") % {"until": one.until, "since": one.since}
        if one.until is None and one.part in self._chain(one.whole):
            return _("A device can't be part of itself.")
        return None

    def _chain(self, whole: int | None) -> list[int]:
        """A device and all that it is part of now."""
        found: list[int] = []
        while whole is not None and whole not in found:
            found.append(whole)
            if whole not in self._above:
                above = Device.objects.filter(pk=whole).values_list("parent", flat=True).first()
                self._above[whole] = above
            whole = self._above[whole]
        return found

    def _makes_room(self, new: Mounting, mine: Sequence[Mounting], row: int | None) -> bool:
        """End what it follows; False, and a fault, where that can't be."""
        for other in mine:
            if _apart(new, other):
                continue
            if new.until is None and other.until is None and _begins_before(other, new):
                self._end(other, new.since or self.today, new.why)
                continue
            self._fault(
                row, self._told(other) + " " + _("It can't be at two places; end that first.")
            )
            return False
        position = new.place.get("pos")
        if new.whole_id is None or not position:
            return True
        for other in list(self._rows):
            same = (other.whole_id, other.place.get("pos")) == (new.whole_id, position)
            if not same or other.part_id == new.part_id or _apart(new, other):
                continue
            swaps = self.replace and new.until is None and other.until is None
            if swaps and _begins_before(other, new):
                self._end(other, new.since or self.today, new.why)
                continue
            self._fault(row, self._told(other) + " " + _("The place is taken; take it out first."))
            return False
        return True

    def _told(self, row: Mounting) -> str:
        """A mounting as a sentence; devices that the person does not see have no name there."""
        scope = scope_of(self.by)

        def name(device: Device | None) -> str:
            if device is None:
                return ""
            other = _("a device of another owner or campaign")
            return device.serial if scope.has(device) else other

        where = ", ".join(filter(None, (name(row.whole), place_text(row.place))))
        return _("%(part)s is in %(where)s from %(since)s to %(until)s.") % {
            "part": name(row.part),
            "where": where,
            "since": row.since or "?",
            "until": row.until or _("today"),
        }

    def _end(self, row: Mounting, until: dt.date, why: str) -> None:
        row.until = until
        row.why = (why or row.why)[:300]
        row.ended_at = timezone.now()
        row.ended_by_id = None if self.by is None else self.by.pk
        self._changed[id(row)] = row
        self._above[row.part_id] = None
        self.done.ended += 1

    def in_order(self) -> list[Fault]:
        """The faults by their rows."""
        return sorted(self.faults, key=lambda one: one.row or 0)

    def _fault(self, row: int | None, text: str) -> None:
        self.faults.append(Fault(text, row=row))


def _apart(one: Mounting, other: Mounting) -> bool:
    """Whether two mountings have no day in common; the last day of one may begin the other."""
    return _before(one, other) or _before(other, one)


def _before(one: Mounting, other: Mounting) -> bool:
    return one.until is not None and one.until <= (other.since or dt.date.min)


def _begins_before(one: Mounting, other: Mounting) -> bool:
    return (one.since or dt.date.min) <= (other.since or dt.date.min)
