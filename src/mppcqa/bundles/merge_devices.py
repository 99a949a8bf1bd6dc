"""Devices of a bundle, and the types, lots, trays and places that they name, into the database.

A device is known by its UUID, or by one that another database gave it; what both sides registered
by themselves is the same where serial number (a former one too) and type are. What is empty here is
filled; what differs stays as it is here and is told. A serial number that was given later holds.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from mppcqa.bundles.merge import Merge
from mppcqa.bundles.models import CameFrom, KnownAs
from mppcqa.bundles.refusal import BundleRefused
from mppcqa.bundles.things import Document, batches
from mppcqa.inventory.locks import lock_devices
from mppcqa.inventory.models import (
    Device,
    DeviceType,
    Institute,
    Lot,
    Maker,
    SerialAlias,
    Tag,
    Tray,
)
from mppcqa.inventory.states import DeviceState

SIZE = ("rows", "columns", "channel_order")
PLAIN = ("maker_serial", "lot", "owner")


class Devices:
    """The devices of one bundle."""

    def __init__(self, merge: Merge) -> None:
        self.merge, self.said = merge, merge.said
        self.told: list[Document] = merge.inventory["devices"]

    def take(self) -> None:
        """Make what is new, mend what is the same; `Merge.devices` knows all afterwards."""
        self._names()
        found = self._find()
        lock_devices(sorted(set(found.values())))
        rows = {one.pk: one for part in batches(sorted(set(found.values())))
                for one in Device.objects.filter(pk__in=part)}  # fmt: skip
        new = [one for one in self.told if self._is_new(one, found)]
        self._make(new)
        self._mend([(one, rows[found[one["uuid"]]]) for one in self.told if one["uuid"] in found])
        self._name_parents(new)
        self._know(found)

    def _names(self) -> None:
        """What devices name: found by name, made where it is not there."""
        document = self.merge.inventory
        self.places = {
            one["name"]: Institute.objects.get_or_create(
                name=one["name"], defaults={"address": one["address"]}
            )[0]
            for one in document["institutes"]
        }
        self.makers = {
            name: Maker.objects.get_or_create(name=name)[0] for name in document["makers"]
        }
        self.types = {one["name"]: self._type(one) for one in document["types"]}
        self.lots = [self._lot(one) for one in document["lots"]]
        self.trays = [self._tray(one) for one in document["trays"]]

    def _type(self, told: Document) -> DeviceType:
        facts = {name: cell for name, cell in told.items() if name in _TYPE}
        maker = self.makers.get(told["maker"])
        found, made = DeviceType.objects.get_or_create(
            name=told["name"], defaults={**facts, "maker": maker}
        )
        if not made and any(getattr(found, name) != told[name] for name in SIZE):
            text = _(
                "The device type %(name)s has %(here)s channels here and %(there)s there, or "
                "another order of them: values would belong to other channels. Make both the same "
                "in the catalogue, or rename one."
            )
            sizes = {
                "here": f"{found.rows} × {found.columns}",
                "there": f"{told['rows']} × {told['columns']}",
            }
            raise BundleRefused(text % {"name": found.name, **sizes})
        return found

    def _lot(self, told: Document) -> Lot:
        found, _made = Lot.objects.get_or_create(
            name=told["name"],
            maker=self.makers.get(told["maker"]),
            defaults={"maker_values": told["maker_values"]},
        )
        return found

    def _tray(self, told: Document) -> Tray | None:
        lot = None if told["lot"] is None else self.lots[told["lot"]]
        found, _made = Tray.objects.get_or_create(
            name=told["name"],
            defaults={
                "rows": told["rows"],
                "columns": told["columns"],
                "lot": lot,
                "location": self.places.get(told["location"]),
            },
        )
        if (found.rows, found.columns) != (told["rows"], told["columns"]):
            line = _("the tray %s has another size here; its devices come without a place in it")
            self.said.line("differs", line % found.name)
            return None
        return found

    def _find(self) -> dict[str, int]:
        """Our id of each device that is here, by its UUID there; doubtful ones are left out."""
        by_uuid = self._by_uuid()
        by_serial = _by_serial(name for one in self.told for name in (one["serial"], *_former(one)))
        found: dict[str, int] = {}
        taken: dict[int, str] = {}
        self._doubtful: set[str] = set()
        for one in self.told:
            here = {by_uuid[name] for name in (one["uuid"], *one["known_as"]) if name in by_uuid}
            why = ""
            if not here:
                names = [name for name in (one["serial"], *_former(one)) if name in by_serial]
                here = {by_serial[name][0] for name in names[:1]}
                if names and by_serial[names[0]][1] != self.types[one["type"]].pk:
                    why = _("%s is a device of another type here; rename one of the two")
            if len(here) > 1:
                why = _("%s is two devices here; ask the sender which it is")
            pk = next(iter(here), None)
            if pk is not None and pk in taken and not why:
                why = _("%s and another device of the bundle are one device here")
            if why:
                self._doubtful.add(one["uuid"])
                self.said.tell("devices", "left_out", why % one["serial"])
            elif pk is not None:
                found[one["uuid"]] = pk
                taken[pk] = one["uuid"]
        return found

    def _by_uuid(self) -> dict[str, int]:
        names = [UUID(name) for one in self.told for name in (one["uuid"], *one["known_as"])]
        found: dict[str, int] = {}
        for part in batches(names):
            known = KnownAs.objects.filter(uuid__in=part)
            found |= {str(uuid): pk for uuid, pk in known.values_list("uuid", "device")}
            own = Device.objects.filter(uuid__in=part)
            found |= {str(uuid): pk for uuid, pk in own.values_list("uuid", "pk")}
        return found

    def _is_new(self, one: Document, found: dict[str, int]) -> bool:
        return one["uuid"] not in found and one["uuid"] not in self._doubtful

    def _make(self, new: list[Document]) -> None:
        free = self._free_places(new)
        tags = self._tags(new)
        rows = []
        for told in new:
            tray = None if told["tray"] is None else self.trays[told["tray"]]
            place = (told["tray_row"], told["tray_column"])
            if tray is not None and (tray.pk, *place) not in free and place != (None, None):
                line = _("%(serial)s comes without its place in tray %(tray)s, which is taken here")
                self.said.line("differs", line % {"serial": told["serial"], "tray": tray.name})
                tray = None
            free.discard((getattr(tray, "pk", 0), *place))
            rows.append(
                Device(
                    uuid=UUID(told["uuid"]),
                    serial=told["serial"],
                    device_type=self.types[told["type"]],
                    lot=None if told["lot"] is None else self.lots[told["lot"]],
                    tray=tray,
                    tray_row=told["tray_row"] if tray else None,
                    tray_column=told["tray_column"] if tray else None,
                    location=self.places.get(told["location"]),
                    owner=self.places.get(told["owner"]),
                    state=DeviceState.IN_TRAY if tray else DeviceState.REGISTERED,
                    maker_serial=told["maker_serial"],
                    maker_values=told["maker_values"],
                    installed=told["installed"],
                    registered_at=dt.datetime.fromisoformat(told["registered_at"]),
                )
            )
        Device.objects.bulk_create(rows, batch_size=500)
        origins, links = [], []
        for told, row in zip(new, rows, strict=True):
            self._note(told["uuid"], row)
            self.said.tell("devices", "new", told["serial"])
            if told["origin"] != self.merge.ours:
                origins.append(self.merge.came(CameFrom.Kind.DEVICE, row.pk, told["origin"], {}))
            links += [Device.tags.through(device_id=row.pk, tag_id=tags[t]) for t in told["tags"]]
        CameFrom.objects.bulk_create(origins, batch_size=500)
        Device.tags.through.objects.bulk_create(links, batch_size=500)
        self._alias([(told, row) for told, row in zip(new, rows, strict=True) if told["former"]])

    def _free_places(self, new: list[Document]) -> set[tuple[int, Any, Any]]:
        """Positions in trays that new devices name and that are free here."""
        wanted = {
            (tray.pk, one["tray_row"], one["tray_column"])
            for one in new
            if one["tray"] is not None and (tray := self.trays[one["tray"]]) is not None
            and one["tray_row"] is not None and one["tray_column"] is not None
            and one["tray_row"] < tray.rows and one["tray_column"] < tray.columns
        }  # fmt: skip
        there = Device.objects.filter(tray__in={tray for tray, _row, _column in wanted})
        return wanted - set(there.values_list("tray", "tray_row", "tray_column"))

    def _tags(self, devices: list[Document]) -> dict[str, int]:
        names = {name for one in devices for name in one["tags"]}
        return {name: Tag.objects.get_or_create(name=name)[0].pk for name in sorted(names)}

    def _mend(self, pairs: list[tuple[Document, Device]]) -> None:
        changed = []
        for told, row in pairs:
            differs = self._fill(told, row)
            self._note(told["uuid"], row)
            for line in differs:
                self.said.line("differs", line)
            self.said.count("devices", "differs" if differs else "same")
            changed.append(row)
        fields = ["maker_serial", "lot", "owner", "maker_values", "installed"]
        Device.objects.bulk_update(changed, fields, batch_size=200)
        self._alias([(told, row) for told, row in pairs if told["former"] or _is_other(told, row)])

    def _fill(self, told: Document, row: Device) -> list[str]:
        """Fill what is empty here; returns what differs."""
        there: dict[str, Any] = {
            "maker_serial": told["maker_serial"],
            "lot": None if told["lot"] is None else self.lots[told["lot"]],
            "owner": self.places.get(told["owner"]),
        }
        differs = []
        text = _("%(serial)s: %(what)s is “%(there)s” there and “%(here)s” here")
        for name in PLAIN:
            here = getattr(row, name)
            if not here and there[name]:
                setattr(row, name, there[name])
            elif there[name] and here != there[name]:
                title = Device._meta.get_field(name).verbose_name  # type: ignore[union-attr]
                values = {"serial": row.serial, "what": title, "here": here, "there": there[name]}
                differs.append(text % values)
        for name in ("maker_values", "installed"):
            here, theirs = getattr(row, name), told[name]
            both = [key for key in theirs if key in here and here[key] != theirs[key]]
            for key in both:
                values = {"serial": row.serial, "what": key, "here": here[key]}
                differs.append(text % {**values, "there": theirs[key]})
            setattr(row, name, {**theirs, **here})
        return differs

    def _note(self, uuid: str, row: Device) -> None:
        self.merge.devices[uuid] = row.pk
        self.merge.serials[row.pk] = row.serial

    def _alias(self, pairs: Sequence[tuple[Document, Device]]) -> None:
        """Former serial numbers, and the one that was given later on either side."""
        own: dict[int, list[SerialAlias]] = defaultdict(list)
        for part in batches([row.pk for _told, row in pairs]):
            for alias in SerialAlias.objects.filter(device__in=part):
                own[alias.device_id].append(alias)
        names = [name for told, _row in pairs for name in (told["serial"], *_former(told))]
        whose = {name: pk for name, (pk, _kind) in _by_serial(names).items()}
        fresh = []
        for told, row in pairs:
            when = {one["serial"]: _when(one) for one in told["former"]}
            if _is_other(told, row):
                fresh += self._rename(told, row, own[row.pk], whose)
            for one in told["former"]:
                if whose.get(one["serial"]) is None and one["serial"] != row.serial:
                    whose[one["serial"]] = row.pk
                    fresh.append(
                        SerialAlias(
                            serial=one["serial"],
                            device=row,
                            reason=one["reason"],
                            changed_at=when[one["serial"]],
                        )
                    )
        SerialAlias.objects.bulk_create(fresh, batch_size=500)

    def _rename(
        self, told: Document, row: Device, own: list[SerialAlias], whose: dict[str, int]
    ) -> list[SerialAlias]:
        """A device that has another serial number there: the one that was given later holds."""
        there, here = told["serial"], row.serial
        theirs = max(map(_when, told["former"]), default=None)
        mine = max((one.changed_at for one in own), default=None)
        values = {"here": here, "there": there, "from": self.merge.bundle.sender}
        if whose.get(there) not in (None, row.pk):
            line = _("%(here)s is %(there)s there, which is another device here; it stays as it is")
            self.said.tell("devices", "renamed", line % values)
            return []
        if theirs is None or (mine is not None and theirs <= mine) or self.merge.late:
            line = _("%(here)s is %(there)s there; it is found by both")
            self.said.tell("devices", "renamed", line % values)
            if any(one.serial == there for one in own) or whose.get(there) == row.pk:
                return []
            whose[there] = row.pk
            reason = _("its serial number at %(from)s") % values
            first = theirs or row.registered_at
            return [SerialAlias(serial=there, device=row, reason=reason[:200], changed_at=first)]
        line = _("%(here)s was renamed there: it is %(there)s from now on, and found by both")
        self.said.tell("devices", "renamed", line % values)
        SerialAlias.objects.filter(device=row, serial=there).delete()
        row.serial = there
        Device.objects.filter(pk=row.pk).update(serial=there)
        self.merge.serials[row.pk] = there
        whose[there] = whose[here] = row.pk
        reason = _("renamed at %(from)s") % values
        return [SerialAlias(serial=here, device=row, reason=reason[:200], changed_at=theirs)]

    def _name_parents(self, new: list[Document]) -> None:
        wanted = {one["uuid"]: one["parent"] for one in new if one["parent"]}
        known = dict(self.merge.devices)
        missing = [UUID(one) for one in wanted.values() if one not in known]
        for part in batches(missing):
            rows = Device.objects.filter(uuid__in=part)
            known |= {str(uuid): pk for uuid, pk in rows.values_list("uuid", "pk")}
        for uuid, parent in wanted.items():
            if parent in known:
                Device.objects.filter(pk=known[uuid]).update(parent=known[parent])

    def _know(self, found: dict[str, int]) -> None:
        """Note the names by which others know our devices."""
        rows = []
        there = set(self._by_uuid())
        for told in self.told:
            pk = self.merge.devices.get(told["uuid"])
            for name in (told["uuid"], *told["known_as"]):
                if pk is not None and name not in there:
                    there.add(name)
                    rows.append(KnownAs(uuid=UUID(name), device_id=pk))
        KnownAs.objects.bulk_create(rows, batch_size=500)
        for part in batches(sorted(self.merge.serials)):
            sizes = Device.objects.filter(pk__in=part).values_list(
                "pk", "device_type__rows", "device_type__columns"
            )
            self.merge.channels |= {pk: rows_ * columns for pk, rows_, columns in sizes}


_TYPE = (
    *("rows", "columns", "channel_order", "nominal_breakdown_v"),
    *("serial_pattern", "serial_check", "serial_next", "description"),
)


def _former(told: Document) -> list[str]:
    return [one["serial"] for one in told["former"]]


def _is_other(told: Document, row: Device) -> bool:
    return bool(told["serial"] != row.serial)


def _when(former: Document) -> dt.datetime:
    return dt.datetime.fromisoformat(former["changed_at"])


def _by_serial(names: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Id and type of the devices that have, or had, some serial numbers."""
    wanted = sorted(set(names))
    found: dict[str, tuple[int, int]] = {}
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        former = SerialAlias.objects.filter(serial__in=part)
        for serial, pk, kind in former.values_list("serial", "device", "device__device_type"):
            found[serial] = (pk, kind)
        rows = Device.objects.filter(serial__in=part)
        for serial, pk, kind in rows.values_list("serial", "pk", "device_type"):
            found[serial] = (pk, kind)
    return found
