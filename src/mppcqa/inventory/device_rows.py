"""Rows of a table as devices, checked a piece at a time and written only when all are right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from django.utils.translation import gettext as _

from mppcqa.inventory.campaign import FIRST, Terms, campaign_terms
from mppcqa.inventory.device_fields import DEVICE_FIELDS, REFERENCES, TEXTS
from mppcqa.inventory.models import Device, DeviceType, Institute, Lot, SerialAlias, Tray
from mppcqa.inventory.moving import Held
from mppcqa.inventory.placing import campaign_of, moves_between, place_of, state_of_new
from mppcqa.inventory.scope import scope_of
from mppcqa.inventory.serials import normal_serial, serial_faults
from mppcqa.inventory.states import Move

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

COLUMNS = ("serial", "device_type", "lot", "location", "tray", "tray_row", "tray_column", "parent")
BATCH = 500
LOT_LENGTH = Lot._meta.get_field("name").max_length or 0
DIGITS = 9
"""Of a position in a tray; numbers of thousands of digits take long to read."""
Existing = Literal["refuse", "skip", "update"]


@dataclass(frozen=True)
class RowFault:
    """What is wrong with one cell of a table; rows count from 0."""

    row: int
    column: str
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass
class Plan:
    """What a piece of a table would do: rows by number, and what is wrong with others."""

    new: list[Device] = field(default_factory=list)
    changed: list[Device] = field(default_factory=list)
    skipped: int = 0
    lots: dict[int, tuple[str, DeviceType]] = field(default_factory=dict)
    """Place in `new` -> name of a lot that may have to be made."""
    changed_lots: dict[int, tuple[str, DeviceType]] = field(default_factory=dict)
    faults: list[RowFault] = field(default_factory=list)


class DeviceRows:
    """Reads pieces of one table; remembers what earlier pieces had, to find what comes twice."""

    def __init__(
        self, *, by: AbstractBaseUser | None = None, existing: Existing = "refuse"
    ) -> None:
        self.by_id = None if by is None else by.pk
        self.scope = scope_of(by)
        self.existing = existing
        self.types = {one.name: one for one in DeviceType.objects.select_related("maker")}
        self._first: dict[str, int] = {}
        self._places: dict[tuple[int, int, int], str] = {}
        self._parts_of: dict[int, set[int]] = {}

    # A campaign has hundreds of trays, and who registers one device names none of them.
    @cached_property
    def institutes(self) -> dict[str, Institute]:
        return {one.name: one for one in Institute.objects.all()}

    @cached_property
    def trays(self) -> dict[str, Tray]:
        return {one.name: one for one in Tray.objects.all()}

    @cached_property
    def terms(self) -> dict[int, Terms]:
        return campaign_terms()

    @cached_property
    def references(self) -> dict[str, dict[str, Any]]:
        return {one.key: one.choices() for one in REFERENCES}

    def plan(self, rows: Sequence[Mapping[str, Any]], numbers: Iterable[int]) -> Plan:
        """What these rows would do; nothing is written."""
        plan = Plan()
        serials = [normal_serial(row.get("serial")) for row in rows]
        there, former = _known(serials)
        parents, _former = _known([normal_serial(row.get("parent")) for row in rows])
        for number, row, serial in zip(numbers, rows, serials, strict=True):
            known = there.get(serial)
            found: list[RowFault] = []
            if serial and serial in self._first:
                text = _("the serial number %(serial)s stands in row %(row)d already")
                values = {"serial": serial, "row": self._first[serial] + 1}
                found.append(RowFault(number, "serial", text % values))
            self._first.setdefault(serial, number)
            if serial in former:
                text = _("the serial number %s belonged to a device that was renamed")
                found.append(RowFault(number, "serial", text % serial))
            hidden = known is not None and not self.scope.has(known)
            if known is not None and (hidden or self.existing == "refuse"):
                text = _("the serial number %s is registered already")
                found.append(RowFault(number, "serial", text % serial))
            elif known is not None and self.existing == "skip":
                plan.skipped += 1
                continue
            self._row(plan, number, row, serial, known, parents, found)
        _refuse_moves(plan)
        self._refuse_taken(plan)
        return plan

    def _row(
        self,
        plan: Plan,
        number: int,
        row: Mapping[str, Any],
        serial: str,
        known: Device | None,
        parents: Mapping[str, Device],
        found: list[RowFault],
    ) -> None:
        kind_name = _text(row, "device_type")
        kind = self.types.get(kind_name) if kind_name or known is None else known.device_type
        found += [RowFault(number, "serial", text) for text in serial_faults(serial, kind)]
        if len(_text(row, "lot")) > LOT_LENGTH:
            text = _("the name of the lot has more than %d characters") % LOT_LENGTH
            found.append(RowFault(number, "lot", text))
        if kind is None:
            found.append(_unknown(number, "device_type", row, self.types, _("device type")))
        named, field_faults = self._fields(number, row)
        found += field_faults
        location = self.institutes.get(_text(row, "location")) if row.get("location") else None
        if row.get("location") and location is None:
            found.append(_unknown(number, "location", row, self.institutes, _("place")))
        tray = self.trays.get(_text(row, "tray")) if row.get("tray") else None
        if row.get("tray") and tray is None:
            found.append(_unknown(number, "tray", row, self.trays, _("tray")))
        place, place_faults = _place(number, row, tray or (known.tray if known else None))
        found += place_faults
        parent = parents.get(normal_serial(row.get("parent")))
        if row.get("parent") and parent is None:
            text = _(
                "%s is not registered, so nothing can be part of it; import modules before their "
                "parts, as a table of their own"
            )
            found.append(RowFault(number, "parent", text % str(row["parent"])[:80]))
        elif parent is not None and known is not None and known.pk in self._above(parent):
            found.append(RowFault(number, "parent", _("a device can't be part of itself")))
        device = known or self._new(serial)
        if kind is not None and not found:
            found += self._refused(number, kind, device, named)
        if found or kind is None:
            plan.faults += found
            return
        device.row_number = number  # type: ignore[attr-defined]
        former = place_of(device)
        device.device_type = kind
        device.location = location or device.location
        device.parent = parent or device.parent
        placed = tray is not None or place != (None, None)
        if placed:
            device.tray = tray or device.tray
            device.tray_row, device.tray_column = place
        if known is None:
            device.state = state_of_new(device)
        for key, value in named.items():
            setattr(device, key, value)
        moves = moves_between(former, device) if known is not None else {}
        maker_values = row.get("maker_values") or {}
        device.maker_values = {**device.maker_values, **maker_values}
        device.given = {  # type: ignore[attr-defined]
            "device_type": kind if kind_name else None,
            "location": location if Move.RELOCATE in moves else None,
            "parent": parent,
            "maker_values": device.maker_values if maker_values else None,
            **{one.key: named.get(one.key) for one in DEVICE_FIELDS},
            "placed": Move.PLACE in moves,
            "moves": moves,
        }
        target, lots = (plan.new, plan.lots) if known is None else (plan.changed, plan.changed_lots)
        if lot := _text(row, "lot"):
            lots[len(target)] = (lot, kind)
        target.append(device)

    def _new(self, serial: str) -> Device:
        """A device of whom registers it, as far as that person is bound."""
        device = Device(serial=serial, registered_by_id=self.by_id, owner_id=self.scope.owner)
        if self.scope.campaign is not None:
            device.campaign_id = self.scope.campaign
        return device

    def _fields(self, number: int, row: Mapping[str, Any]) -> tuple[dict[str, Any], list[RowFault]]:
        """What a row says of the fields that are declared: texts, and what they refer to."""
        faults = []
        said = {one.key: text for one in DEVICE_FIELDS if (text := _text(row, one.key))}
        for one in TEXTS:
            if len(said.get(one.key, "")) > one.most:
                fault = _("“%(title)s” has more than %(most)d characters")
                values = {"title": _(one.title), "most": one.most}
                faults.append(RowFault(number, one.key, fault % values))
        found: dict[str, Any] = dict(said)
        for one in REFERENCES:
            if one.key in said:
                there = self.references[one.key]
                found[one.key] = there.get(said[one.key])
                if found[one.key] is None:
                    faults.append(_unknown(number, one.key, row, there, _(one.title)))
        return found, faults

    def _refused(
        self, number: int, kind: DeviceType, device: Device, named: Mapping[str, Any]
    ) -> list[RowFault]:
        """Why its campaign does not take a device that is new, or that changes what it asks."""
        campaign = int(named["campaign"].pk) if "campaign" in named else campaign_of(device)
        owner = named["owner"].pk if "owner" in named else device.owner_id
        now = (device.device_type_id, device.campaign_id, device.owner_id)
        if campaign == FIRST or (device.pk is not None and now == (kind.pk, campaign, owner)):
            return []
        return [
            RowFault(number, "campaign", one) for one in self.terms[campaign].faults(kind, owner)
        ]

    def _above(self, device: Device) -> set[int]:
        """Ids of a device and of all that it is part of."""
        if device.pk not in self._parts_of:
            found: set[int] = set()
            above: Device | None = device
            while above is not None and above.pk not in found:
                found.add(above.pk)
                above = above.parent
            self._parts_of[device.pk] = found
        return self._parts_of[device.pk]

    def _refuse_taken(self, plan: Plan) -> None:
        """Two devices can't lie in one position of a tray."""
        placed = [
            device
            for device in (*plan.new, *plan.changed)
            if device.tray_id is not None and device.tray_row is not None
        ]
        taken: dict[tuple[int, int, int], str] = {}
        for tray in {device.tray_id for device in placed}:
            rows = Device.objects.filter(tray=tray, tray_row__isnull=False)
            for row, column, serial in rows.values_list("tray_row", "tray_column", "serial"):
                if tray is not None and row is not None and column is not None:
                    taken[tray, row, column] = serial
        moved = {device.serial for device in plan.changed}
        refused = set()
        for device in placed:
            place = (device.tray_id, device.tray_row, device.tray_column)
            holder = self._places.get(place) or taken.get(place)  # type: ignore[arg-type]
            if holder is not None and holder != device.serial and holder not in moved:
                text = _("position %(row)s, %(column)s of tray %(tray)s holds %(serial)s already")
                values = {
                    "row": device.tray_row,
                    "column": device.tray_column,
                    "tray": device.tray,
                    "serial": holder,
                }
                number = device.row_number  # type: ignore[attr-defined]
                plan.faults.append(RowFault(number, "tray_row", text % values))
                refused.add(device.serial)
            self._places[place] = device.serial  # type: ignore[index]
        if refused:
            _leave_out(plan, refused)

    def write(self, plan: Plan) -> list[Device]:
        """Register what is new in a plan; the caller holds a transaction."""
        for place, (name, kind) in plan.lots.items():
            plan.new[place].lot = Lot.objects.get_or_create(name=name, maker=kind.maker)[0]
        return Device.objects.bulk_create(plan.new, batch_size=BATCH)


