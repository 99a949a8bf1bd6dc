"""A shipment: where it goes, and each device in it with what stands of it at every stage."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from mppcqa.inventory.models import Shipment
from mppcqa.signing.models import SignedAct
from mppcqa.stages import all_stages
from mppcqa.views.texts import NONE, moment
from mppcqa.views.verdict import standing_states


@dataclass(frozen=True)
class PackedDevice:
    """A device in a box."""

    serial: str
    kind: str
    tray: str
    """Tray with row and column; empty where it is in none."""
    outcomes: tuple[tuple[str, str], ...]
    """State of its verdict and the state in words, for each stage of the shipment."""
    missing: bool
    """It was not in the box when that was opened."""


@dataclass(frozen=True)
class ShipmentView:
    """All that page and packing list say of a shipment."""

    pk: int
    name: str
    as_of: dt.datetime
    """When the newest thing that is said of it happened."""
    origin: str
    destination: str
    facts: tuple[tuple[str, str], ...]
    stages: tuple[str, ...]
    """Titles of the stages at which any of the devices was judged or measured."""
    devices: tuple[PackedDevice, ...]


def shipment_view(pk: int) -> ShipmentView | None:
    """The shipment of a number; None where there is none. A few questions, however large it is."""
    people = ("packed_by", "sent_by", "received_by")
    found = Shipment.objects.select_related("origin", "destination", *people).filter(pk=pk).first()
    if found is None:
        return None
    rows = list(
        found.devices.select_related("device_type", "tray")
        .only("serial", "device_type__name", "tray__name", "tray_row", "tray_column")
        .order_by("tray__name", "tray_row", "tray_column", "serial")
    )
    states = standing_states([row.pk for row in rows])
    there = {stage for one in states.values() for stage in one}
    titles = {one.key: _(one.title) for one in all_stages() if one.key in there}
    titles |= {key: key for key in sorted(there - titles.keys())}
    missing = set(found.missing.values_list("pk", flat=True))
    not_measured = ("", NONE)
    return ShipmentView(
        pk=found.pk,
        name=str(found),
        as_of=found.received_at or found.sent_at or found.packed_at,
        origin=str(found.origin),
        destination=str(found.destination),
        facts=tuple(_facts(found, len(rows), len(missing))),
        stages=tuple(titles.values()),
        devices=tuple(
            PackedDevice(
                row.serial,
                row.device_type.name,
                _place(row),
                tuple(states.get(row.pk, {}).get(key, not_measured) for key in titles),
                row.pk in missing,
            )
            for row in rows
        ),
    )


def _place(row: object) -> str:
    tray, line, column = (getattr(row, name) for name in ("tray", "tray_row", "tray_column"))
    if tray is None:
        return ""
    return f"{tray.name} ({line}, {column})" if line is not None else str(tray.name)


def _facts(found: Shipment, devices: int, missing: int) -> Iterable[tuple[str, str]]:
    yield _("From"), str(found.origin)
    yield _("To"), str(found.destination)
    yield _("Tracking number"), found.reference or NONE
    for title, when, who in (
        (_("Packed"), found.packed_at, found.packed_by),
        (_("Sent"), found.sent_at, found.sent_by),
        (_("Received"), found.received_at, found.received_by),
    ):
        if when is not None:
            yield title, f"{moment(when)} UTC" + (f", {who.get_username()}" if who else "")
    for signed in SignedAct.objects.filter(
        kind=Shipment._meta.label_lower, key=found.pk, state=SignedAct.State.DONE
    ):
        yield _("Released"), f"{signed.signers}. “{signed.in_words}”"
    yield _("Devices"), str(devices)
    if missing:
        yield _("Missing"), str(missing)
    if found.exempt:
        why = f": {found.exempt_why}" if found.exempt_why else ""
        yield _("Devices that fail or are on hold"), f"{found.get_exempt_display()}{why}"
    if found.note:
        yield _("Note"), found.note
