"""What is done with many devices of the list at once: into a tray, to a place, a tag, a box.

Each is looked at first: where each device goes, and why some do not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from mppcqa.inventory.models import Device, Institute, Tag, Tray
from mppcqa.inventory.moving import faults_by_hand
from mppcqa.inventory.placing import free_places, put_into_tray, save_device
from mppcqa.inventory.shipping import ShipmentRefused, pack
from mppcqa.inventory.states import Move
from mppcqa.web.listing.declare import Bulk, Choice, Effect

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

MOST_CHOICES = 2000


def _devices(keys: list[int]) -> list[Device]:
    """By serial: the order in which they are laid into a tray."""
    rows = Device.objects.filter(pk__in=keys).select_related("tray", "location")
    return list(rows.order_by("serial"))


def _named(rows: Any) -> list[tuple[str, str]]:
    return [
        (str(pk), name)
        for pk, name in rows.order_by("name").values_list("pk", "name")[:MOST_CHOICES]
    ]


def _trays(viewer: Any) -> Iterable[tuple[str, str]]:
    return _named(Tray.objects.visible_to(viewer))


def _places(viewer: Any) -> Iterable[tuple[str, str]]:
    return _named(Institute.objects)


def _tags(viewer: Any) -> Iterable[tuple[str, str]]:
    return _named(Tag.objects)


def _into_tray(keys: list[int], chosen: str) -> list[Effect]:
    tray = Tray.objects.get(pk=int(chosen))
    free = free_places(tray)
    faults = faults_by_hand(keys, Move.PLACE)
    found = []
    for one in _devices(keys):
        if one.tray_id == tray.pk and one.tray_row is not None:
            found.append(Effect(one.pk, one.serial, _("lies in it already")))
        elif one.pk in faults:
            found.append(Effect(one.pk, one.serial, faults[one.pk]))
        elif not free:
            found.append(Effect(one.pk, one.serial, _("%s is full") % tray))
        else:
            row, column = free.pop(0)
            former = f"{one.tray} → " if one.tray else ""
            words = {"row": row + 1, "column": column + 1}
            told = former + _("row %(row)d, column %(column)d") % words
            found.append(Effect(one.pk, one.serial, told=told))
    return found


def _lay(keys: list[int], chosen: str, by: AbstractBaseUser) -> str:
    tray = Tray.objects.get(pk=int(chosen))
    put_into_tray([one.pk for one in _devices(keys)], tray, by=by)
    words = {"n": len(keys), "tray": tray}
    return ngettext(
        "%(n)d device lies in %(tray)s.", "%(n)d devices lie in %(tray)s.", len(keys)
    ) % words  # fmt: skip


def _to_place(keys: list[int], chosen: str) -> list[Effect]:
    place = Institute.objects.get(pk=int(chosen))
    faults = faults_by_hand(keys, Move.RELOCATE)
    found = []
    for one in _devices(keys):
        refused = faults.get(one.pk, "")
        if one.location_id == place.pk:
            refused = _("is there already")
        told = f"{one.location or '–'} → {place}"
        found.append(Effect(one.pk, one.serial, refused, told))
    return found


def _relocate(keys: list[int], chosen: str, by: AbstractBaseUser) -> str:
    place = Institute.objects.get(pk=int(chosen))
    with transaction.atomic():
        for one in _devices(keys):
            one.location = place
            save_device(one, by=by)
    words = {"n": len(keys), "place": place}
    return ngettext(
        "%(n)d device is at %(place)s.", "%(n)d devices are at %(place)s.", len(keys)
    ) % words  # fmt: skip


def _to_tag(keys: list[int], chosen: str) -> list[Effect]:
    tag = Tag.objects.get(pk=int(chosen))
    have = set(tag.devices.filter(pk__in=keys).values_list("pk", flat=True))
    said = _("has it already")
    return [Effect(one.pk, one.serial, said if one.pk in have else "") for one in _devices(keys)]


def _tag(keys: list[int], chosen: str, by: AbstractBaseUser) -> str:
    tag = Tag.objects.get(pk=int(chosen))
    tag.devices.add(*keys)
    words = {"n": len(keys), "tag": tag}
    return ngettext(
        "%(n)d device has the tag %(tag)s.", "%(n)d devices have the tag %(tag)s.", len(keys)
    ) % words  # fmt: skip


def _from(devices: list[Device]) -> int | None:
    """The place (id) where most of them are: a box has one."""
    places = Counter(one.location_id for one in devices if one.location_id is not None)
    return places.most_common(1)[0][0] if places else None


def _to_send(keys: list[int], chosen: str) -> list[Effect]:
    devices, place = _devices(keys), Institute.objects.get(pk=int(chosen))
    faults = faults_by_hand(keys, Move.PACK)
    origin = _from(devices)
    found = []
    for one in devices:
        refused = faults.get(one.pk, "")
        if not refused and origin is None:
            refused = _("nobody said where it is; change that first")
        elif not refused and one.location_id != origin:
            refused = _("is elsewhere than most of them; send it in a box of its own")
        elif not refused and one.location_id == place.pk:
            refused = _("is there already")
        found.append(Effect(one.pk, one.serial, refused, f"{one.location or '–'} → {place}"))
    return found


def _send(keys: list[int], chosen: str, by: AbstractBaseUser) -> str:
    devices, place = _devices(keys), Institute.objects.get(pk=int(chosen))
    here = _from(devices)
    if here is None:
        raise ShipmentRefused(_("nobody said where it is; change that first"))
    origin = Institute.objects.get(pk=here)
    made = pack(origin, place, [one.serial for one in devices], by=by)
    words = {"n": len(keys), "number": made.pk, "place": place}
    return (
        ngettext(
            "%(n)d device is packed as shipment %(number)d to %(place)s; send it on its page.",
            "%(n)d devices are packed as shipment %(number)d to %(place)s; send it on its page.",
            len(keys),
        )
        % words
    )


CHOSEN = (
    Bulk(
        "tray",
        gettext_lazy("Put into a tray"),
        "inventory.change_device",
        do=_lay,
        choice=Choice(gettext_lazy("Tray"), _trays, _into_tray),
    ),
    Bulk(
        "relocate",
        gettext_lazy("Say where they are"),
        "inventory.change_device",
        do=_relocate,
        choice=Choice(gettext_lazy("Institute"), _places, _to_place),
    ),
    Bulk(
        "tag",
        gettext_lazy("Give a tag"),
        "inventory.change_device",
        do=_tag,
        choice=Choice(gettext_lazy("Tag"), _tags, _to_tag),
    ),
    Bulk(
        "ship",
        gettext_lazy("Pack into one box"),
        "inventory.add_shipment",
        do=_send,
        choice=Choice(gettext_lazy("Destination"), _places, _to_send),
    ),
)