def _refuse_moves(plan: Plan) -> None:
    """What sits in a station, is on its way or lost can't be moved by a table."""
    refused = set()
    moved = {one.pk: one for one in plan.changed if one.given["moves"]}  # type: ignore[attr-defined]
    held = Held(moved, lock=False)
    for move, column in ((Move.RELOCATE, "location"), (Move.PLACE, "tray")):
        members = [pk for pk, one in moved.items() if move in one.given["moves"]]  # type: ignore[attr-defined]
        for pk, text in held.faults(move, members).items():
            number = moved[pk].row_number  # type: ignore[attr-defined]
            plan.faults.append(RowFault(number, column, text))
            refused.add(moved[pk].serial)
    if refused:
        _leave_out(plan, refused)


def _leave_out(plan: Plan, refused: set[str]) -> None:
    for devices, name in ((plan.new, "lots"), (plan.changed, "changed_lots")):
        lots = getattr(plan, name)
        kept = [place for place, device in enumerate(devices) if device.serial not in refused]
        setattr(plan, name, {new: lots[old] for new, old in enumerate(kept) if old in lots})
        devices[:] = [devices[place] for place in kept]


def _known(serials: Sequence[str]) -> tuple[dict[str, Device], set[str]]:
    """Devices by serial, and serials that devices had before."""
    wanted = sorted({serial for serial in serials if serial})
    there: dict[str, Device] = {}
    former: set[str] = set()
    for start in range(0, len(wanted), BATCH):
        part = wanted[start : start + BATCH]
        # Not joined: from the few types, MariaDB may go through all devices of each.
        rows = Device.objects.filter(serial__in=part).prefetch_related("device_type", "tray")
        there.update({device.serial: device for device in rows})
        aliases = SerialAlias.objects.filter(serial__in=part)
        former.update(aliases.values_list("serial", flat=True))
    return there, former - there.keys()


def _text(row: Mapping[str, Any], column: str) -> str:
    return str(row.get(column) or "").strip()


def _unknown(
    number: int, column: str, row: Mapping[str, Any], known: Mapping[str, Any], what: str
) -> RowFault:
    given = _text(row, column)
    there = ", ".join(sorted(known)[:10]) or _("none yet, make it in the catalogue first")
    text = _("there is no %(what)s called “%(given)s”; there are: %(there)s")
    return RowFault(number, column, text % {"what": what, "given": given, "there": there})


def _place(
    number: int, row: Mapping[str, Any], tray: Tray | None
) -> tuple[tuple[int | None, int | None], list[RowFault]]:
    """Position in the tray, which must lie inside it."""
    place: list[int | None] = []
    faults = []
    given = [
        column
        for column in ("tray_row", "tray_column")
        if str(row.get(column) if row.get(column) is not None else "").strip()
    ]
    if given and tray is None and not row.get("tray"):
        faults.append(RowFault(number, given[0], _("a position needs the name of a tray")))
        return (None, None), faults
    if len(given) == 1:
        faults.append(RowFault(number, given[0], _("a position needs a row and a column")))
    for column, size in (("tray_row", "rows"), ("tray_column", "columns")):
        text = str(row.get(column, "") if row.get(column) is not None else "").strip()
        if not text:
            place.append(None)
            continue
        if tray is None:  # there is none of that name, which is a fault already
            place.append(None)
            continue
        last = getattr(tray, size) - 1
        if not text.isdecimal() or len(text) > DIGITS or int(text) > last:
            message = _("“%(text)s” is no position; positions count from 0 to %(last)s")
            faults.append(RowFault(number, column, message % {"text": text[:30], "last": last}))
            place.append(None)
        else:
            place.append(int(text))
    return (place[0], place[1]), faults
